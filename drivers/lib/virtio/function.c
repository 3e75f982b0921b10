// SPDX-License-Identifier: MIT
#include <drivers/pci/registers.h>
#include <drivers/virtio/function.h>

#include <tessera/lib/op.h>

// Configuration space through the device object. A failure reads as all ones, as on the bus.
static uint32_t read_config(void *context, uint16_t address, uint16_t offset, unsigned width)
{
    const struct virtio_function *f = context;
    uint32_t value = 0;
    size_t bytes;
    (void)address;
    if (ts_read(f->bus.handle, &value, width, offset, TS_DEADLINE_NONE, &bytes) != TS_OK ||
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
    (void)ts_write(f->bus.handle, &value, width, offset, TS_DEADLINE_NONE, &bytes);
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

static ts_status_t map_region(struct virtio_function *f, const struct virtio_region *region,
                              volatile uint8_t **out)
{
    ts_status_t status = bus_function_map(&f->bus, region->bar);
    if (status != TS_OK) {
        return status;
    }
    // A region behind the MSI-X table in its BAR is not in the window.
    if ((uint64_t)region->offset + region->length > f->bus.window_sizes[region->bar]) {
        return TS_ERR_UNSUPPORTED;
    }
    *out = (uint8_t *)f->bus.windows[region->bar] + region->offset;
    return TS_OK;
}

static ts_status_t map_registers(struct virtio_function *f)
{
    struct pci_function config = {read_config, write_config, f, 0, 256};
    uint64_t sizes[TS_PCI_BARS];
    for (unsigned i = 0; i < TS_PCI_BARS; i++) {
        const struct ts_pci_bar *bar = &f->bus.information.bars[i];
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

ts_status_t virtio_function_open(struct virtio_function *f, ts_handle_t handle)
{
    *f = (struct virtio_function){.device = {.registers = &registers, .context = f}};
    ts_status_t status = bus_function_open(&f->bus, handle);
    if (status == TS_OK) {
        status = map_registers(f);
    }
    if (status == TS_OK) {
        status = bus_function_drive(&f->bus); // the PCI server has left it reset
    }
    if (status == TS_OK) { // after that: their table is in the function's memory
        f->messages = f->bus.information.msix_bar < TS_PCI_BARS;
        status = bus_function_vectors(&f->bus, BUS_VECTORS);
    }
    if (status != TS_OK) {
        bus_function_release(&f->bus);
    }
    return status;
}

uint16_t virtio_function_queue_vector(const struct virtio_function *f)
{
    return f->messages ? 0 : VIRTIO_NO_VECTOR;
}

uint16_t virtio_function_change_vector(const struct virtio_function *f)
{
    return !f->messages ? VIRTIO_NO_VECTOR : f->bus.vectors > 1 ? 1 : 0;
}
