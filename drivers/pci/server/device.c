// SPDX-License-Identifier: MIT
#include "device.h"

#include <drivers/pci/registers.h>

void device_init(struct device *d, struct bus *bus, const struct pci_function *function)
{
    const struct pci_function *f = &d->function;
    *d = (struct device){.bus = bus, .function = *function, .state = DEVICE_FREE};
    d->header = pci_read8(f, PCI_HEADER) & PCI_HEADER_TYPE;
    d->identity = (struct pci_identity){
        .address = f->address,
        .vendor = pci_read16(f, PCI_VENDOR),
        .device = pci_read16(f, PCI_DEVICE),
        .subsystem = d->header == 0 ? pci_read16(f, PCI_SUBSYSTEM) : 0,
        .class_code = pci_read32(f, PCI_REVISION) >> 8,
    };
    d->command = pci_read16(f, PCI_COMMAND);
    d->line = pci_read8(f, PCI_INTERRUPT_LINE);
    if (d->header == 0) { // bridges are nobody's to drive
        pci_bars_read(f, d->bars);
        pci_msix_find(f, d->bars, &d->msix);
        d->msi = pci_msi_find(f);
    }
}

bool device_shared(const struct device *d, enum ts_pci_bar_kind kind, uint64_t base, uint64_t size)
{
    const struct bus *bus = d->bus;
    if (kind == TS_PCI_BAR_MEMORY && machine_is_configuration(&bus->machine, base, size)) {
        return true;
    }
    for (unsigned i = 0; i < bus->count; i++) {
        for (unsigned b = 0; b < TS_PCI_BARS; b++) {
            const struct pci_bar *bar = &bus->devices[i].bars[b];
            if (&bus->devices[i] != d && bar->kind == kind && bar->base < base + size &&
                base < bar->base + bar->size) {
                return true;
            }
        }
    }
    return false;
}

uint32_t device_vectors(const struct device *d)
{
    if (d->msix.entries > 0) {
        return d->msix.entries < DEVICE_VECTORS ? d->msix.entries : DEVICE_VECTORS;
    }
    return d->msi != 0 || pci_read8(&d->function, PCI_INTERRUPT_PIN) != 0;
}

void device_get(struct device *d, struct ts_request *request)
{
    if (request->arg != TS_PROPERTY_PCI_INFORMATION) {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
        return;
    }
    const struct pci_function *f = &d->function;
    struct ts_pci_information out = {
        .vendor = d->identity.vendor,
        .device = d->identity.device,
        .subsystem_vendor = d->header == 0 ? pci_read16(f, PCI_SUBSYSTEM_VENDOR) : 0,
        .subsystem = d->identity.subsystem,
        .class_code = (uint8_t)(d->identity.class_code >> 16),
        .subclass = (uint8_t)(d->identity.class_code >> 8),
        .interface = (uint8_t)d->identity.class_code,
        .revision = pci_read8(f, PCI_REVISION),
        .bus = ts_device_id_bus(f->address),
        .slot = ts_device_id_slot(f->address),
        .function = ts_device_id_function(f->address),
        .header = d->header,
        .vectors = device_vectors(d),
        .held = d->state != DEVICE_FREE,
        .msix_bar = d->msix.entries ? d->msix.bar : TS_PCI_BARS,
        .msix_offset = d->msix.offset,
        .msix_length = d->msix.entries * sizeof(struct pci_msix_entry),
    };
    for (unsigned i = 0; i < TS_PCI_BARS; i++) {
        out.bars[i] =
            (struct ts_pci_bar){d->bars[i].size, d->bars[i].kind, d->bars[i].prefetchable};
    }
    ts_request_reply_bytes(request, &out, sizeof(out));
}

ts_status_t device_check_register(const struct device *d, uint64_t offset, uint32_t length)
{
    if ((length != 1 && length != 2 && length != 4) || offset % length != 0) {
        return TS_ERR_ARGUMENT;
    }
    return offset >= d->function.space ? TS_ERR_RANGE : TS_OK;
}

void device_read(struct device *d, struct ts_request *request)
{
    ts_status_t status = device_check_register(d, request->offset, request->room);
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return;
    }
    const struct pci_function *f = &d->function;
    uint32_t value = f->read(f->context, f->address, (uint16_t)request->offset, request->room);
    if (value == (UINT32_MAX >> (32 - 8 * request->room)) && !pci_present(f)) {
        ts_request_reply(request, TS_ERR_IO, 0);
        return;
    }
    ts_request_reply_bytes(request, &value, request->room); // little-endian, as the machine
}
