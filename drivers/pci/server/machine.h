// SPDX-License-Identifier: MIT
// How this machine's configuration space is reached: memory-mapped (ECAM) where the firmware says
// where it is, else the ports 0xcf8 and 0xcfc.
#pragma once

#include <drivers/pci/config.h>

struct machine {
    struct pci_function access; // address 0; copies with other addresses reach other functions
    uint8_t bus_first, bus_last;
    ts_handle_t physical, interrupt, domain, io; // resources
    ts_handle_t ports;                           // I/O range 0xcf8 to 0xcff
    uint64_t ecam;                               // physical address of bus_first's space
    volatile uint8_t *buses[256];                // ECAM, mapped when first used
};

// Takes the process's named handles. TS_ERR_NOT_FOUND: one that is needed is missing.
TS_MUST_USE ts_status_t machine_open(struct machine *machine);

// Whether physical addresses are configuration space, of any function.
bool machine_is_configuration(const struct machine *machine, uint64_t base, uint64_t size);

// Maps device memory uncached: [base, base + length), any alignment. The mapping stays until
// machine_unmap with the same pointer and length.
TS_MUST_USE ts_status_t machine_map(const struct machine *machine, uint64_t base, uint64_t length,
                                    volatile void **out);
void machine_unmap(volatile void *address, uint64_t length);
