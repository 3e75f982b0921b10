// SPDX-License-Identifier: MIT
// A card between a client and a chip, each of them good and bad.
#include "frame_peer.h"

#include "tests/host/check.h"

#include <string.h>

#define TOKENS 32u
#define ROUNDS 200000u

// A chip that does what the test says.
static struct fake_chip {
    bool running, link, asleep, deaf, refuses;
    struct frame_to_send sending[TOKENS];
    struct dma_segment rooms[TOKENS];
    bool tx_used[TOKENS], rx_used[TOKENS];
    // What it says next: the status, and then a frame.
    ts_status_t sent_status, received_status;
    uint16_t sent;
    struct frame_received received;
    unsigned kicks;
} chip;
static struct frame_card card;

static ts_status_t start_chip(void *context)
{
    (void)context;
    if (chip.refuses) {
        return TS_ERR_UNSUPPORTED;
    }
    memset(chip.tx_used, 0, sizeof(chip.tx_used));
    memset(chip.rx_used, 0, sizeof(chip.rx_used));
    chip.running = true;
    chip.sent_status = chip.received_status = TS_ERR_AGAIN;
    return TS_OK;
}

static ts_status_t stop_chip(void *context)
{
    (void)context;
    chip.running = chip.running && chip.deaf;
    return chip.deaf ? TS_ERR_IO : TS_OK;
}

static bool link_is_up(void *context)
{
    (void)context;
    return chip.link;
}

static unsigned find_free(const bool used[TOKENS])
{
    unsigned token = 0;
    while (token < TOKENS && used[token]) {
        token++;
    }
    return token;
}

static bool can_send(void *context)
{
    (void)context;
    return find_free(chip.tx_used) < TOKENS;
}

static uint16_t send_frame(void *context, struct frame_to_send *frame)
{
    (void)context;
    unsigned token = find_free(chip.tx_used);
    uint32_t length = 0;
    CHECK(chip.running && token < TOKENS && frame->count >= 1 && frame->count <= FRAME_PIECES);
    for (unsigned i = 1; i <= frame->count; i++) {
        const struct dma_segment *segment = &frame->segments[i];
        CHECK(peer_owns((uint8_t *)(segment->address & ~FAKE_ODD_PAGE), segment->length));
        length += segment->length;
    }
    CHECK_EQUAL(length, frame->length);
    CHECK(length >= TS_FRAME_LENGTH_MIN && length <= TS_FRAME_LENGTH_MAX);
    chip.tx_used[token] = true;
    chip.sending[token] = *frame;
    return (uint16_t)token;
}

static ts_status_t frame_sent(void *context, uint16_t *out_token)
{
    (void)context;
    ts_status_t status = chip.sent_status;
    *out_token = chip.sent;
    chip.sent_status = TS_ERR_AGAIN;
    return status;
}

static bool can_fill(void *context)
{
    (void)context;
    return find_free(chip.rx_used) < TOKENS;
}

static uint16_t fill_room(void *context, const struct dma_segment *room)
{
    (void)context;
    unsigned token = find_free(chip.rx_used);
    CHECK(chip.running && token < TOKENS && room->length >= TS_FRAME_ROOM_MIN);
    CHECK(peer_owns((uint8_t *)(room->address & ~FAKE_ODD_PAGE), room->length));
    chip.rx_used[token] = true;
    chip.rooms[token] = *room;
    return (uint16_t)token;
}

static ts_status_t frame_came(void *context, struct frame_received *out_frame)
{
    (void)context;
    ts_status_t status = chip.received_status;
    *out_frame = chip.received;
    chip.received_status = TS_ERR_AGAIN;
    return status;
}

static void kick(void *context)
{
    (void)context;
    chip.kicks++;
}

static bool sleep_chip(void *context, uint32_t tx_entries)
{
    (void)context;
    CHECK_EQUAL(tx_entries, PEER_ENTRIES);
    return chip.asleep;
}

