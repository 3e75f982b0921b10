// SPDX-License-Identifier: MIT
// The device as the chip of a card: its start and stop, and frames to and from its queues.
#include "net.h"

#include <assert.h>
#include <stdatomic.h>

#define FEATURES                                                                    \
    (NET_F_CHECKSUM | NET_F_GUEST_CHECKSUM | NET_F_MTU | NET_F_MAC | NET_F_STATUS | \
     VIRTIO_F_EVENT_IDX | VIRTIO_F_PLATFORM)

#define HEADER_NEEDS_CHECKSUM 1u
#define HEADER_CHECKSUM_GOOD  2u
#define CAUSE_CONFIGURATION   2u // of a line's

static_assert(sizeof(struct net_header) == 12, "virtio-net header");
#define SEGMENTS_MOST (1 + FRAME_PIECES) // a header comes first

// ---- Start and stop

ts_status_t net_start_queues(struct net *n)
{
    uint16_t vector = n->interrupts.queue_vector, change = n->interrupts.change_vector;
    ts_status_t status = virtio_negotiate(n->device, FEATURES);
    if (status == TS_OK && n->device->registers->vector_set(n->device->context, change) != change) {
        status = TS_ERR_IO;
    }
    if (status == TS_OK) {
        status = virtio_queue_start(n->device, &n->rx, 0, NET_QUEUE_SIZE, NET_QUEUE_LEAST, vector,
                                    n->domain);
    }
    if (status == TS_OK) {
        status = virtio_queue_start(n->device, &n->tx, 1, NET_QUEUE_SIZE, NET_QUEUE_LEAST, vector,
                                    n->domain);
    }
    return status;
}

static ts_status_t start(void *context)
{
    struct net *n = context;
    ts_status_t status = net_start_queues(n);
    return status == TS_OK ? virtio_start(n->device) : status;
}

static ts_status_t stop(void *context)
{
    return virtio_reset(((struct net *)context)->device);
}

static bool link(void *context)
{
    const struct net *n = context;
    uint16_t status = 1;
    if ((n->device->features & NET_F_STATUS) &&
        virtio_configuration(n->device, NET_CONFIG_STATUS, &status, sizeof(status)) != TS_OK) {
        return false;
    }
    return (status & 1) != 0;
}

static unsigned change(const struct net *n)
{
    return FRAME_CAUSE_LINK | (virtio_needs_reset(n->device) ? FRAME_CAUSE_LOST : 0);
}

static unsigned interrupted(void *context, unsigned vector)
{
    struct net *n = context;
    if (vector > 0) {
        return change(n);
    }
    bool changed = n->interrupts.line ? n->device->registers->interrupt_cause(n->device->context) &
                                            CAUSE_CONFIGURATION
                                      : !n->interrupts.own_change;
    return FRAME_CAUSE_WORK | (changed ? change(n) : 0);
}

// ---- Frames

static struct net_header *header_of(const struct net *n, unsigned index, uint64_t *out_bus)
{
    *out_bus = n->headers.bus + index * NET_HEADER_STRIDE;
    return (struct net_header *)(void *)((uint8_t *)n->headers.address + index * NET_HEADER_STRIDE);
}

static bool can_send(void *context)
{
    return ((struct net *)context)->tx.ring.free_count >= SEGMENTS_MOST;
}

static uint16_t send(void *context, struct frame_to_send *frame)
{
    struct net *n = context;
    uint16_t head = virtqueue_head(&n->tx.ring);
    struct net_header *header = header_of(n, n->rx.ring.size + head, &frame->segments[0].address);
    frame->segments[0].length = net_header_size(n);
    *header = (struct net_header){0};
    if (frame->checksum) {
        header->flags = HEADER_NEEDS_CHECKSUM;
        header->checksum_start = frame->checksum_start;
        header->checksum_offset = frame->checksum_offset;
    }
    // There was room for SEGMENTS_MOST.
    (void)virtqueue_add(&n->tx.ring, frame->segments, 1 + frame->count, 0, &head);
    return head;
}

static ts_status_t sent(void *context, uint16_t *out_token)
{
    uint32_t length;
    return virtqueue_take(&((struct net *)context)->tx.ring, out_token, &length);
}

static bool can_fill(void *context)
{
    return ((struct net *)context)->rx.ring.free_count >= 2;
}

static uint16_t fill(void *context, const struct dma_segment *room)
{
    struct net *n = context;
    uint16_t head = virtqueue_head(&n->rx.ring);
    struct dma_segment segments[2] = {{.length = net_header_size(n)}, *room};
    (void)header_of(n, head, &segments[0].address);
    (void)virtqueue_add(&n->rx.ring, segments, 0, 2, &head); // there was room for two
    return head;
}

static ts_status_t received(void *context, struct frame_received *out_frame)
{
    struct net *n = context;
    uint32_t length;
    uint64_t bus;
    ts_status_t status = virtqueue_take(&n->rx.ring, &out_frame->token, &length);
    if (status != TS_OK) {
        return status;
    }
    const struct net_header *header = header_of(n, out_frame->token, &bus);
    uint32_t size = net_header_size(n);
    out_frame->length = length > size ? length - size : 0;
    // The header lies in the driver's memory, but the device may go on writing it: read once.
    uint8_t flags = atomic_load_explicit(TS_ATOMIC(&header->flags), memory_order_relaxed);
    bool checked = (n->device->features & NET_F_GUEST_CHECKSUM) &&
                   (flags & (HEADER_NEEDS_CHECKSUM | HEADER_CHECKSUM_GOOD));
    out_frame->flags = checked ? TS_FRAME_CHECKSUM_VALID : 0;
    return TS_OK;
}

static void kick(void *context)
{
    struct net *n = context;
    virtio_queue_kick(n->device, &n->tx);
    virtio_queue_kick(n->device, &n->rx);
}

// After how many sent frames the device is to interrupt: not when the client or the device would
// run out before.
static uint16_t tx_batch(const struct virtqueue *q, uint32_t tx_entries)
{
    if (q->free_count < SEGMENTS_MOST) {
        return (uint16_t)((q->outstanding + 1) / 2);
    }
    uint32_t frames = q->size / 2;
    return (uint16_t)((tx_entries < frames ? tx_entries : frames) / 4);
}

static bool sleep(void *context, uint32_t tx_entries)
{
    struct net *n = context;
    bool asleep = virtqueue_sleep(&n->tx.ring, tx_batch(&n->tx.ring, tx_entries));
    return asleep & virtqueue_sleep(&n->rx.ring, 1);
}

const struct frame_chip frame_chip = {
    .start = start,
    .stop = stop,
    .link = link,
    .can_send = can_send,
    .send = send,
    .sent = sent,
    .can_fill = can_fill,
    .fill = fill,
    .received = received,
    .kick = kick,
    .sleep = sleep,
    .interrupted = interrupted,
};
