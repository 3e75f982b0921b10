// SPDX-License-Identifier: MIT
#include "grant.h"

#include <drivers/pci/registers.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/resource.h>

#define PAGE_MASK     ((uint64_t)TS_PAGE_SIZE - 1)
#define MESSAGE_FIRST (UINT64_C(1) << 16) // in the resource of interrupts

// Answers with a handle that is moved, or with the status why there is none.
static void reply_handle(struct ts_request *request, ts_status_t status, ts_handle_t handle,
                         ts_rights_t rights, uint64_t value)
{
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
    } else {
        // A client that is gone has no handle: it was closed.
        (void)ts_request_reply_move(request, handle, rights, value);
    }
}

ts_status_t grant_begin(struct device *d)
{
    ts_status_t status =
        ts_resource_domain(d->bus->machine.domain, d->function.address, &d->domain);
    if (status == TS_OK) { // the firmware's line has no owner before VECTOR makes one
        (void)pci_command(&d->function, 0, PCI_COMMAND_LINE_OFF);
    }
    return status;
}

void grant_end(struct device *d)
{
    ts_close(d->domain);
    d->domain = TS_HANDLE_NONE;
}

// A part of a resource from which things are made for the driver: the kernel keeps the function for
// it until all of them are gone.
static ts_status_t bind(const struct device *d, ts_handle_t resource, uint64_t base,
                        uint64_t length, ts_handle_t *out_part)
{
    return ts_resource_bind(resource, base, length, d->domain, out_part);
}

// The pages of the MSI-X table, as physical addresses; an empty range if there is none.
static void table_pages(const struct device *d, uint64_t *out_start, uint64_t *out_end)
{
    *out_start = *out_end = 0;
    if (d->msix.entries > 0) {
        uint64_t start = d->bars[d->msix.bar].base + d->msix.offset;
        *out_start = start & ~PAGE_MASK;
        *out_end = TS_PAGE_ROUND(start + d->msix.entries * sizeof(struct pci_msix_entry));
    }
}

// The physical pages that `range` of a memory BAR means.
static ts_status_t memory_pages(const struct device *d, const struct ts_pci_range *range,
                                uint64_t *out_start, uint64_t *out_length)
{
    const struct pci_bar *bar = &d->bars[range->bar];
    uint64_t table_start, table_end;
    table_pages(d, &table_start, &table_end);
    if (range->offset >= bar->size || range->length > bar->size - range->offset) {
        return TS_ERR_RANGE;
    }
    if (range->offset & PAGE_MASK) {
        return TS_ERR_ARGUMENT;
    }
    uint64_t start = bar->base + range->offset, end = start + range->length;
    if (range->length == 0) {
        end = bar->base + bar->size;
        end = start < table_start && table_start < end ? table_start : end;
    } else if ((range->length & PAGE_MASK) && bar->size >= TS_PAGE_SIZE) {
        return TS_ERR_ARGUMENT;
    }
    start &= ~PAGE_MASK; // a BAR smaller than a page: its page
    end = TS_PAGE_ROUND(end);
    if ((start < table_end && table_start < end) ||
        device_shared(d, TS_PCI_BAR_MEMORY, start, end - start)) {
        return TS_ERR_RIGHTS;
    }
    *out_start = start;
    *out_length = end - start;
    return TS_OK;
}

static void grant_memory(struct device *d, struct ts_request *request,
                         const struct ts_pci_range *range)
{
    uint64_t start = 0, length = 0;
    ts_handle_t memory = TS_HANDLE_NONE, part = TS_HANDLE_NONE;
    ts_status_t status = memory_pages(d, range, &start, &length);
    if (status == TS_OK) {
        status = bind(d, d->bus->machine.physical, start, length, &part);
    }
    if (status == TS_OK) {
        status = ts_resource_memory(part, start, length, TS_CACHE_UNCACHED, &memory);
    }
    ts_close(part);
    // Not TRANSFER or DUPLICATE: what a dead driver had must not live on elsewhere.
    reply_handle(request, status, memory, TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_MAP,
                 d->bars[range->bar].base & PAGE_MASK);
}

static void grant_ports(struct device *d, struct ts_request *request,
                        const struct ts_pci_range *range)
{
    const struct pci_bar *bar = &d->bars[range->bar];
    ts_handle_t ports = TS_HANDLE_NONE, part = TS_HANDLE_NONE;
    ts_status_t status = TS_ERR_RANGE;
    if (range->offset < bar->size && range->length <= bar->size - range->offset) {
        uint64_t length = range->length ? range->length : bar->size - range->offset;
        uint64_t base = bar->base + range->offset;
        status = device_shared(d, TS_PCI_BAR_IO, base, length)
                     ? TS_ERR_RIGHTS
                     : bind(d, d->bus->machine.io, base, length, &part);
        if (status == TS_OK) {
            status = ts_resource_io_range(part, base, length, &ports);
        }
    }
    ts_close(part);
    reply_handle(request, status, ports, TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_CALL, 0);
}