static unsigned interrupted(void *context, unsigned vector)
{
    (void)context, (void)vector;
    return 0;
}

const struct frame_chip frame_chip = {
    start_chip, stop_chip,  link_is_up, can_send,   send_frame,  frame_sent, can_fill,
    fill_room,  frame_came, kick,       sleep_chip, interrupted, false,
};

static void start(void)
{
    const struct ts_frame_information information = {
        .features = TS_FRAME_FEATURE_CHECKSUM, .mtu = 1500, .rx_depth = TOKENS, .tx_depth = TOKENS};
    chip = (struct fake_chip){.link = true, .asleep = true};
    CHECK_EQUAL(frame_card_init(&card, NULL, TOKENS, TOKENS, &information), TS_OK);
    CHECK_EQUAL(peer_attach(&card), TS_OK);
    CHECK(chip.running);
}

static void stop(void)
{
    CHECK_EQUAL(frame_card_detach(&card), TS_OK);
    CHECK(!chip.running);
    frame_card_fini(&card);
}

// ---- Traffic

static void finish_send(void)
{
    unsigned token = (unsigned)random_below(TOKENS);
    if (!chip.tx_used[token] || chip.sent_status == TS_OK) {
        return;
    }
    uint8_t bytes[TS_FRAME_LENGTH_MAX];
    uint32_t length = 0;
    for (unsigned i = 1; i <= chip.sending[token].count; i++) {
        const struct dma_segment *segment = &chip.sending[token].segments[i];
        memcpy(bytes + length, (void *)(segment->address & ~FAKE_ODD_PAGE), segment->length);
        length += segment->length;
    }
    peer_check_sent(bytes, length);
    chip.tx_used[token] = false;
    chip.sent_status = TS_OK;
    chip.sent = (uint16_t)token;
    CHECK_EQUAL(peer_work(&card), FRAME_IDLE);
}

static void finish_receive(void)
{
    unsigned token = (unsigned)random_below(TOKENS);
    if (!chip.rx_used[token]) {
        return;
    }
    uint32_t length = TS_FRAME_LENGTH_MIN + (uint32_t)random_below(1501);
    peer_pattern((uint8_t *)(chip.rooms[token].address & ~FAKE_ODD_PAGE), length);
    chip.rx_used[token] = false;
    chip.received_status = TS_OK;
    chip.received = (struct frame_received){.token = (uint16_t)token, .length = length};
    CHECK_EQUAL(peer_work(&card), FRAME_IDLE);
}

static void test_traffic(void)
{
    start();
    for (unsigned round = 0; round < ROUNDS; round++) {
        switch (random_below(6)) {
        case 0: peer_send(); break;
        case 1: peer_fill(); break;
        case 2: peer_collect(); break;
        case 3: finish_send(); break;
        case 4: finish_receive(); break;
        default: CHECK_EQUAL(peer_work(&card), FRAME_IDLE); break;
        }
    }
    CHECK(peer.sent > 5000 && peer.received > 5000 && peer.failed == 0);
    CHECK_EQUAL(card.statistics.rx_errors + card.statistics.tx_errors, 0);
    stop();
}

// ---- Clients that break the rules

