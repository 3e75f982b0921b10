// SPDX-License-Identifier: MIT
// Base address registers: what a function decodes and where.
#pragma once

#include <drivers/pci/config.h>
#include <tessera/proto/pci.h>

struct pci_bar {
    uint64_t base; // physical address or port, as the firmware set it
    uint64_t size; // bytes, a power of two
    enum ts_pci_bar_kind kind;
    bool prefetchable;
};

// Sizes all BARs of an ordinary function (header type 0), with its decoding switched off
// meanwhile. BARs that are absent, without an address, or whose answers make no sense (a size that
// is no power of two, a base not aligned to it, wrapping, ports of the machine's own) are NONE.
void pci_bars_read(const struct pci_function *f, struct pci_bar bars[TS_PCI_BARS]);