void grant_bar(struct device *d, struct ts_request *request)
{
    struct ts_pci_range range;
    ts_status_t status = ts_request_pull_exact(request, &range, sizeof(range));
    if (status == TS_OK && range.reserved != 0) {
        status = TS_ERR_ARGUMENT;
    }
    if (status == TS_OK &&
        (range.bar >= TS_PCI_BARS || d->bars[range.bar].kind == TS_PCI_BAR_NONE)) {
        status = TS_ERR_NOT_FOUND;
    }
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
    } else if (d->bars[range.bar].kind == TS_PCI_BAR_MEMORY) {
        grant_memory(d, request, &range);
    } else {
        grant_ports(d, request, &range);
    }
}

// Makes the function send this vector's message. All entries are masked before MSI-X is enabled,
// so that what the firmware left there is not sent.
static ts_status_t program_msix(struct device *d, uint32_t index,
                                const struct ts_interrupt_message *message)
{
    if (d->table == NULL) {
        volatile void *mapped;
        uint64_t base = d->bars[d->msix.bar].base + d->msix.offset;
        uint64_t size = d->msix.entries * sizeof(struct pci_msix_entry);
        if (device_shared(d, TS_PCI_BAR_MEMORY, base, size)) {
            return TS_ERR_RIGHTS;
        }
        ts_status_t status = machine_map(&d->bus->machine, base, size, &mapped);
        if (status != TS_OK) {
            return status;
        }
        d->table = mapped;
    }
    ts_status_t status = pci_command(&d->function, 0, PCI_COMMAND_MEMORY);
    if (status != TS_OK) {
        return status;
    }
    for (unsigned i = 0; i < d->msix.entries; i++) {
        if (i >= DEVICE_VECTORS || !d->interrupts[i]) {
            pci_msix_mask(&d->table[i]);
        }
    }
    pci_msix_set(&d->table[index], message->address, message->data);
    status = pci_msix_enable(&d->function, &d->msix, true);
    if (status != TS_OK) {
        pci_msix_mask(&d->table[index]); // its message may become another's
    }
    return status;
}

static ts_status_t make_message(struct device *d, uint32_t index, ts_handle_t *out_interrupt)
{
    struct ts_interrupt_message message;
    ts_handle_t interrupt, part = TS_HANDLE_NONE;
    ts_status_t status = bind(d, d->bus->machine.interrupt, MESSAGE_FIRST, 1, &part);
    if (status == TS_OK) {
        status = ts_resource_message(part, d->function.address, &message, &interrupt);
    }
    ts_close(part);
    if (status != TS_OK) {
        return status;
    }
    status = d->msix.entries ? program_msix(d, index, &message)
                             : pci_msi_set(&d->function, d->msi, message.address, message.data);
    if (status != TS_OK) {
        if (!d->msix.entries) {
            (void)pci_msi_disable(&d->function, d->msi); // its message may become another's
        }
        ts_close(interrupt);
        return status;
    }
    *out_interrupt = interrupt;
    return TS_OK;
}

static ts_status_t make_line(struct device *d, ts_handle_t *out_interrupt)
{
    // Without the firmware's routing tables what it wrote here is what there is.
    if (d->line == 0 || d->line > 15) {
        return TS_ERR_NOT_FOUND;
    }
    ts_handle_t part = TS_HANDLE_NONE;
    ts_status_t status = bind(d, d->bus->machine.interrupt, d->line, 1, &part);
    if (status == TS_OK) {
        status = ts_resource_line(part, d->line, TS_LINE_LEVEL | TS_LINE_LEGACY, out_interrupt);
    }
    ts_close(part);
    if (status != TS_OK) {
        return status;
    }
    status = pci_command(&d->function, PCI_COMMAND_LINE_OFF, 0);
    if (status != TS_OK) {
        ts_close(*out_interrupt);
    }
    return status;
}

void grant_vector(struct device *d, struct ts_request *request)
{
    uint32_t index = 0;
    ts_handle_t interrupt = TS_HANDLE_NONE, given = TS_HANDLE_NONE;
    bool message = d->msix.entries > 0 || d->msi != 0;
    ts_status_t status = ts_request_pull_exact(request, &index, sizeof(index));
    if (status == TS_OK && index >= device_vectors(d)) {
        status = TS_ERR_RANGE;
    }
    if (status == TS_OK && !message && d->interrupts[0]) {
        // A line has one owner, and is off while it has none.
        (void)pci_command(&d->function, 0, PCI_COMMAND_LINE_OFF);
        ts_close(d->interrupts[0]);
        d->interrupts[0] = TS_HANDLE_NONE;
    }
    if (status == TS_OK) {
        status = message ? make_message(d, index, &interrupt) : make_line(d, &interrupt);
    }
    if (status == TS_OK) {
        // The server's own handle keeps the vector from being reused while the device may send it.
        ts_close(d->interrupts[index]);
        d->interrupts[index] = interrupt;
        status = ts_duplicate(interrupt, TS_RIGHTS_ALL, &given);
    }
    reply_handle(request, status, given, TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_WAIT, !message);
}

