// SPDX-License-Identifier: MIT
// The device as the chip of a card: frames to and from its rings.
#include "e1000.h"
#include "registers.h"

#include <assert.h>

// The least that a chip is given, which pads it. That of an 8254x may spoil what it pads; QEMU's
// 82574 sums what it was padded with as if it were TCP's, so that has as little of it as may be.
#define LEAST_PCI     60u
#define LEAST_EXPRESS 17u

// Rooms are shown to a chip that has enough of them by the batch: a write of a register may cost as
// much as a frame.
#define RX_BATCH 16u
#define RX_FEW   32u

#define TX_MOST (FRAME_PIECES + 2u) // descriptors of a frame: with a context, and padding

// The longest that the chip receives has a VLAN tag and, in models that do not strip it, a check
// sequence.
static_assert(TS_FRAME_LENGTH_MAX + 8 <= TS_FRAME_ROOM_MIN, "a frame fits into a room");

static ts_status_t start(void *context)
{
    return e1000_start(context);
}

static ts_status_t stop(void *context)
{
    return e1000_reset(context);
}

static bool link(void *context)
{
    uint32_t status = e1000_read(context, E1000_STATUS);
    return status != UINT32_MAX && (status & E1000_STATUS_LINK);
}

static bool can_send(void *context)
{
    return e1000_ring_room(&((struct e1000 *)context)->tx) >= TX_MOST;
}

// Tells the chip where the checksum lies, unless it knows.
static void set_sum(struct e1000 *e, const struct frame_to_send *frame)
{
    uint32_t place = (uint32_t)frame->checksum_start + frame->checksum_offset;
    uint64_t sum = E1000_TX_CONTEXT_START(frame->checksum_start) | E1000_TX_CONTEXT_PLACE(place);
    if (sum != e->sum || sum == 0) {
        e1000_ring_put(&e->tx, sum, E1000_TX_EXTENDED | E1000_TX_CONTEXT_TCP);
        e->sum = sum;
    }
}

static uint16_t send(void *context, struct frame_to_send *frame)
{
    struct e1000 *e = context;
    uint64_t word = E1000_TX_DATA | E1000_TX_EXTENDED | E1000_TX_CRC;
    if (frame->checksum) {
        set_sum(e, frame);
        word |= E1000_TX_SUM;
    }
    uint32_t least = e->family == E1000_8254X ? LEAST_PCI : LEAST_EXPRESS;
    if (frame->length < least) {
        frame->segments[++frame->count] = (struct dma_segment){e->zeros, least - frame->length};
    }
    for (unsigned i = 1; i < frame->count; i++) {
        e1000_ring_put(&e->tx, frame->segments[i].address, word | frame->segments[i].length);
    }
    const struct dma_segment *last = &frame->segments[frame->count];
    e1000_ring_put(&e->tx, last->address, word | last->length | E1000_TX_END | E1000_TX_REPORT);
    return e1000_ring_close(&e->tx);
}

static ts_status_t sent(void *context, uint16_t *out_token)
{
    struct e1000 *e = context;
    uint64_t word;
    if (!e1000_ring_look(&e->tx, &word) || !(word & E1000_TX_DONE)) {
        return TS_ERR_AGAIN;
    }
    *out_token = e1000_ring_take(&e->tx);
    return TS_OK;
}

static bool can_fill(void *context)
{
    return e1000_ring_room(&((struct e1000 *)context)->rx) > 0;
}

static uint16_t fill(void *context, const struct dma_segment *room)
{
    struct e1000 *e = context;
    e1000_ring_put(&e->rx, room->address, 0);
    return e1000_ring_close(&e->rx);
}

static ts_status_t received(void *context, struct frame_received *out_frame)
{
    struct e1000 *e = context;
    uint64_t word;
    if (!e1000_ring_look(&e->rx, &word) || !(word & E1000_RX_DONE)) {
        return TS_ERR_AGAIN;
    }
    if (!(word & E1000_RX_END)) {
        return TS_ERR_PROTOCOL; // each room takes a whole frame
    }
    out_frame->token = e1000_ring_take(&e->rx);
    out_frame->length = E1000_RX_LENGTH(word);
    bool summed = (word & (E1000_RX_SUMMED | E1000_RX_NOT_SUMMED)) == E1000_RX_SUMMED &&
                  !(word & E1000_RX_SUM_WRONG);
    out_frame->flags = word & E1000_RX_BAD ? TS_FRAME_FAILED : summed ? TS_FRAME_CHECKSUM_VALID : 0;
    return TS_OK;
}

static void show(struct e1000 *e, uint32_t queue, struct e1000_ring *ring)
{
    ring->shown = ring->tail;
    atomic_thread_fence(memory_order_release); // the chip sees the descriptors first
    e1000_write(e, queue + E1000_QUEUE_TAIL, ring->tail);
}

static void kick(void *context)
{
    struct e1000 *e = context;
    if (e1000_ring_hidden(&e->tx) > 0) {
        show(e, E1000_TDBAL, &e->tx);
    }
    unsigned rooms = e1000_ring_hidden(&e->rx);
    bool has_few = e1000_ring_used(&e->rx) - rooms < RX_FEW;
    if (rooms >= RX_BATCH || (rooms > 0 && has_few)) {
        show(e, E1000_RDBAL, &e->rx);
    }
}

// What comes interrupts always; what was sent only while the chip or the client runs out.
static bool sleep(void *context, uint32_t tx_entries)
{
    struct e1000 *e = context;
    uint64_t word;
    bool tell = e1000_ring_used(&e->tx) > E1000_TX / 2 || e->card.tx.in_hand > tx_entries / 2;
    if (tell != e->tells_sent) {
        e1000_write(e, tell ? E1000_IMS : E1000_IMC, e1000_cause_sent(e));
        e->tells_sent = tell;
    }
    // What was done before the mask was set may have had its cause cleared.
    return !tell || !e1000_ring_look(&e->tx, &word) || !(word & E1000_TX_DONE);
}

static unsigned interrupted(void *context, unsigned vector)
{
    struct e1000 *e = context;
    uint32_t causes = e1000_read(e, E1000_ICR);
    (void)vector;
    if (causes == UINT32_MAX) {
        return FRAME_CAUSE_LOST; // nobody answers
    }
    if (e->family != E1000_8254X) { // where reading has not cleared it
        e1000_write(e, E1000_ICR, causes);
    }
    return FRAME_CAUSE_WORK | (causes & E1000_CAUSE_LINK ? FRAME_CAUSE_LINK : 0);
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
