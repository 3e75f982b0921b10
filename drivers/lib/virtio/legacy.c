// SPDX-License-Identifier: MIT
#include <drivers/virtio/legacy.h>

#include <tessera/lib/resource.h>

// Ports, each with the width that it has. The device's configuration begins where the last of these
// ends: those of vectors are there while messages are on.
enum {
    PORT_FEATURES = 0,       // 4
    PORT_ACCEPTED = 4,       // 4
    PORT_QUEUE = 8,          // 4: its page
    PORT_SIZE = 12,          // 2
    PORT_SELECT = 14,        // 2
    PORT_NOTIFY = 16,        // 2
    PORT_STATUS = 18,        // 1
    PORT_CAUSE = 19,         // 1
    PORT_SPECIFIC = 20,      // or:
    PORT_CHANGE_VECTOR = 20, // 2
    PORT_QUEUE_VECTOR = 22,  // 2
    PORT_SPECIFIC_MESSAGES = 24,
};

#define DEVICE_FIRST 0x1000u // PCI ids of devices that have these
#define DEVICE_LAST  0x103fu

// What fails reads as all ones, as from a device that has gone.
static uint32_t port_read(const struct virtio_function *f, uint32_t port, unsigned width)
{
    uint32_t value;
    ts_status_t status = ts_io_read(f->bus.ports, (uint16_t)port, width, &value);
    return status == TS_OK ? value : UINT32_MAX >> (32 - 8 * width);
}

static void port_write(const struct virtio_function *f, uint32_t port, unsigned width,
                       uint32_t value)
{
    (void)ts_io_write(f->bus.ports, (uint16_t)port, width, value);
}

static uint8_t status_get(void *context)
{
    return (uint8_t)port_read(context, PORT_STATUS, 1);
}

static void status_set(void *context, uint8_t status)
{
    port_write(context, PORT_STATUS, 1, status);
}

static uint64_t features_get(void *context)
{
    return port_read(context, PORT_FEATURES, 4);
}

static void features_set(void *context, uint64_t features)
{
    port_write(context, PORT_ACCEPTED, 4, (uint32_t)features);
}

static uint16_t queue_size(void *context, uint16_t queue)
{
    port_write(context, PORT_SELECT, 2, queue);
    return (uint16_t)port_read(context, PORT_SIZE, 2);
}

// The queue's parts lie where the device looks for them: virtio_queue_start sees to it.
static void queue_set(void *context, uint16_t queue, uint16_t size, uint16_t vector,
                      const struct virtio_queue_addresses *addresses, uint16_t *out_vector)
{
    const struct virtio_function *f = context;
    (void)size;
    port_write(f, PORT_SELECT, 2, queue);
    *out_vector = vector;
    if (f->messages) {
        port_write(f, PORT_QUEUE_VECTOR, 2, vector);
        *out_vector = (uint16_t)port_read(f, PORT_QUEUE_VECTOR, 2);
    }
    port_write(f, PORT_QUEUE, 4, (uint32_t)(addresses->descriptors / VIRTQUEUE_ALIGN));
}

static uint16_t vector_set(void *context, uint16_t vector)
{
    const struct virtio_function *f = context;
    if (!f->messages) {
        return vector;
    }
    port_write(f, PORT_CHANGE_VECTOR, 2, vector);
    return (uint16_t)port_read(f, PORT_CHANGE_VECTOR, 2);
}

static void notify(void *context, uint16_t queue)
{
    port_write(context, PORT_NOTIFY, 2, queue);
}

static uint8_t interrupt_cause(void *context)
{
    return (uint8_t)port_read(context, PORT_CAUSE, 1);
}

static uint8_t generation(void *context)
{
    (void)context; // it has none
    return 0;
}

static uint32_t specific(const struct virtio_function *f)
{
    return f->messages ? PORT_SPECIFIC_MESSAGES : PORT_SPECIFIC;
}

static uint8_t read_specific(void *context, uint32_t offset)
{
    const struct virtio_function *f = context;
    bool inside = offset < f->bus.information.bars[0].size - specific(f);
    return inside ? (uint8_t)port_read(f, specific(f) + offset, 1) : 0;
}

static void write_specific(void *context, uint32_t offset, uint8_t value)
{
    const struct virtio_function *f = context;
    if (offset < f->bus.information.bars[0].size - specific(f)) {
        port_write(f, specific(f) + offset, 1, value);
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

static ts_status_t open_ports(struct virtio_function *f, ts_handle_t handle)
{
    ts_status_t status = bus_function_open(&f->bus, handle);
    const struct ts_pci_information *information = &f->bus.information;
    if (status == TS_OK &&
        (information->device < DEVICE_FIRST || information->device > DEVICE_LAST ||
         information->bars[0].kind != TS_PCI_BAR_IO ||
         information->bars[0].size < PORT_SPECIFIC_MESSAGES)) {
        status = TS_ERR_UNSUPPORTED;
    }
    return status == TS_OK ? bus_function_ports(&f->bus, 0) : status;
}

ts_status_t virtio_legacy_open(struct virtio_function *f, ts_handle_t handle)
{
    *f =
        (struct virtio_function){.device = {.registers = &registers, .context = f, .legacy = true}};
    ts_status_t status = open_ports(f, handle);
    if (status == TS_OK) {
        // The PCI server resets those of version 1 alone: one that a driver has left running is
        // quiet before it may be a bus master again.
        status = virtio_reset(&f->device);
    }
    if (status == TS_OK) {
        status = bus_function_drive(&f->bus);
    }
    if (status == TS_OK) {
        f->messages = f->bus.information.msix_bar < TS_PCI_BARS;
        status = bus_function_vectors(&f->bus, BUS_VECTORS);
    }
    if (status != TS_OK) {
        bus_function_release(&f->bus);
    }
    return status;
}
