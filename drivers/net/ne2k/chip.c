// SPDX-License-Identifier: MIT
// The device as the chip of a card: frames from its ring, and to its buffers.
#include "ne2k.h"
#include "registers.h"

static ts_status_t start(void *context)
{
    return ne2k_start(context);
}

static ts_status_t stop(void *context)
{
    return ne2k_reset(context);
}

// The card does not say: it is up while the card is there.
static bool link(void *context)
{
    return ne2k_read(context, NE2K_CR) != UINT8_MAX;
}

// ---- Transmission

static bool can_send(void *context)
{
    return ((struct ne2k *)context)->tx_count < NE2K_TX;
}

static uint16_t send(void *context, struct frame_to_send *frame)
{
    struct ne2k *n = context;
    uint8_t bytes[NE2K_TX_BYTES];
    uint16_t index = (n->tx_first + n->tx_count) % NE2K_TX;
    uint32_t length = frame_copy(frame, bytes), page = NE2K_BUFFERS + index * NE2K_BUFFER;
    bytes[length] = 0; // words are moved
    n->failed |= ne2k_copy_in(n, page * NE2K_PAGE, bytes, (length + 1) & ~1u) != TS_OK;
    n->lengths[index] = (uint16_t)length;
    n->tx_count++;
    ne2k_send_oldest(n);
    return index;
}

static bool oldest_is_done(const struct ne2k *n)
{
    return n->sending && !(ne2k_read(n, NE2K_CR) & NE2K_CR_BUSY);
}

static ts_status_t sent(void *context, uint16_t *out_token)
{
    struct ne2k *n = context;
    if (n->failed) {
        return TS_ERR_IO;
    }
    if (!oldest_is_done(n)) {
        return TS_ERR_AGAIN;
    }
    *out_token = n->tx_first;
    n->tx_first = (n->tx_first + 1) % NE2K_TX;
    n->tx_count--;
    n->sending = false;
    ne2k_send_oldest(n);
    return TS_OK;
}

// ---- Reception

static bool can_fill(void *context)
{
    return ((struct ne2k *)context)->rooms.count < FRAME_ROOMS;
}

static uint16_t fill(void *context, const struct dma_segment *room)
{
    return frame_rooms_put(&((struct ne2k *)context)->rooms, room);
}

// Whether there is a frame, and room for it. The card is asked when it has none that we know of.
static bool has_frame(struct ne2k *n)
{
    if (n->rooms.count > 0 && n->next == n->current) {
        ne2k_write(n, NE2K_CR, NE2K_CR_START | NE2K_CR_PAGE_1);
        n->current = ne2k_read(n, NE2K_CURR);
        ne2k_write(n, NE2K_CR, NE2K_CR_START);
    }
    return n->rooms.count > 0 && n->next != n->current;
}

static bool in_ring(uint8_t page)
{
    return page >= NE2K_RING && page < NE2K_RING_STOP;
}

// The page after a frame of so many bytes.
static uint8_t page_after(uint8_t page, uint32_t bytes)
{
    uint32_t next = page + (NE2K_HEADER + bytes + NE2K_PAGE - 1) / NE2K_PAGE;
    return (uint8_t)(next < NE2K_RING_STOP ? next : next - (NE2K_RING_STOP - NE2K_RING));
}

// The next frame's length as the header says, if that can be.
static ts_status_t read_header(struct ne2k *n, uint32_t *out_length)
{
    uint8_t header[NE2K_HEADER];
    ts_status_t status = in_ring(n->current) ? TS_OK : TS_ERR_PROTOCOL;
    if (status == TS_OK) {
        status = ne2k_copy_out(n, n->next * NE2K_PAGE, header, sizeof(header));
    }
    if (status != TS_OK) {
        return status;
    }
    uint32_t length = header[2] | (uint32_t)header[3] << 8;
    uint32_t most = (NE2K_RING_STOP - NE2K_RING - 1) * NE2K_PAGE - NE2K_HEADER;
    bool good = (header[0] & NE2K_RX_OK) && length >= TS_FRAME_LENGTH_MIN + NE2K_CRC &&
                length <= most && header[1] == page_after(n->next, length);
    *out_length = length - NE2K_CRC;
    return good ? TS_OK : TS_ERR_PROTOCOL;
}

static ts_status_t received(void *context, struct frame_received *out_frame)
{
    struct ne2k *n = context;
    uint32_t length;
    if (!has_frame(n)) {
        return TS_ERR_AGAIN;
    }
    ts_status_t status = read_header(n, &length);
    if (status != TS_OK) {
        return status;
    }
    uint8_t *room = frame_rooms_take(&n->rooms, &out_frame->token);
    bool fits = length <= TS_FRAME_ROOM_MIN;
    out_frame->length = fits ? length : 0;
    out_frame->flags = fits ? 0 : TS_FRAME_FAILED; // longer than Ethernet's
    if (fits) {
        status = ne2k_copy_out(n, n->next * NE2K_PAGE + NE2K_HEADER, room, (length + 1) & ~1u);
    }
    n->next = page_after(n->next, length + NE2K_CRC);
    uint8_t last = (uint8_t)((n->next == NE2K_RING ? NE2K_RING_STOP : n->next) - 1);
    ne2k_write(n, NE2K_BNRY, last);
    return status;
}

// ---- Waking

static void kick(void *context)
{
    (void)context; // send and received have shown the card all
}

// What comes interrupts always; what was sent only while a frame waits for that, or the client runs
// out.
static bool sleep(void *context, uint32_t tx_entries)
{
    struct ne2k *n = context;
    bool tell = n->tx_count > 1 || n->card.tx.in_hand > tx_entries / 2;
    ne2k_tell_sent(n, tell);
    // What was done before may have had its cause cleared.
    return !(tell && oldest_is_done(n)) && !has_frame(n);
}

static unsigned interrupted(void *context, unsigned vector)
{
    struct ne2k *n = context;
    uint8_t causes = ne2k_read(n, NE2K_ISR);
    (void)vector;
    if (causes == UINT8_MAX) {
        return FRAME_CAUSE_LOST; // nobody answers
    }
    if (n->causes == 0) {
        return FRAME_CAUSE_WORK; // at rest: another's interrupt
    }
    if (causes & NE2K_CAUSE_OVERRUN) {
        ne2k_recover(n);
    }
    ne2k_write(n, NE2K_ISR, causes & (uint8_t)~NE2K_CAUSE_OVERRUN);
    return FRAME_CAUSE_WORK;
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
