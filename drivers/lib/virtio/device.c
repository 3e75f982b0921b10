// SPDX-License-Identifier: MIT
#include <drivers/virtio/device.h>

#include <stdlib.h>
#include <tessera/lib/clock.h>

#define GENERATION_TRIES 16u

static uint8_t status_get(const struct virtio_device *d)
{
    return d->registers->status_get(d->context);
}

static void status_add(struct virtio_device *d, uint8_t bits)
{
    d->registers->status_set(d->context, status_get(d) | bits);
}

ts_status_t virtio_reset(struct virtio_device *d)
{
    d->registers->status_set(d->context, 0);
    ts_time_t deadline = ts_deadline_in(VIRTIO_ANSWER_NS);
    while (status_get(d) != 0) {
        ts_time_t now = ts_clock_now();
        if (now >= deadline) {
            return TS_ERR_IO;
        }
        ts_sleep_until(now + TS_MILLISECOND);
    }
    return TS_OK;
}

ts_status_t virtio_negotiate(struct virtio_device *d, uint64_t wanted)
{
    ts_status_t status = virtio_reset(d);
    if (status != TS_OK) {
        return status;
    }
    status_add(d, VIRTIO_ACKNOWLEDGE);
    status_add(d, VIRTIO_DRIVER);
    d->features = d->registers->features_get(d->context) & (wanted | VIRTIO_F_VERSION_1);
    if (d->legacy) {
        d->registers->features_set(d->context, d->features);
        return TS_OK;
    }
    if (d->features & VIRTIO_F_VERSION_1) {
        d->registers->features_set(d->context, d->features);
        status_add(d, VIRTIO_FEATURES_OK);
    }
    if (!(status_get(d) & VIRTIO_FEATURES_OK)) {
        status_add(d, VIRTIO_FAILED);
        return TS_ERR_UNSUPPORTED;
    }
    return TS_OK;
}

// Memory for a queue of this size, if it has none yet.
static ts_status_t allocate(struct virtio_queue *q, uint16_t size, ts_handle_t domain)
{
    if (q->slots != NULL) {
        return q->ring.size == size ? TS_OK : TS_ERR_IO; // a device does not shrink
    }
    q->slots = calloc(size, sizeof(*q->slots));
    if (q->slots == NULL) {
        return TS_ERR_MEMORY;
    }
    ts_status_t status = dma_memory_create(&q->memory, domain, virtqueue_bytes(size));
    if (status != TS_OK) {
        free(q->slots);
        q->slots = NULL;
    }
    return status;
}

ts_status_t virtio_queue_start(struct virtio_device *d, struct virtio_queue *q, uint16_t index,
                               uint16_t size, uint16_t least, uint16_t vector, ts_handle_t domain)
{
    uint16_t most = d->registers->queue_size(d->context, index);
    if (most == 0) {
        return TS_ERR_NOT_FOUND;
    }
    if (d->legacy) { // it does not take another size
        size = most <= VIRTQUEUE_SIZE_MAX && (most & (most - 1)) == 0 ? most : 0;
    }
    while (size > most) {
        size /= 2;
    }
    if (size < least) {
        return TS_ERR_UNSUPPORTED;
    }
    ts_status_t status = allocate(q, size, domain);
    if (status != TS_OK) {
        return status;
    }
    q->index = index;
    virtqueue_init(&q->ring, size, q->memory.address, q->slots,
                   (d->features & VIRTIO_F_EVENT_IDX) != 0);
    struct virtio_queue_addresses addresses = {
        .descriptors = q->memory.bus,
        .available = q->memory.bus + virtqueue_available_offset(size),
        .used = q->memory.bus + virtqueue_used_offset(size),
    };
    uint16_t taken;
    d->registers->queue_set(d->context, index, size, vector, &addresses, &taken);
    return taken == vector ? TS_OK : TS_ERR_IO;
}

void virtio_queue_fini(struct virtio_queue *q)
{
    dma_memory_destroy(&q->memory);
    free(q->slots);
    *q = (struct virtio_queue){0};
}

ts_status_t virtio_start(struct virtio_device *d)
{
    status_add(d, VIRTIO_DRIVER_OK);
    return virtio_needs_reset(d) ? TS_ERR_IO : TS_OK;
}

bool virtio_needs_reset(const struct virtio_device *d)
{
    // A device that does not answer reads as all ones, which has the bit too.
    return (status_get(d) & (VIRTIO_NEEDS_RESET | VIRTIO_FAILED)) != 0;
}

void virtio_queue_kick(struct virtio_device *d, struct virtio_queue *q)
{
    if (virtqueue_publish(&q->ring)) {
        d->registers->notify(d->context, q->index);
    }
}

ts_status_t virtio_configuration(const struct virtio_device *d, uint32_t offset, void *out,
                                 size_t length)
{
    uint8_t *bytes = out;
    for (unsigned tries = 0; tries < GENERATION_TRIES; tries++) {
        uint8_t before = d->registers->generation(d->context);
        for (size_t i = 0; i < length; i++) {
            bytes[i] = d->registers->read(d->context, offset + (uint32_t)i);
        }
        if (d->registers->generation(d->context) == before) {
            return TS_OK;
        }
    }
    return TS_ERR_IO;
}
