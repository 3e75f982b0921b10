// SPDX-License-Identifier: MIT
// The device as the chip of a card: frames from its ring, and to its buffers.
#include "registers.h"
#include "rtl8139.h"

#include <stdatomic.h>

#define HEADER 4u // bytes before a frame in the ring

static ts_status_t start(void *context)
{
    return rtl8139_start(context);
}

static ts_status_t stop(void *context)
{
    return rtl8139_reset(context);
}

static bool link(void *context)
{
    return !(rtl8139_read(context, RTL8139_MSR, 1) & RTL8139_MSR_NO_LINK);
}

// ---- Transmission

static bool can_send(void *context)
{
    return ((struct rtl8139 *)context)->tx_count < RTL8139_TX;
}

static uint16_t send(void *context, struct frame_to_send *frame)
{
    struct rtl8139 *r = context;
    uint16_t index = (r->tx_first + r->tx_count++) % RTL8139_TX;
    uint32_t length = frame_copy(frame, rtl8139_buffer(r, index));
    atomic_thread_fence(memory_order_release); // the chip sees the frame first
    rtl8139_write(r, RTL8139_TSD + 4u * index, 4, RTL8139_TSD_THRESHOLD | length);
    return index;
}

// Whether the oldest frame that is out is the chip's no longer. What it answers once it has gone
// has all bits.
static bool oldest_is_done(const struct rtl8139 *r, uint32_t *out_state)
{
    *out_state = r->tx_count > 0 ? rtl8139_read(r, RTL8139_TSD + 4u * r->tx_first, 4) : 0;
    return (*out_state & (RTL8139_TSD_SENT | RTL8139_TSD_UNDERRUN | RTL8139_TSD_ABORTED)) != 0;
}

static ts_status_t sent(void *context, uint16_t *out_token)
{
    struct rtl8139 *r = context;
    uint32_t state;
    if (!oldest_is_done(r, &state)) {
        return TS_ERR_AGAIN;
    }
    if (state == UINT32_MAX) {
        return TS_ERR_IO;
    }
    if (state & RTL8139_TSD_ABORTED) { // after too many collisions: it waits for a word
        rtl8139_write(r, RTL8139_TCR, 4, RTL8139_TCR_NORMAL | RTL8139_TCR_CLEAR_ABORT);
    }
    *out_token = r->tx_first;
    r->tx_first = (r->tx_first + 1) % RTL8139_TX;
    r->tx_count--;
    return TS_OK;
}

// ---- Reception

static bool can_fill(void *context)
{
    return ((struct rtl8139 *)context)->rooms.count < FRAME_ROOMS;
}

static uint16_t fill(void *context, const struct dma_segment *room)
{
    return frame_rooms_put(&((struct rtl8139 *)context)->rooms, room);
}

// Whether there is a frame, and room for it.
static bool has_frame(const struct rtl8139 *r)
{
    return r->rooms.count > 0 && !(rtl8139_read(r, RTL8139_CR, 1) & RTL8139_CR_EMPTY);
}

static void copy_out(const struct rtl8139 *r, uint32_t from, uint8_t *out, uint32_t length)
{
    const uint8_t *ring = r->memory.address;
    uint32_t begin = from % RTL8139_RING, first = RTL8139_RING - begin;
    first = length < first ? length : first;
    memcpy(out, ring + begin, first);
    memcpy(out + first, ring, length - first);
}

// The driver reads on at `at`, and the chip may have all up to there: it is told 16 bytes less.
static void give_back(struct rtl8139 *r, uint32_t at)
{
    r->at = at % RTL8139_RING;
    rtl8139_write(r, RTL8139_CAPR, 2, (uint16_t)(r->at - 16));
}

static ts_status_t received(void *context, struct frame_received *out_frame)
{
    struct rtl8139 *r = context;
    r->coming = false;
    if (!has_frame(r)) {
        return TS_ERR_AGAIN;
    }
    // Acquire: the frame was written before the register that shows it. Read once: the chip may go
    // on writing.
    uint32_t *word = (uint32_t *)(void *)((uint8_t *)r->memory.address + r->at);
    uint32_t header = atomic_load_explicit(TS_ATOMIC(word), memory_order_acquire);
    uint32_t length = header >> 16;
    if (length == RTL8139_RX_UNFINISHED) {
        r->coming = true;
        return TS_ERR_AGAIN;
    }
    if (!(header & RTL8139_RX_OK) || (header & RTL8139_RX_BAD) ||
        length < TS_FRAME_LENGTH_MIN + RTL8139_RX_CRC || length > RTL8139_RX_LONGEST) {
        return TS_ERR_PROTOCOL;
    }
    uint8_t *room = frame_rooms_take(&r->rooms, &out_frame->token);
    bool fits = length - RTL8139_RX_CRC <= TS_FRAME_ROOM_MIN;
    out_frame->length = fits ? length - RTL8139_RX_CRC : 0;
    out_frame->flags = fits ? 0 : TS_FRAME_FAILED; // longer than Ethernet's
    copy_out(r, r->at + HEADER, room, out_frame->length);
    give_back(r, (r->at + HEADER + length + 3) & ~3u);
    return TS_OK;
}

// ---- Waking

static void kick(void *context)
{
    (void)context; // send and received have shown the chip all
}

// What comes interrupts always; what was sent only while the chip or the client runs out.
static bool sleep(void *context, uint32_t tx_entries)
{
    struct rtl8139 *r = context;
    uint32_t state;
    bool tell = !can_send(r) || r->card.tx.in_hand > tx_entries / 2;
    rtl8139_tell_sent(r, tell);
    // What was done before may have had its cause cleared. A frame that is still coming has not
    // had its own.
    return !(tell && oldest_is_done(r, &state)) && (r->coming || !has_frame(r));
}

static unsigned interrupted(void *context, unsigned vector)
{
    struct rtl8139 *r = context;
    uint32_t causes = rtl8139_read(r, RTL8139_ISR, 2);
    (void)vector;
    if (causes == UINT16_MAX || (causes & RTL8139_CAUSE_SYSTEM)) {
        return FRAME_CAUSE_LOST; // nobody answers, or the bus has failed it
    }
    rtl8139_write(r, RTL8139_ISR, 2, causes);
    return FRAME_CAUSE_WORK | (causes & RTL8139_CAUSE_LINK ? FRAME_CAUSE_LINK : 0);
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
    .copies = true,
};
