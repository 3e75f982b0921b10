// SPDX-License-Identifier: MIT
#include <drivers/bus/function.h>

#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/resource.h>

// Switches something on, besides what is.
static ts_status_t enable(struct bus_function *f, uint32_t flags)
{
    f->access |= flags;
    return ts_call_bytes(f->handle, TS_PCI_ENABLE, &f->access, sizeof(f->access), NULL, 0, NULL);
}

ts_status_t bus_function_open(struct bus_function *f, ts_handle_t handle)
{
    *f = (struct bus_function){.handle = handle};
    size_t bytes;
    ts_status_t status = ts_get(handle, TS_PROPERTY_PCI_INFORMATION, &f->information,
                                sizeof(f->information), &bytes);
    if (status == TS_OK && bytes != sizeof(f->information)) {
        status = TS_ERR_PROTOCOL;
    }
    return status == TS_OK ? enable(f, TS_PCI_ENABLE_MEMORY) : status;
}

ts_status_t bus_function_map(struct bus_function *f, unsigned bar)
{
    if (f->windows[bar] != NULL) {
        return TS_OK;
    }
    struct ts_pci_range range = {.bar = bar};
    struct ts_call call = {
        .in_address = (uintptr_t)&range, .in_length = sizeof(range), .out_handles = 1};
    uint64_t in_page, size;
    ts_status_t status = ts_call(f->handle, TS_PCI_BAR, &call, TS_DEADLINE_NONE, &in_page);
    if (status != TS_OK) {
        return status;
    }
    ts_handle_t memory = call.out_handle[0];
    status = ts_get_u64(memory, TS_PROPERTY_SIZE, &size);
    if (status == TS_OK) {
        void *mapped;
        status = ts_memory_map(memory, NULL, size, 0, TS_MAP_READ | TS_MAP_WRITE, &mapped);
        f->windows[bar] = status == TS_OK ? (uint8_t *)mapped + in_page : NULL;
        f->window_sizes[bar] = size - in_page;
    }
    ts_close(memory); // the mapping keeps it
    return status;
}

ts_status_t bus_function_ports(struct bus_function *f, unsigned bar)
{
    if (f->ports != TS_HANDLE_NONE) {
        return TS_OK;
    }
    if (f->information.bars[bar].kind != TS_PCI_BAR_IO) {
        return TS_ERR_NOT_FOUND;
    }
    struct ts_pci_range range = {.bar = bar};
    ts_status_t status = enable(f, TS_PCI_ENABLE_IO);
    if (status == TS_OK) {
        status = ts_call_handle(f->handle, TS_PCI_BAR, &range, sizeof(range), NULL, 0, &f->ports);
    }
    return status;
}

ts_status_t bus_function_drive(struct bus_function *f)
{
    ts_status_t status = ts_call_handle(f->handle, TS_PCI_DOMAIN, NULL, 0, NULL, 0, &f->domain);
    if (status == TS_OK) {
        status = ts_domain_drive(f->domain);
    }
    return status == TS_OK ? enable(f, TS_PCI_ENABLE_BUS_MASTER) : status;
}

ts_status_t bus_function_vectors(struct bus_function *f, uint32_t most)
{
    uint32_t count = f->information.vectors < most ? f->information.vectors : most;
    if (count == 0) {
        return TS_ERR_UNSUPPORTED;
    }
    for (uint32_t i = 0; i < count && i < BUS_VECTORS; i++) {
        struct ts_call call = {
            .in_address = (uintptr_t)&i, .in_length = sizeof(i), .out_handles = 1};
        uint64_t line;
        ts_status_t status = ts_call(f->handle, TS_PCI_VECTOR, &call, TS_DEADLINE_NONE, &line);
        if (status != TS_OK) {
            return status;
        }
        f->interrupts[i] = call.out_handle[0];
        f->vectors = i + 1;
        f->line = line != 0;
    }
    // A line is masked until it is acknowledged for the first time.
    return f->line ? ts_interrupt_acknowledge(f->interrupts[0]) : TS_OK;
}

void bus_function_release(struct bus_function *f)
{
    for (unsigned i = 0; i < TS_PCI_BARS; i++) {
        if (f->windows[i] != NULL) {
            uintptr_t start = (uintptr_t)f->windows[i] & ~(uintptr_t)(TS_PAGE_SIZE - 1);
            (void)ts_memory_unmap((void *)start, TS_PAGE_ROUND(f->window_sizes[i]));
        }
    }
    for (unsigned i = 0; i < BUS_VECTORS; i++) {
        ts_close(f->interrupts[i]);
    }
    ts_close(f->ports);
    ts_close(f->domain);
}
