// SPDX-License-Identifier: MIT
#include <drivers/pci/registers.h>
#include <drivers/virtio/function.h>

#include <tessera/lib/memory.h>
#include <tessera/lib/resource.h>

// Configuration space through the device object. A failure reads as all ones, as on the bus.
static uint32_t read_config(void *context, uint16_t address, uint16_t offset, unsigned width)
{
    const struct virtio_function *f = context;
    uint32_t value = 0;
    size_t bytes;
    (void)address;
    if (ts_read(f->handle, &value, width, offset, TS_DEADLINE_NONE, &bytes) != TS_OK ||
        bytes != width) {
        return UINT32_MAX;
    }
    return value;
}

static void write_config(void *context, uint16_t address, uint16_t offset, unsigned width,
                         uint32_t value)
{
    const struct virtio_function *f = context;
    size_t bytes;
    (void)address;
    // Virtio drivers write nothing there; one that did would see it when reading back.
    (void)ts_write(f->handle, &value, width, offset, TS_DEADLINE_NONE, &bytes);
}

// Registers of the common structure: each with the width that it has (4.1.3.1).
static uint8_t status_get(void *context)
{
    return ((struct virtio_function *)context)->common->device_status;
}

static void status_set(void *context, uint8_t status)
{
    ((struct virtio_function *)context)->common->device_status = status;
}

static uint64_t features_get(void *context)
{
    volatile struct virtio_common *c = ((struct virtio_function *)context)->common;
    c->device_feature_select = 0;
    uint32_t low = c->device_feature;
    c->device_feature_select = 1;
    return ts_pair(low, c->device_feature);
}

static void features_set(void *context, uint64_t features)
{
    volatile struct virtio_common *c = ((struct virtio_function *)context)->common;
    c->driver_feature_select = 0;
    c->driver_feature = ts_pair_low(features);
    c->driver_feature_select = 1;
    c->driver_feature = ts_pair_high(features);
}

static uint16_t queue_size(void *context, uint16_t queue)
{
    volatile struct virtio_common *c = ((struct virtio_function *)context)->common;
    if (queue >= c->num_queues) {
        return 0;
    }
    c->queue_select = queue;
    return c->queue_size;
}

static void set_address(volatile uint32_t halves[2], uint64_t address)
{
    halves[0] = ts_pair_low(address);
    halves[1] = ts_pair_high(address);
}

// Where to write to notify the device of a queue, found once: reading registers is slow.
static volatile uint16_t *find_bell(const struct virtio_function *f)
{
    uint64_t at = (uint64_t)f->common->queue_notify_off * f->layout.notify_multiplier;
    // The offset is the device's word: outside of its region there is no bell.
    bool good = at % 2 == 0 && at + 2 <= f->layout.notify.length;
    return good ? (volatile uint16_t *)(volatile void *)(f->notify + at) : NULL;
}

static void queue_set(void *context, uint16_t queue, uint16_t size, uint16_t vector,
                      const struct virtio_queue_addresses *addresses, uint16_t *out_vector)
{
    struct virtio_function *f = context;
    volatile struct virtio_common *c = f->common;
    c->queue_select = queue;
    c->queue_size = size;
    c->queue_msix_vector = vector;
    *out_vector = c->queue_msix_vector;
    set_address(c->queue_desc, addresses->descriptors);
    set_address(c->queue_driver, addresses->available);
    set_address(c->queue_device, addresses->used);
    if (queue < VIRTIO_BELLS) {
        f->bells[queue] = find_bell(f);
    }
    c->queue_enable = 1;
}

static uint16_t vector_set(void *context, uint16_t vector)
{
    volatile struct virtio_common *c = ((struct virtio_function *)context)->common;
    c->config_msix_vector = vector;
    return c->config_msix_vector;
}

static void notify(void *context, uint16_t queue)
{
    const struct virtio_function *f = context;
    if (queue < VIRTIO_BELLS && f->bells[queue] != NULL) {
        *f->bells[queue] = queue;
    }
}

static uint8_t interrupt_cause(void *context)
{
    return *((struct virtio_function *)context)->cause;
}

static uint8_t generation(void *context)
{
    return ((struct virtio_function *)context)->common->config_generation;
}

static uint8_t read_specific(void *context, uint32_t offset)
{
    const struct virtio_function *f = context;
    return offset < f->layout.device.length ? f->specific[offset] : 0;
}

static void write_specific(void *context, uint32_t offset, uint8_t value)
{
    const struct virtio_function *f = context;
    if (offset < f->layout.device.length) {
        f->specific[offset] = value;
    }
}

static const struct virtio_registers registers = {
    .status_get = status_get,
    .status_set = status_set,
    .features_get = features_get,
    .features_set = features_set,
    .queue_size = queue_size,
    .queue_set = queue_set,
    .vector_set = vector_set,
    .notify = notify,
    .interrupt_cause = interrupt_cause,
    .generation = generation,
    .read = read_specific,
    .write = write_specific,
};