static void test_bad_slots(void)
{
    start();
    stop();
    uint32_t end = PEER_MEMORY, data_start = peer.data_start;
    const struct {
        bool fill;
        struct ts_frame_slot slot;
    } bad[] = {
        {false, {.offset = 0, .length = 60}},
        {false, {.offset = data_start - 1, .length = 60}},
        {false, {.offset = end - 59, .length = 60}},
        {false, {.offset = end, .length = 60}},
        {false, {.offset = UINT32_MAX, .length = 60}},
        {false, {.offset = data_start, .length = 0}},
        {false, {.offset = data_start, .length = 13}},
        {false, {.offset = data_start, .length = 1515}},
        {false, {.offset = data_start, .length = 65535}},
        {false, {.offset = data_start, .length = 60, .flags = TS_FRAME_MORE}},
        {false, {.offset = data_start, .length = 60, .flags = 0x8000}},
        {true, {.offset = data_start, .length = 1535}},
        {true, {.offset = data_start + 2049, .length = 2048}},
        {true, {.offset = data_start, .length = 4097}},
        {true, {.offset = data_start - 4096, .length = 2048}},
        {true, {.offset = end, .length = 2048}},
        {true, {.offset = UINT32_MAX - 2047, .length = 2048}},
        {true, {.offset = data_start, .length = 2048, .flags = TS_FRAME_MORE}},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        start();
        struct ts_frame_producer *to = bad[i].fill ? &peer.rings.rx_fill : &peer.rings.tx_send;
        peer_put(to, bad[i].slot);
        CHECK_EQUAL(peer_work(&card), FRAME_CLIENT_BROKE);
        stop();
    }
}

static void test_bad_indices(void)
{
    static const uint32_t tails[] = {PEER_ENTRIES + 1, UINT32_MAX, 0x80000000};
    static const uint32_t heads[] = {1, PEER_ENTRIES, 0x80000000}; // of a ring that is empty
    struct ts_frame_control *control;
    for (unsigned i = 0; i < 3; i++) {
        start();
        control = (void *)peer.memory;
        control->tx_send.tail = tails[i];
        CHECK_EQUAL(peer_work(&card), FRAME_CLIENT_BROKE);
        stop();
        start();
        control->rx_fill.tail = tails[i];
        CHECK_EQUAL(peer_work(&card), FRAME_CLIENT_BROKE);
        stop();
        start();
        control->rx_done.head = heads[i];
        CHECK_EQUAL(peer_work(&card), FRAME_CLIENT_BROKE);
        stop();
    }
}

// More rooms than entries: the ring would overflow.
static void test_too_many(void)
{
    start();
    for (unsigned i = 0; i < PEER_ENTRIES + 1; i++) {
        peer_put(&peer.rings.rx_fill,
                 (struct ts_frame_slot){.offset = peer_room(0), .length = PEER_ROOM, .id = i});
        // The chip takes as many as it has tokens; the rest waits in the ring.
        CHECK_EQUAL(peer_work(&card), i < PEER_ENTRIES ? FRAME_IDLE : FRAME_CLIENT_BROKE);
    }
    stop();
}

static void test_checksum(void)
{
    static const struct {
        uint16_t start, offset;
        bool good;
    } sums[] = {{34, 16, true},  {54, 16, true}, {237, 16, true},   {238, 16, false},
                {34, 25, false}, {0, 0, true},   {65535, 0, false}, {65535, 65535, false}};
    for (unsigned i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        start();
        peer_put(&peer.rings.tx_send, (struct ts_frame_slot){.offset = peer.data_start,
                                                             .length = i < 4 ? 255 : 60,
                                                             .flags = TS_FRAME_CHECKSUM,
                                                             .checksum_start = sums[i].start,
                                                             .checksum_offset = sums[i].offset});
        CHECK_EQUAL(peer_work(&card), sums[i].good ? FRAME_IDLE : FRAME_CLIENT_BROKE);
        const struct frame_to_send *frame = &chip.sending[0];
        CHECK(!sums[i].good || (frame->checksum && frame->checksum_start == sums[i].start &&
                                frame->checksum_offset == sums[i].offset));
        stop();
        start();
        card.information.features = 0;
        peer_put(&peer.rings.tx_send, (struct ts_frame_slot){.offset = peer.data_start,
                                                             .length = 60,
                                                             .flags = TS_FRAME_CHECKSUM,
                                                             .checksum_start = 34,
                                                             .checksum_offset = 16});
        CHECK_EQUAL(peer_work(&card), FRAME_CLIENT_BROKE);
        stop();
    }
}

