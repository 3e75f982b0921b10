// SPDX-License-Identifier: MIT
// The data path. A round moves a bounded number of frames each way, so that a flood cannot
// keep the driver from its other work.
#include "net.h"

#include <assert.h>
#include <stdatomic.h>

#define ROUND        64u                         // frames of one kind in a round
#define SEGMENTS_MAX (1 + 2 * TS_FRAME_SEGMENTS) // a header; each segment may cross one page
#define STALL_NS     INT64_C(5000000000) // a device that finishes no frame for so long is stuck

#define HEADER_NEEDS_CHECKSUM 1u
#define HEADER_CHECKSUM_GOOD  2u

static_assert(sizeof(struct net_header) == 12, "virtio-net header");
#define HEADER_STRIDE 16u

static struct net_header *header_of(const struct net *n, unsigned index, uint64_t *out_bus)
{
    *out_bus = n->headers.bus + index * HEADER_STRIDE;
    return (struct net_header *)(void *)((uint8_t *)n->headers.address + index * HEADER_STRIDE);
}

// Whether the range lies in the data area.
static bool in_data(const struct net_memory *m, uint32_t offset, uint32_t length)
{
    return offset >= m->data_start && offset <= m->size && length <= m->size - offset;
}

// Translates a range that lies in the data area and on at most two pages; segments written.
static unsigned translate(const struct net_memory *m, uint32_t offset, uint32_t length,
                          struct virtqueue_segment *out)
{
    uint32_t in_page = offset % TS_PAGE_SIZE, page = (offset - m->data_start) / TS_PAGE_SIZE;
    uint32_t first = TS_PAGE_SIZE - in_page;
    uint64_t bus = m->bus[page] + in_page;
    if (length <= first || m->bus[page + 1] == m->bus[page] + TS_PAGE_SIZE) {
        out[0] = (struct virtqueue_segment){bus, length};
        return 1;
    }
    out[0] = (struct virtqueue_segment){bus, first};
    out[1] = (struct virtqueue_segment){m->bus[page + 1], length - first};
    return 2;
}

// How many of the client's slots are there. All that are outstanding must find room in the ring
// where they will be given back: a client with more than that, or with an impossible index, broke
// the protocol (negative). The tail is read before the completions' head: a client that gave slots
// after taking completions is seen to have done both.
static int32_t count_offered(const struct net_direction *d, const struct ts_frame_consumer *offered,
                             const struct ts_frame_producer *done)
{
    int32_t available = ts_frame_available(offered), room = ts_frame_room(done);
    bool good = available >= 0 && room >= 0 && available + (int32_t)d->in_hand <= room;
    return good ? available : TS_ERR_PROTOCOL;
}

static void give(struct net_direction *d, struct ts_frame_producer *done, uint16_t head,
                 uint16_t length, uint16_t flags)
{
    struct net_frame *frame = &d->frames[head];
    struct ts_frame_slot slot = {.id = frame->id, .length = length, .flags = flags};
    ts_frame_put(done, &slot);
    d->in_hand -= frame->slots;
}

// ---- Transmission

static enum net_outcome reap_tx(struct net *n, ts_time_t now)
{
    uint16_t head;
    uint32_t length;
    ts_status_t status;
    for (unsigned i = 0; i < ROUND; i++) {
        status = virtqueue_take(&n->tx.queue.ring, &head, &length);
        if (status != TS_OK) {
            return status == TS_ERR_AGAIN ? NET_IDLE : NET_DEVICE_BROKE;
        }
        give(&n->tx, &n->rings.tx_done, head, 0, 0);
        n->tx_progress = now;
    }
    return NET_MORE;
}

// A frame gathered from the client's slots.
struct gathered {
    struct virtqueue_segment segments[SEGMENTS_MAX];
    unsigned count; // segments, with the header's
    unsigned slots;
    uint32_t length;
    struct ts_frame_slot first;
};