void grant_silence(struct device *d)
{
    const struct pci_function *f = &d->function;
    // Failures show in quiet.c, which reads back what counts: bus mastering is off, and a message
    // is a write of a bus master.
    if (d->msix.entries) {
        for (unsigned i = 0; d->table != NULL && i < d->msix.entries; i++) {
            pci_msix_mask(&d->table[i]);
        }
        (void)pci_msix_enable(f, &d->msix, false);
    } else if (d->msi) {
        (void)pci_msi_disable(f, d->msi);
    }
    (void)pci_command(f, 0, PCI_COMMAND_LINE_OFF);
    for (unsigned i = 0; i < DEVICE_VECTORS; i++) {
        ts_close(d->interrupts[i]);
        d->interrupts[i] = TS_HANDLE_NONE;
    }
}

// The bridge to a bus; NULL: there is none above a root bus.
static const struct device *bridge_to(const struct bus *bus, uint8_t number)
{
    for (unsigned i = 0; i < bus->count; i++) {
        const struct device *d = &bus->devices[i];
        if (d->header == PCI_HEADER_BRIDGE &&
            pci_read8(&d->function, PCI_SECONDARY_BUS) == number) {
            return d;
        }
    }
    return NULL;
}

static bool is_conventional(const struct pci_function *bridge)
{
    struct pci_walk walk = {0};
    return pci_capability(bridge, PCI_CAPABILITY_EXPRESS, &walk) != TS_OK ||
           (pci_read16(bridge, walk.at + PCI_EXPRESS_FLAGS) & PCI_EXPRESS_KIND) ==
               PCI_EXPRESS_TO_CONVENTIONAL;
}

// Whether a conventional bridge stands between the function and the machine: what comes from behind
// one all looks alike to an IOMMU.
static bool is_behind_conventional(const struct device *d)
{
    const struct device *above = d;
    for (unsigned steps = 0; steps < d->bus->count; steps++) { // what bridges say may be a circle
        above = bridge_to(d->bus, ts_device_id_bus(above->function.address));
        if (above == NULL) {
            return false;
        }
        if (is_conventional(&above->function)) {
            return true;
        }
    }
    return true;
}

// A device that the IOMMU cannot tell from its neighbours has a domain that is given to nobody.
static ts_status_t check_domain(const struct device *d)
{
    struct ts_domain_state state = {0};
    ts_status_t status = ts_domain_state(d->domain, &state);
    if (status == TS_OK && (state.flags & TS_DOMAIN_HELD) && is_behind_conventional(d)) {
        const struct pci_function *f = &d->function;
        ts_log("%02x:%02x.%x is behind a conventional bridge: the IOMMU cannot hold it alone",
               ts_device_id_bus(f->address), ts_device_id_slot(f->address),
               ts_device_id_function(f->address));
        status = TS_ERR_UNSUPPORTED;
    }
    return status;
}

// Whether a process answers for what the function does as a bus master.
static bool is_driven(const struct device *d)
{
    struct ts_domain_state state = {0};
    return ts_domain_state(d->domain, &state) == TS_OK && (state.flags & TS_DOMAIN_DRIVEN);
}

void grant_domain(struct device *d, struct ts_request *request)
{
    ts_handle_t given = TS_HANDLE_NONE;
    ts_status_t status = check_domain(d);
    if (status == TS_OK) {
        status = ts_duplicate(d->domain, TS_RIGHTS_ALL, &given);
    }
    reply_handle(request, status, given, TS_RIGHT_CALL, 0);
}

void grant_enable(struct device *d, struct ts_request *request)
{
    static const uint16_t all = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER;
    static_assert(TS_PCI_ENABLE_IO == PCI_COMMAND_IO &&
                      TS_PCI_ENABLE_MEMORY == PCI_COMMAND_MEMORY &&
                      TS_PCI_ENABLE_BUS_MASTER == PCI_COMMAND_BUS_MASTER,
                  "the flags are the register's");
    uint32_t wanted = 0;
    ts_status_t status = ts_request_pull_exact(request, &wanted, sizeof(wanted));
    if (status == TS_OK && ((wanted & ~(uint32_t)all) != 0 ||
                            ((wanted & TS_PCI_ENABLE_BUS_MASTER) && !is_driven(d)))) {
        status = TS_ERR_ARGUMENT;
    }
    if (status == TS_OK) {
        status = pci_command(&d->function, (uint16_t)(all & ~wanted), (uint16_t)wanted);
    }
    ts_request_reply(request, status, 0);
}
