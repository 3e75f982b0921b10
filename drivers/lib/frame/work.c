// SPDX-License-Identifier: MIT
// The data path. A round moves a bounded number of frames each way, so that a flood cannot
// keep the driver from its other work.
#include <drivers/frame/card.h>

#define ROUND    64u                 // frames of one kind in a round
#define STALL_NS INT64_C(5000000000) // a chip that finishes no frame for so long is stuck

// Whether the range lies in the data area.
static bool in_data(const struct frame_memory *m, uint32_t offset, uint32_t length)
{
    return offset >= m->data_start && offset <= m->size && length <= m->size - offset;
}

// Translates a range that lies in the data area and on at most two pages; segments written.
static unsigned translate(const struct frame_memory *m, uint32_t offset, uint32_t length,
                          struct dma_segment *out)
{
    uint32_t in_page = offset % TS_PAGE_SIZE, page = (offset - m->data_start) / TS_PAGE_SIZE;
    uint32_t first = TS_PAGE_SIZE - in_page;
    uint64_t bus = m->bus[page] + in_page;
    if (length <= first || m->bus[page + 1] == m->bus[page] + TS_PAGE_SIZE) {
        out[0] = (struct dma_segment){bus, length};
        return 1;
    }
    out[0] = (struct dma_segment){bus, first};
    out[1] = (struct dma_segment){m->bus[page + 1], length - first};
    return 2;
}

// How many of the client's slots are there. All that are outstanding must find room in the ring
// where they will be given back: a client with more than that, or with an impossible index, broke
// the protocol (negative). The tail is read before the completions' head: a client that gave slots
// after taking completions is seen to have done both.
static int32_t count_offered(const struct frame_direction *d,
                             const struct ts_frame_consumer *offered,
                             const struct ts_frame_producer *done)
{
    int32_t available = ts_frame_available(offered), room = ts_frame_room(done);
    bool good = available >= 0 && room >= 0 && available + (int32_t)d->in_hand <= room;
    return good ? available : TS_ERR_PROTOCOL;
}

// The chip has a frame of the client's.
static void hold(struct frame_direction *d, uint16_t token, struct frame_held held)
{
    d->held[token] = held;
    d->in_hand += held.slots;
}

// Gives a frame back to the client. False: the chip has none of this token, or wrote more than
// there was room for.
static bool give(struct frame_direction *d, struct ts_frame_producer *done,
                 const struct frame_received *frame)
{
    struct frame_held *held = frame->token < d->tokens ? &d->held[frame->token] : NULL;
    if (held == NULL || held->slots == 0 || frame->length > held->room) {
        return false;
    }
    struct ts_frame_slot slot = {
        .id = held->id, .length = (uint16_t)frame->length, .flags = frame->flags};
    ts_frame_put(done, &slot);
    d->in_hand -= held->slots;
    held->slots = 0;
    return true;
}

// ---- Transmission

static enum frame_outcome reap(struct frame_card *card, ts_time_t now)
{
    struct frame_received frame = {0};
    for (unsigned i = 0; i < ROUND; i++) {
        ts_status_t status = frame_chip.sent(card->context, &frame.token);
        if (status == TS_ERR_AGAIN) {
            return FRAME_IDLE;
        }
        if (status != TS_OK || !give(&card->tx, &card->rings.tx_done, &frame)) {
            return FRAME_CHIP_BROKE;
        }
        card->moved++;
        card->tx_progress = now;
    }
    return FRAME_MORE;
}

// A frame gathered from the client's slots.
struct gathered {
    struct frame_to_send frame;
    uint16_t slots;
    uint32_t id;
};

// Takes over what the first slot says of the checksum. False: that cannot be.
static bool take_checksum(const struct frame_card *card, const struct ts_frame_slot *first,
                          struct frame_to_send *frame)
{
    frame->checksum = (first->flags & TS_FRAME_CHECKSUM) != 0;
    if (!frame->checksum) {
        return true;
    }
    uint32_t field = (uint32_t)first->checksum_start + first->checksum_offset;
    frame->checksum_start = first->checksum_start;
    frame->checksum_offset = first->checksum_offset;
    return (card->information.features & TS_FRAME_FEATURE_CHECKSUM) && field + 2 <= frame->length &&
           field < TS_FRAME_CHECKSUM_END;
}

// Takes the slots of one frame. False: the client broke the protocol.
static bool gather(struct frame_card *card, int32_t available, struct gathered *g)
{
    struct frame_to_send *frame = &g->frame;
    struct ts_frame_slot slot, first;
    frame->count = 0;
    frame->length = 0;
    g->slots = 0;
    do {
        if (g->slots == TS_FRAME_SEGMENTS || available-- == 0) {
            return false; // a frame is published as a whole
        }
        ts_frame_take(&card->rings.tx_send, &slot);
        if (g->slots++ == 0) {
            first = slot;
        }
        frame->length += slot.length;
        if (slot.length == 0 || frame->length > TS_FRAME_LENGTH_MAX ||
            (slot.flags & ~(TS_FRAME_MORE | TS_FRAME_CHECKSUM)) != 0 ||
            !in_data(&card->memory, slot.offset, slot.length)) {
            return false;
        }
        frame->count +=
            translate(&card->memory, slot.offset, slot.length, &frame->segments[1 + frame->count]);
    } while (slot.flags & TS_FRAME_MORE);
    g->id = first.id;
    return frame->length >= TS_FRAME_LENGTH_MIN && take_checksum(card, &first, frame);
}

