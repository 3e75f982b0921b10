// SPDX-License-Identifier: MIT
// Configuration space of one function, however it is reached: the PCI server has the machine's
// mechanism behind it (drivers/pci/server), a driver its device object, a test a byte array.
//
// What a function answers is not to be trusted: readers check what they get, loops are bounded,
// and all ones (nobody answers) is TS_ERR_IO where an answer is needed.
#pragma once

#include <stdbool.h>
#include <tessera/abi/word.h>
#include <tessera/lib/status.h>

struct pci_function {
    // width: 1, 2 or 4; offset: aligned to it, below `space`. A failed read gives all ones.
    uint32_t (*read)(void *context, uint16_t address, uint16_t offset, unsigned width);
    void (*write)(void *context, uint16_t address, uint16_t offset, unsigned width, uint32_t value);
    void *context;
    uint16_t address; // bus << 8 | slot << 3 | function; what it means is the mechanism's
    uint16_t space;   // bytes that can be reached: 256 or 4096
};

#define PCI_ADDRESS(bus, slot, function) \
    ((uint16_t)((unsigned)(bus) << 8 | (unsigned)(slot) << 3 | (unsigned)(function)))

// Reads and writes out of the space or not aligned: all ones, and nothing.
uint8_t pci_read8(const struct pci_function *f, unsigned offset);
uint16_t pci_read16(const struct pci_function *f, unsigned offset);
uint32_t pci_read32(const struct pci_function *f, unsigned offset);
void pci_write8(const struct pci_function *f, unsigned offset, uint8_t value);
void pci_write16(const struct pci_function *f, unsigned offset, uint16_t value);
void pci_write32(const struct pci_function *f, unsigned offset, uint32_t value);

// Whether anything answers at this address.
bool pci_present(const struct pci_function *f);

// Sets and clears bits of the command register. TS_ERR_IO: the read-back differs.
TS_MUST_USE ts_status_t pci_command(const struct pci_function *f, uint16_t clear, uint16_t set);

// A walk through the capability list, started from zero.
struct pci_walk {
    uint8_t at;    // where the last one found lies
    uint8_t steps; // taken so far
};

// The next capability with this id: walk->at says where. TS_ERR_NOT_FOUND there is no further one;
// TS_ERR_CORRUPT more steps than there is room for capabilities: the list loops.
TS_MUST_USE ts_status_t pci_capability(const struct pci_function *f, uint8_t id,
                                       struct pci_walk *walk);