static void test_client_noise(void)
{
    for (unsigned round = 0; round < 300; round++) {
        start();
        for (unsigned i = 0; i < 300; i++) {
            uint64_t limit = random_below(2) ? 1024 : peer.data_start;
            peer.memory[random_below(limit)] = (uint8_t)random_below(random_below(2) ? 4 : 256);
            bool ring;
            enum frame_outcome outcome = frame_card_work(&card, fake_now, &ring);
            CHECK(outcome != FRAME_CHIP_BROKE);
            if (outcome == FRAME_CLIENT_BROKE) {
                break;
            }
            unsigned token = (unsigned)random_below(TOKENS);
            if (chip.tx_used[token]) {
                chip.tx_used[token] = false;
                chip.sent_status = TS_OK;
                chip.sent = (uint16_t)token;
            }
            if (chip.rx_used[token]) {
                chip.rx_used[token] = false;
                chip.received_status = TS_OK;
                chip.received = (struct frame_received){.token = (uint16_t)token, .length = 60};
            }
        }
        stop();
    }
}

// ---- Chips that break the rules

// Everything is given back as failed, and it goes on.
static void check_recovers(unsigned out)
{
    CHECK_EQUAL(peer_work(&card), FRAME_CHIP_BROKE);
    CHECK_EQUAL(frame_card_restart(&card), TS_OK);
    CHECK_EQUAL(peer_work(&card), FRAME_IDLE);
    peer_collect();
    CHECK_EQUAL(peer.failed, out);
    CHECK_EQUAL(card.rx.in_hand + card.tx.in_hand, 0);
    CHECK_EQUAL(card.statistics.resets, 1);
    while (!peer.rx_out[0]) {
        peer_fill();
    }
    CHECK_EQUAL(peer_work(&card), FRAME_IDLE);
    CHECK(chip.rx_used[0]);
}

// One of each is out: both have token 0.
static void start_with_one(void)
{
    start();
    while (peer.tx_slots == 0) {
        peer_send();
    }
    peer_put(&peer.rings.rx_fill,
             (struct ts_frame_slot){.offset = peer_room(0), .length = PEER_ROOM});
    peer.rx_out[0] = true;
    CHECK_EQUAL(peer_work(&card), FRAME_IDLE);
}

static void test_chip_lies(void)
{
    static const uint16_t tokens[] = {1, TOKENS - 1, TOKENS, UINT16_MAX};
    static const uint32_t lengths[] = {PEER_ROOM + 1, 65535, 65536 + 60, UINT32_MAX};
    for (unsigned i = 0; i < 4; i++) {
        start_with_one();
        chip.sent_status = TS_OK;
        chip.sent = tokens[i];
        check_recovers(2);
        stop();
        start_with_one();
        chip.received_status = TS_OK;
        chip.received = (struct frame_received){.token = tokens[i], .length = 60};
        check_recovers(2);
        stop();
        start_with_one();
        chip.received_status = TS_OK;
        chip.received = (struct frame_received){.length = lengths[i]};
        check_recovers(2);
        stop();
    }
    start_with_one();
    chip.sent_status = TS_ERR_PROTOCOL;
    check_recovers(2);
    stop();
    start_with_one();
    chip.received_status = TS_ERR_PROTOCOL;
    check_recovers(2);
    stop();
}

// The same frame again, after it was given back.
static void test_twice(void)
{
    start_with_one();
    for (unsigned i = 0; i < 2; i++) {
        chip.sent_status = TS_OK;
        chip.sent = 0;
        CHECK_EQUAL(peer_work(&card), i == 0 ? FRAME_IDLE : FRAME_CHIP_BROKE);
    }
    stop();
}

static void test_runt(void)
{
    start_with_one();
    chip.received_status = TS_OK;
    chip.received = (struct frame_received){.length = 13, .flags = TS_FRAME_CHECKSUM_VALID};
    CHECK_EQUAL(peer_work(&card), FRAME_IDLE);
    peer_collect();
    CHECK_EQUAL(peer.failed, 1);
    CHECK_EQUAL(card.statistics.rx_errors, 1);
    stop();
}

