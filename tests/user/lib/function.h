// SPDX-License-Identifier: MIT
// A function of the machine for a test that drives it, which nobody has. The named handle `control`
// leads to the PCI server.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <tessera/proto/pci.h>

struct function {
    ts_handle_t pci, device; // the server's root as clients see it; the function, held
    struct ts_pci_information information;
    char address[16];
};

// Takes the first that fits. False: no PCI server, or no such function.
bool function_find(struct function *function,
                   bool (*fits)(const struct ts_pci_information *information));

// Takes the one with this address; waits some seconds until it is given out.
TS_MUST_USE ts_status_t function_take(struct function *function, const char *address);

// The same for the one that was held before, and is closed now.
TS_MUST_USE ts_status_t function_take_again(struct function *function);

// What is known of any function.
TS_MUST_USE ts_status_t function_information(const struct function *function, const char *address,
                                             struct ts_pci_information *out_information);

// The BAR with registers of at least a page, and not the messages' table; TS_PCI_BARS: there is
// none.
uint32_t function_registers(const struct ts_pci_information *information);
bool function_has_registers(const struct ts_pci_information *information);
