// SPDX-License-Identifier: MIT
// Message-signalled interrupts: MSI-X, and MSI with its first vector.
#pragma once

#include <drivers/pci/bar.h>

struct pci_msix {
    uint8_t capability; // where it lies
    uint8_t bar;
    uint16_t entries; // 0 = the function has no usable MSI-X
    uint64_t offset;  // of the table in the BAR
};

// One entry of the table, in the device (PCI 3.0 section 6.8.2.6).
struct pci_msix_entry {
    uint32_t address, address_high, data, control; // control bit 0: masked
};
#define PCI_MSIX_ENTRY_MASKED 1u

// Finds MSI-X. A table that does not lie in a memory BAR of `bars` is none: entries 0.
void pci_msix_find(const struct pci_function *f, const struct pci_bar bars[TS_PCI_BARS],
                   struct pci_msix *out);

// Enables or disables all of it. TS_ERR_IO: the function does not take it.
TS_MUST_USE ts_status_t pci_msix_enable(const struct pci_function *f, const struct pci_msix *msix,
                                        bool enable);

// Masks the entry, sets it and unmasks it. `entry` is the device's, mapped uncached.
void pci_msix_set(volatile struct pci_msix_entry *entry, uint64_t address, uint32_t data);
void pci_msix_mask(volatile struct pci_msix_entry *entry);

// MSI: where its capability lies, 0 = none.
uint8_t pci_msi_find(const struct pci_function *f);

// Sets the first vector and enables it, or disables MSI. TS_ERR_OVERFLOW: the address needs 64 bits
// and the function has 32. TS_ERR_IO.
TS_MUST_USE ts_status_t pci_msi_set(const struct pci_function *f, uint8_t capability,
                                    uint64_t address, uint32_t data);
TS_MUST_USE ts_status_t pci_msi_disable(const struct pci_function *f, uint8_t capability);