// Takes the slots of one frame. False: the client broke the protocol.
static bool gather(struct net *n, int32_t available, struct gathered *g)
{
    struct ts_frame_slot slot;
    g->count = 1; // [0] is the header's
    g->slots = 0;
    g->length = 0;
    do {
        if (g->slots == TS_FRAME_SEGMENTS || available-- == 0) {
            return false; // a frame is published as a whole
        }
        ts_frame_take(&n->rings.tx_send, &slot);
        if (g->slots++ == 0) {
            g->first = slot;
        }
        g->length += slot.length;
        if (slot.length == 0 || g->length > TS_FRAME_LENGTH_MAX ||
            (slot.flags & ~(TS_FRAME_MORE | TS_FRAME_CHECKSUM)) != 0 ||
            !in_data(&n->memory, slot.offset, slot.length)) {
            return false;
        }
        g->count += translate(&n->memory, slot.offset, slot.length, &g->segments[g->count]);
    } while (slot.flags & TS_FRAME_MORE);
    return g->length >= TS_FRAME_LENGTH_MIN;
}

static bool fill_header(const struct net *n, const struct gathered *g, struct net_header *header)
{
    *header = (struct net_header){0};
    if (!(g->first.flags & TS_FRAME_CHECKSUM)) {
        return true;
    }
    uint32_t field = (uint32_t)g->first.checksum_start + g->first.checksum_offset;
    if (!(n->information.features & TS_FRAME_FEATURE_CHECKSUM) || field + 2 > g->length) {
        return false;
    }
    header->flags = HEADER_NEEDS_CHECKSUM;
    header->checksum_start = g->first.checksum_start;
    header->checksum_offset = g->first.checksum_offset;
    return true;
}

static bool send_one(struct net *n, int32_t available)
{
    struct gathered g;
    struct virtqueue *q = &n->tx.queue.ring;
    uint16_t head = virtqueue_head(q);
    uint64_t bus;
    struct net_header *header = header_of(n, n->rx.queue.ring.size + head, &bus);
    if (!gather(n, available, &g) || !fill_header(n, &g, header)) {
        return false;
    }
    g.segments[0] = (struct virtqueue_segment){bus, sizeof(*header)};
    if (virtqueue_add(q, g.segments, g.count, 0, &head) != TS_OK) {
        return false; // there was room for SEGMENTS_MAX
    }
    n->tx.frames[head] = (struct net_frame){g.first.id, (uint16_t)g.slots};
    n->tx.in_hand += g.slots;
    n->statistics.tx_frames++;
    n->statistics.tx_bytes += g.length;
    return true;
}

static enum net_outcome send(struct net *n, ts_time_t now)
{
    if (n->tx.in_hand == 0) {
        n->tx_progress = now;
    }
    for (unsigned i = 0; i < ROUND; i++) {
        int32_t available = count_offered(&n->tx, &n->rings.tx_send, &n->rings.tx_done);
        if (available == 0 || (available > 0 && n->tx.queue.ring.free_count < SEGMENTS_MAX)) {
            return NET_IDLE;
        }
        if (available < 0 || !send_one(n, available)) {
            return NET_CLIENT_BROKE;
        }
    }
    return NET_MORE;
}

// ---- Reception

static void receive_one(struct net *n, uint16_t head, uint32_t length)
{
    uint64_t bus;
    const struct net_header *header = header_of(n, head, &bus);
    if (length < sizeof(*header) + TS_FRAME_LENGTH_MIN) {
        n->statistics.rx_errors++;
        give(&n->rx, &n->rings.rx_done, head, 0, TS_FRAME_FAILED);
        return;
    }
    // The header lies in the driver's memory, but the device may go on writing it: read once.
    uint8_t device_flags = atomic_load_explicit(TS_ATOMIC(&header->flags), memory_order_relaxed);
    bool checked = (n->information.features & TS_FRAME_FEATURE_RX_CHECKSUM) &&
                   (device_flags & (HEADER_NEEDS_CHECKSUM | HEADER_CHECKSUM_GOOD));
    uint32_t bytes = length - (uint32_t)sizeof(*header);
    n->statistics.rx_frames++;
    n->statistics.rx_bytes += bytes;
    give(&n->rx, &n->rings.rx_done, head, (uint16_t)bytes, checked ? TS_FRAME_CHECKSUM_VALID : 0);
}

static enum net_outcome receive(struct net *n)
{
    uint16_t head;
    uint32_t length;
    for (unsigned i = 0; i < ROUND; i++) {
        ts_status_t status = virtqueue_take(&n->rx.queue.ring, &head, &length);
        if (status != TS_OK) {
            return status == TS_ERR_AGAIN ? NET_IDLE : NET_DEVICE_BROKE;
        }
        receive_one(n, head, length);
    }
    return NET_MORE;
}

