// SPDX-License-Identifier: MIT
#include "frame_peer.h"

#include "tests/host/check.h"

#include <string.h>

struct frame_peer peer;

static uint8_t pattern(uint32_t seed, uint32_t i)
{
    return (uint8_t)(seed * 31 + i * 7);
}

ts_status_t peer_attach_again(struct frame_card *card)
{
    static uint64_t bus[PEER_PAGES];
    struct ts_frame_attach attach = {.version = TS_FRAME_VERSION,
                                     .rx_entries = PEER_ENTRIES,
                                     .tx_entries = PEER_ENTRIES,
                                     .memory_size = PEER_MEMORY};
    CHECK_EQUAL(frame_geometry(&attach), TS_OK);
    ts_frame_client_init(&peer.rings, peer.memory, PEER_ENTRIES, PEER_ENTRIES);
    for (uint32_t at = peer.data_start; at < PEER_MEMORY; at += 4096) {
        bus[(at - peer.data_start) / 4096] = (uint64_t)(uintptr_t)(peer.memory + at) |
                                             (at & 4096 && !frame_chip.copies ? FAKE_ODD_PAGE : 0);
    }
    struct frame_memory given = {peer.memory, PEER_MEMORY, peer.data_start, bus};
    return frame_card_attach(card, &given, &attach);
}

ts_status_t peer_attach(struct frame_card *card)
{
    uint8_t *memory = peer.memory != NULL ? peer.memory : aligned_alloc(4096, PEER_MEMORY);
    CHECK(memory);
    memset(memory, 0, PEER_MEMORY);
    peer = (struct frame_peer){.memory = memory,
                               .data_start = ts_frame_data_start(PEER_ENTRIES, PEER_ENTRIES)};
    return peer_attach_again(card);
}

enum frame_outcome peer_work(struct frame_card *card)
{
    bool ring;
    enum frame_outcome outcome;
    do {
        outcome = frame_card_work(card, fake_now, &ring);
    } while (outcome == FRAME_MORE);
    return outcome;
}

void peer_put(struct ts_frame_producer *ring, struct ts_frame_slot slot)
{
    ts_frame_put(ring, &slot);
    (void)ts_frame_publish(ring);
}

void peer_send(void)
{
    uint32_t id = random_below(PEER_ENTRIES), pieces = 1 + random_below(TS_FRAME_SEGMENTS);
    if (peer.tx_out[id] || peer.tx_slots + pieces > PEER_ENTRIES) {
        return;
    }
    uint32_t least = random_below(4) == 0 ? TS_FRAME_LENGTH_MIN : 60;
    uint32_t length = least + random_below(TS_FRAME_LENGTH_MAX - least + 1), done = 0;
    // Lower half of the data area; every other frame crosses a page.
    uint32_t offset = peer.data_start + 1000 + id * 2048 + random_below(64);
    peer.tx_seed[id] = random_below(1000) << 12 | length;
    for (uint32_t i = 0; i < length; i++) {
        peer.memory[offset + i] = pattern(peer.tx_seed[id], i);
    }
    memcpy(peer.memory + offset, &id, 4);
    for (uint32_t p = 0; p < pieces; p++) {
        uint32_t piece = p + 1 == pieces ? length - done : length / pieces;
        struct ts_frame_slot slot = {.offset = offset + done,
                                     .length = (uint16_t)piece,
                                     .flags = p + 1 == pieces ? 0 : TS_FRAME_MORE,
                                     .id = p == 0 ? id : 999};
        ts_frame_put(&peer.rings.tx_send, &slot);
        done += piece;
    }
    peer.tx_out[id] = true;
    peer.tx_pieces[id] = pieces;
    peer.tx_slots += pieces;
    (void)ts_frame_publish(&peer.rings.tx_send);
}

uint32_t peer_room(uint32_t id)
{
    return peer.data_start + (34 + id / 2) * 4096 + (id % 2) * PEER_ROOM;
}

void peer_fill(void)
{
    uint32_t id = random_below(PEER_ENTRIES);
    if (peer.rx_out[id]) {
        return;
    }
    peer.rx_out[id] = true;
    peer_put(&peer.rings.rx_fill,
             (struct ts_frame_slot){.offset = peer_room(id), .length = PEER_ROOM, .id = id});
}

static void collect_sent(void)
{
    struct ts_frame_slot slot;
    int32_t count = ts_frame_available(&peer.rings.tx_done);
    CHECK(count >= 0);
    while (count-- > 0) {
        ts_frame_take(&peer.rings.tx_done, &slot);
        CHECK(slot.id < PEER_ENTRIES && peer.tx_out[slot.id]);
        peer.tx_out[slot.id] = false;
        peer.tx_slots -= peer.tx_pieces[slot.id];
        peer.failed += slot.flags == TS_FRAME_FAILED;
    }
    ts_frame_release(&peer.rings.tx_done);
}

void peer_collect(void)
{
    collect_sent();
    struct ts_frame_slot slot;
    int32_t count = ts_frame_available(&peer.rings.rx_done);
    CHECK(count >= 0);
    while (count-- > 0) {
        ts_frame_take(&peer.rings.rx_done, &slot);
        CHECK(slot.id < PEER_ENTRIES && peer.rx_out[slot.id]);
        peer.rx_out[slot.id] = false;
        if (slot.flags & TS_FRAME_FAILED) {
            peer.failed++;
            continue;
        }
        for (uint32_t i = 0; i < slot.length; i++) {
            CHECK(peer.memory[peer_room(slot.id) + i] == pattern(slot.length, i));
        }
        peer.received++;
    }
    ts_frame_release(&peer.rings.rx_done);
}

bool peer_owns(const uint8_t *bytes, uint32_t length)
{
    uintptr_t at = (uintptr_t)bytes, base = (uintptr_t)peer.memory;
    return at >= base + peer.data_start && at + length <= base + PEER_MEMORY &&
           at / 4096 == (at + length - 1) / 4096;
}

void peer_check_sent(const uint8_t *frame, uint32_t length)
{
    uint32_t id;
    memcpy(&id, frame, 4);
    CHECK(id < PEER_ENTRIES && peer.tx_out[id]);
    uint32_t whole = peer.tx_seed[id] & 0xfff;
    CHECK(length == whole || (whole < length && length <= 60)); // a short one may have been padded
    for (uint32_t i = 4; i < length; i++) {
        CHECK(frame[i] == (i < whole ? pattern(peer.tx_seed[id], i) : 0));
    }
    peer.sent++;
}

void peer_pattern(uint8_t *frame, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        frame[i] = pattern(length, i);
    }
}
