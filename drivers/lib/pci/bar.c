// SPDX-License-Identifier: MIT
#include <drivers/pci/bar.h>
#include <drivers/pci/registers.h>

#define PORTS_FIRST 0x1000u // below are the machine's own: also those of configuration space
#define PORTS_END   0x10000u

// What the register says when it is written all ones: zeros where the size is.
static uint32_t probe(const struct pci_function *f, unsigned offset, uint32_t *out_old)
{
    *out_old = pci_read32(f, offset);
    pci_write32(f, offset, UINT32_MAX);
    uint32_t mask = pci_read32(f, offset);
    pci_write32(f, offset, *out_old);
    return mask;
}

static struct pci_bar make(enum ts_pci_bar_kind kind, uint64_t base, uint64_t mask, uint64_t limit)
{
    uint64_t size = -mask & limit;
    bool sane = mask != 0 && base != 0 && (size & (size - 1)) == 0 && base % size == 0 &&
                size - 1 <= limit - base;
    if (!sane) {
        return (struct pci_bar){.kind = TS_PCI_BAR_NONE};
    }
    return (struct pci_bar){.base = base, .size = size, .kind = kind};
}

// Reads the BAR with this index; how many registers it takes.
static unsigned read_one(const struct pci_function *f, unsigned index, struct pci_bar *out)
{
    unsigned offset = PCI_BAR0 + 4 * index;
    uint32_t low, high = 0;
    uint32_t mask = probe(f, offset, &low);
    if (mask == 0 || (mask == UINT32_MAX && low == UINT32_MAX)) {
        return 1; // absent, or nobody answers
    }
    if (low & PCI_BAR_IO) {
        // Devices may implement 16 bits of address only: then the upper half reads zero.
        uint32_t bits = (mask & ~3u) | ((mask >> 16) == 0 ? 0xffff0000u : 0);
        *out = make(TS_PCI_BAR_IO, low & ~3u, bits, UINT32_MAX);
        if (out->kind == TS_PCI_BAR_IO &&
            (out->base < PORTS_FIRST || out->base + out->size > PORTS_END)) {
            out->kind = TS_PCI_BAR_NONE;
        }
        return 1;
    }
    uint64_t base = low & ~15u, bits = mask & ~15u, limit = UINT32_MAX;
    unsigned registers = 1;
    if ((low & PCI_BAR_TYPE) == PCI_BAR_TYPE_64) {
        if (index + 1 == TS_PCI_BARS) {
            return 1; // no register for the upper half
        }
        bits |= ts_pair(0, probe(f, offset + 4, &high));
        base |= ts_pair(0, high);
        limit = UINT64_MAX;
        registers = 2;
    }
    *out = make(TS_PCI_BAR_MEMORY, base, bits, limit);
    out->prefetchable = (low & PCI_BAR_PREFETCHABLE) != 0;
    return registers;
}

void pci_bars_read(const struct pci_function *f, struct pci_bar bars[TS_PCI_BARS])
{
    uint16_t command = pci_read16(f, PCI_COMMAND);
    // While a register holds all ones the function must not answer to that address.
    pci_write16(f, PCI_COMMAND, command & (uint16_t) ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
    unsigned index = 0;
    for (unsigned i = 0; i < TS_PCI_BARS; i++) {
        bars[i] = (struct pci_bar){.kind = TS_PCI_BAR_NONE};
    }
    while (index < TS_PCI_BARS) {
        index += read_one(f, index, &bars[index]);
    }
    pci_write16(f, PCI_COMMAND, command);
}