static void test_silent(void)
{
    start_with_one();
    fake_now += INT64_C(4900000000);
    CHECK_EQUAL(peer_work(&card), FRAME_IDLE);
    fake_now += INT64_C(200000000);
    CHECK_EQUAL(peer_work(&card), FRAME_CHIP_BROKE);
    stop();
}

static void test_refusals(void)
{
    start();
    CHECK_EQUAL(frame_card_detach(&card), TS_OK);
    chip.refuses = true;
    CHECK_EQUAL(peer_attach_again(&card), TS_ERR_UNSUPPORTED);
    bool ring;
    CHECK_EQUAL(frame_card_work(&card, fake_now, &ring), FRAME_IDLE); // nobody is attached
    chip.refuses = false;
    CHECK_EQUAL(peer_attach_again(&card), TS_OK);
    chip.deaf = true;
    CHECK_EQUAL(frame_card_restart(&card), TS_ERR_IO);
    CHECK_EQUAL(frame_card_detach(&card), TS_ERR_IO);
    chip.deaf = false;
    stop();
}

// The chip says that something has come while it was asked to sleep.
static void test_not_asleep(void)
{
    bool ring;
    start();
    chip.asleep = false;
    CHECK_EQUAL(frame_card_work(&card, fake_now, &ring), FRAME_MORE);
    chip.asleep = true;
    CHECK_EQUAL(frame_card_work(&card, fake_now, &ring), FRAME_IDLE);
    CHECK(chip.kicks >= 2);
    stop();
}

static void test_link(void)
{
    start();
    const struct ts_frame_control *control = (const void *)peer.memory;
    CHECK_EQUAL(control->link, 1);
    CHECK(!frame_card_link_changed(&card));
    chip.link = false;
    CHECK(frame_card_link_changed(&card));
    CHECK_EQUAL(control->link, 0);
    chip.link = true; // during a reset, which takes the cause
    CHECK_EQUAL(frame_card_restart(&card), TS_OK);
    CHECK_EQUAL(control->link, 1);
    chip.link = false;
    CHECK_EQUAL(frame_card_restart(&card), TS_OK);
    CHECK_EQUAL(control->link, 0);
    stop();
    CHECK_EQUAL(card.information.link, 0);
}

static void test_geometry(void)
{
    const struct ts_frame_attach good = {1, 64, 64, 0, PEER_MEMORY};
    struct ts_frame_attach a = good;
    CHECK_EQUAL(frame_geometry(&a), TS_OK);
    a.version = 2;
    CHECK_EQUAL(frame_geometry(&a), TS_ERR_VERSION);
    static const struct ts_frame_attach bad[] = {
        {1, 63, 64, 0, PEER_MEMORY},     {1, 64, 8, 0, PEER_MEMORY},
        {1, 2048, 64, 0, PEER_MEMORY},   {1, 64, 64, 1, PEER_MEMORY},
        {1, 64, 64, 0, PEER_MEMORY + 1}, {1, 64, 64, 0, 8192},
        {1, 0, 64, 0, PEER_MEMORY},      {1, 64, 64, 0, 0},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQUAL(frame_geometry(&bad[i]), TS_ERR_ARGUMENT);
    }
    a = good;
    a.memory_size = TS_FRAME_MEMORY_MAX + 4096;
    CHECK_EQUAL(frame_geometry(&a), TS_ERR_TOO_LARGE);
}

int main(void)
{
    test_geometry();
    test_traffic();
    test_bad_slots();
    test_bad_indices();
    test_too_many();
    test_checksum();
    test_client_noise();
    test_chip_lies();
    test_twice();
    test_runt();
    test_silent();
    test_refusals();
    test_not_asleep();
    test_link();
    free(peer.memory);
    return 0;
}