static bool send_one(struct frame_card *card, int32_t available)
{
    struct gathered g;
    if (!gather(card, available, &g)) {
        return false;
    }
    card->statistics.tx_frames++;
    card->statistics.tx_bytes += g.frame.length;
    uint16_t token = frame_chip.send(card->context, &g.frame);
    hold(&card->tx, token, (struct frame_held){.id = g.id, .slots = g.slots});
    return true;
}

static enum frame_outcome send(struct frame_card *card, ts_time_t now)
{
    if (card->tx.in_hand == 0) {
        card->tx_progress = now;
    }
    for (unsigned i = 0; i < ROUND; i++) {
        int32_t available = count_offered(&card->tx, &card->rings.tx_send, &card->rings.tx_done);
        if (available == 0 || (available > 0 && !frame_chip.can_send(card->context))) {
            return FRAME_IDLE;
        }
        if (available < 0 || !send_one(card, available)) {
            return FRAME_CLIENT_BROKE;
        }
    }
    return FRAME_MORE;
}

// ---- Reception

static bool receive_one(struct frame_card *card, struct frame_received *frame)
{
    if (frame->length < TS_FRAME_LENGTH_MIN) {
        frame->flags = TS_FRAME_FAILED;
    }
    if (frame->flags & TS_FRAME_FAILED) {
        frame->length = 0;
        card->statistics.rx_errors++;
    } else {
        card->statistics.rx_frames++;
        card->statistics.rx_bytes += frame->length;
    }
    return give(&card->rx, &card->rings.rx_done, frame);
}

static enum frame_outcome receive(struct frame_card *card)
{
    struct frame_received frame;
    for (unsigned i = 0; i < ROUND; i++) {
        ts_status_t status = frame_chip.received(card->context, &frame);
        if (status == TS_ERR_AGAIN) {
            return FRAME_IDLE;
        }
        if (status != TS_OK || !receive_one(card, &frame)) {
            return FRAME_CHIP_BROKE;
        }
        card->moved++;
    }
    return FRAME_MORE;
}

static bool fill_one(struct frame_card *card)
{
    struct ts_frame_slot slot;
    struct dma_segment room;
    ts_frame_take(&card->rings.rx_fill, &slot);
    if (slot.flags != 0 || slot.length < TS_FRAME_ROOM_MIN ||
        slot.offset % TS_PAGE_SIZE + slot.length > TS_PAGE_SIZE ||
        !in_data(&card->memory, slot.offset, slot.length)) {
        return false;
    }
    (void)translate(&card->memory, slot.offset, slot.length, &room); // it lies in one page
    uint16_t token = frame_chip.fill(card->context, &room);
    hold(&card->rx, token, (struct frame_held){slot.id, 1, slot.length});
    return true;
}

static enum frame_outcome fill(struct frame_card *card)
{
    for (unsigned i = 0; i < ROUND; i++) {
        int32_t available = count_offered(&card->rx, &card->rings.rx_fill, &card->rings.rx_done);
        if (available == 0 || (available > 0 && !frame_chip.can_fill(card->context))) {
            return FRAME_IDLE;
        }
        if (available < 0 || !fill_one(card)) {
            return FRAME_CLIENT_BROKE;
        }
    }
    return FRAME_MORE;
}

// ---- A round

// Asks both sides to wake us when that is worth while. False: one of them already would.
static bool sleep_all(struct frame_card *card)
{
    bool asleep = frame_chip.sleep(card->context, card->tx.entries);
    if (frame_chip.can_send(card->context)) {
        asleep &= ts_frame_sleep(&card->rings.tx_send, 1);
    }
    // Room is looked for at each interrupt; a doorbell is worth it when the chip runs dry.
    if (card->rx.in_hand < card->information.rx_depth / 4) {
        asleep &= ts_frame_sleep(&card->rings.rx_fill, 1);
    }
    return asleep;
}

static enum frame_outcome round_of(struct frame_card *card, ts_time_t now)
{
    enum frame_outcome parts[4], worst = FRAME_IDLE;
    parts[0] = reap(card, now); // first: it makes room for what follows
    parts[1] = send(card, now);
    parts[2] = receive(card);
    parts[3] = fill(card);
    for (unsigned i = 0; i < 4; i++) {
        worst = parts[i] > worst ? parts[i] : worst;
    }
    return worst;
}

enum frame_outcome frame_card_work(struct frame_card *card, ts_time_t now, bool *out_ring)
{
    *out_ring = false;
    if (card->memory.base == NULL) {
        return FRAME_IDLE;
    }
    enum frame_outcome outcome = round_of(card, now);
    ts_frame_release(&card->rings.tx_send);
    ts_frame_release(&card->rings.rx_fill);
    frame_chip.kick(card->context);
    *out_ring = ts_frame_publish(&card->rings.rx_done);
    *out_ring |= ts_frame_publish(&card->rings.tx_done);
    if (outcome == FRAME_IDLE && card->tx.in_hand > 0 && now - card->tx_progress > STALL_NS) {
        return FRAME_CHIP_BROKE;
    }
    if (outcome == FRAME_IDLE && !sleep_all(card)) {
        return FRAME_MORE;
    }
    return outcome;
}
