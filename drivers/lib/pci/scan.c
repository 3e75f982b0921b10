// SPDX-License-Identifier: MIT
#include <drivers/pci/registers.h>
#include <drivers/pci/scan.h>

struct scan {
    bool known[256]; // buses to visit or visited
    pci_found *found;
    void *context;
};

static bool scan_function(struct scan *s, const struct pci_function *f, uint8_t header)
{
    if ((header & PCI_HEADER_TYPE) == PCI_HEADER_BRIDGE) {
        s->known[pci_read8(f, PCI_SECONDARY_BUS)] = true;
    }
    return s->found(s->context, f);
}

static bool scan_slot(struct scan *s, struct pci_function f, unsigned bus, unsigned slot)
{
    f.address = PCI_ADDRESS(bus, slot, 0);
    if (!pci_present(&f)) {
        return true;
    }
    uint8_t header = pci_read8(&f, PCI_HEADER);
    unsigned functions = header & PCI_HEADER_MULTI_FUNCTION ? 8 : 1;
    for (unsigned n = 0; n < functions; n++) {
        f.address = PCI_ADDRESS(bus, slot, n);
        if (pci_present(&f) && !scan_function(s, &f, pci_read8(&f, PCI_HEADER))) {
            return false;
        }
    }
    return true;
}

static bool scan_bus(struct scan *s, const struct pci_function *machine, unsigned bus)
{
    for (unsigned slot = 0; slot < 32; slot++) {
        if (!scan_slot(s, *machine, bus, slot)) {
            return false;
        }
    }
    return true;
}

void pci_scan(const struct pci_function *machine, uint8_t bus_first, uint8_t bus_last,
              pci_found *found, void *context)
{
    struct scan s = {.found = found, .context = context};
    bool visited[256] = {false};
    s.known[bus_first] = true;
    for (unsigned bus = bus_first; bus <= bus_last;) {
        if (!s.known[bus] || visited[bus]) {
            bus++;
            continue;
        }
        visited[bus] = true;
        if (!scan_bus(&s, machine, bus)) {
            return;
        }
        bus = bus_first; // a bridge may have named a bus below its own
    }
}