// Maps what can be had of a BAR from its start, if that was not done before.
static ts_status_t map_bar(struct virtio_function *f, unsigned bar)
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

static ts_status_t map_region(struct virtio_function *f, const struct virtio_region *region,
                              volatile uint8_t **out)
{
    ts_status_t status = map_bar(f, region->bar);
    if (status != TS_OK) {
        return status;
    }
    // A region behind the MSI-X table in its BAR is not in the window.
    if ((uint64_t)region->offset + region->length > f->window_sizes[region->bar]) {
        return TS_ERR_UNSUPPORTED;
    }
    *out = (uint8_t *)f->windows[region->bar] + region->offset;
    return TS_OK;
}

static ts_status_t map_registers(struct virtio_function *f)
{
    struct pci_function config = {read_config, write_config, f, 0, 256};
    uint64_t sizes[TS_PCI_BARS];
    for (unsigned i = 0; i < TS_PCI_BARS; i++) {
        const struct ts_pci_bar *bar = &f->information.bars[i];
        sizes[i] = bar->kind == TS_PCI_BAR_MEMORY ? bar->size : 0;
    }
    volatile uint8_t *common = NULL;
    ts_status_t status = virtio_layout_find(&config, sizes, &f->layout);
    if (status == TS_OK) {
        status = map_region(f, &f->layout.common, &common);
    }
    if (status == TS_OK) {
        status = map_region(f, &f->layout.notify, &f->notify);
    }
    if (status == TS_OK) {
        status = map_region(f, &f->layout.interrupt, &f->cause);
    }
    if (status == TS_OK && f->layout.device.length > 0) {
        status = map_region(f, &f->layout.device, &f->specific);
    }
    f->common = (volatile struct virtio_common *)(volatile void *)common;
    return status;
}

static ts_status_t get_vectors(struct virtio_function *f)
{
    uint32_t count =
        f->information.vectors < VIRTIO_VECTORS ? f->information.vectors : VIRTIO_VECTORS;
    f->messages = f->information.msix_bar < TS_PCI_BARS;
    if (count == 0) {
        return TS_ERR_UNSUPPORTED;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct ts_call call = {
            .in_address = (uintptr_t)&i, .in_length = sizeof(i), .out_handles = 1};
        uint64_t line;
        ts_status_t status = ts_call(f->handle, TS_PCI_VECTOR, &call, TS_DEADLINE_NONE, &line);
        if (status != TS_OK) {
            return status;
        }
        f->interrupts[i] = call.out_handle[0];
        f->line = line != 0;
    }
    return TS_OK;
}

static ts_status_t enable(struct virtio_function *f)
{
    uint32_t flags = TS_PCI_ENABLE_MEMORY | TS_PCI_ENABLE_BUS_MASTER;
    ts_status_t status = ts_call_handle(f->handle, TS_PCI_DOMAIN, NULL, 0, NULL, 0, &f->domain);
    if (status == TS_OK) {
        status = ts_domain_drive(f->domain);
    }
    if (status != TS_OK) {
        return status;
    }
    return ts_call_bytes(f->handle, TS_PCI_ENABLE, &flags, sizeof(flags), NULL, 0, NULL);
}

static void release(struct virtio_function *f)
{
    for (unsigned i = 0; i < TS_PCI_BARS; i++) {
        if (f->windows[i] != NULL) {
            uintptr_t start = (uintptr_t)f->windows[i] & ~(uintptr_t)(TS_PAGE_SIZE - 1);
            (void)ts_memory_unmap((void *)start, TS_PAGE_ROUND(f->window_sizes[i]));
        }
    }
    for (unsigned i = 0; i < VIRTIO_VECTORS; i++) {
        ts_close(f->interrupts[i]);
    }
    ts_close(f->domain);
}

ts_status_t virtio_function_open(struct virtio_function *f, ts_handle_t handle)
{
    *f = (struct virtio_function){.handle = handle};
    f->device.registers = &registers;
    f->device.context = f;
    size_t bytes;
    ts_status_t status = ts_get(handle, TS_PROPERTY_PCI_INFORMATION, &f->information,
                                sizeof(f->information), &bytes);
    if (status == TS_OK && bytes != sizeof(f->information)) {
        status = TS_ERR_PROTOCOL;
    }
    if (status == TS_OK) {
        status = map_registers(f);
    }
    if (status == TS_OK) {
        status = enable(f); // before the vectors: their table is in the function's memory
    }
    if (status == TS_OK) {
        status = get_vectors(f);
    }
    if (status != TS_OK) {
        release(f);
    }
    return status;
}

uint16_t virtio_function_queue_vector(const struct virtio_function *f)
{
    return f->messages ? 0 : VIRTIO_NO_VECTOR;
}

uint16_t virtio_function_change_vector(const struct virtio_function *f)
{
    return !f->messages ? VIRTIO_NO_VECTOR : f->interrupts[1] ? 1 : 0;
}