static bool fill_one(struct net *n)
{
    struct ts_frame_slot slot;
    struct virtqueue *q = &n->rx.queue.ring;
    struct virtqueue_segment segments[3];
    uint16_t head = virtqueue_head(q);
    ts_frame_take(&n->rings.rx_fill, &slot);
    if (slot.flags != 0 || slot.length < TS_FRAME_ROOM_MIN ||
        slot.offset % TS_PAGE_SIZE + slot.length > TS_PAGE_SIZE ||
        !in_data(&n->memory, slot.offset, slot.length)) {
        return false;
    }
    header_of(n, head, &segments[0].address);
    segments[0].length = sizeof(struct net_header);
    translate(&n->memory, slot.offset, slot.length, &segments[1]);
    if (virtqueue_add(q, segments, 0, 2, &head) != TS_OK) {
        return false; // there was room for two
    }
    n->rx.frames[head] = (struct net_frame){slot.id, 1};
    n->rx.in_hand++;
    return true;
}

static enum net_outcome fill(struct net *n)
{
    for (unsigned i = 0; i < ROUND; i++) {
        int32_t available = count_offered(&n->rx, &n->rings.rx_fill, &n->rings.rx_done);
        if (available == 0 || (available > 0 && n->rx.queue.ring.free_count < 2)) {
            return NET_IDLE;
        }
        if (available < 0 || !fill_one(n)) {
            return NET_CLIENT_BROKE;
        }
    }
    return NET_MORE;
}

// ---- A round

// After how many sent frames the device is to interrupt. Late is soon enough, there is a timer
// (TS_FRAME_DELAY_NS); but not when the client or the device would run out before.
static uint16_t tx_batch(const struct net *n)
{
    const struct virtqueue *q = &n->tx.queue.ring;
    if (q->free_count < SEGMENTS_MAX) {
        return (uint16_t)((q->outstanding + 1) / 2);
    }
    uint32_t frames = q->size / 2;
    return (uint16_t)((n->tx.entries < frames ? n->tx.entries : frames) / 4);
}

// Asks the rings to wake us when that is worth while. False: one of them already would.
static bool sleep_all(struct net *n)
{
    bool asleep = virtqueue_sleep(&n->tx.queue.ring, tx_batch(n));
    asleep &= virtqueue_sleep(&n->rx.queue.ring, 1);
    if (n->tx.queue.ring.free_count >= SEGMENTS_MAX) {
        asleep &= ts_frame_sleep(&n->rings.tx_send, 1);
    }
    // Room is looked for at each interrupt; a doorbell is worth it when the device runs dry.
    if (n->rx.queue.ring.outstanding < n->rx.queue.ring.size / 8) {
        asleep &= ts_frame_sleep(&n->rings.rx_fill, 1);
    }
    return asleep;
}

static enum net_outcome round_of(struct net *n, ts_time_t now)
{
    enum net_outcome parts[4], worst = NET_IDLE;
    parts[0] = reap_tx(n, now); // first: it makes room for what follows
    parts[1] = send(n, now);
    parts[2] = receive(n);
    parts[3] = fill(n);
    for (unsigned i = 0; i < 4; i++) {
        worst = parts[i] > worst ? parts[i] : worst;
    }
    return worst;
}

enum net_outcome net_work(struct net *n, ts_time_t now, bool *out_ring)
{
    *out_ring = false;
    if (n->memory.base == NULL) {
        return NET_IDLE;
    }
    enum net_outcome outcome = round_of(n, now);
    ts_frame_release(&n->rings.tx_send);
    ts_frame_release(&n->rings.rx_fill);
    virtio_queue_kick(n->device, &n->tx.queue);
    virtio_queue_kick(n->device, &n->rx.queue);
    *out_ring = ts_frame_publish(&n->rings.rx_done);
    *out_ring |= ts_frame_publish(&n->rings.tx_done);
    if (outcome == NET_IDLE && n->tx.in_hand > 0 && now - n->tx_progress > STALL_NS) {
        return NET_DEVICE_BROKE;
    }
    if (outcome == NET_IDLE && !sleep_all(n)) {
        return NET_MORE;
    }
    return outcome;
}
