// SPDX-License-Identifier: MIT
// The network driver between a client and a device, each of them good and bad.
#include "tests/host/check.h"
#include "fake_device.h"
#include "net.h"

#include <string.h>

#define ENTRIES 64u
#define PAGES   80u // of the client's memory
#define MEMORY  (PAGES * 4096u)

static struct fake_device device;
static struct virtio_device transport = {.registers = &fake_registers, .context = &device};
static struct net net;
static uint8_t *memory;
static uint32_t data_start;
static struct ts_frame_client client;

static void device_fresh(void)
{
    static const uint8_t mac[6] = {2, 0, 0, 1, 2, 3};
    device = (struct fake_device){.offered = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | 1u << 0 |
                                             1u << 1 | 1u << 5 | 1u << 16,
                                  .sizes = {256, 256}};
    memcpy(device.configuration, mac, sizeof(mac));
    device.configuration[NET_CONFIG_STATUS] = 1;
}

static ts_status_t attach(void)
{
    struct ts_frame_attach attach = {.version = TS_FRAME_VERSION,
                                     .rx_entries = ENTRIES,
                                     .tx_entries = ENTRIES,
                                     .memory_size = MEMORY};
    CHECK_EQUAL(net_geometry(&attach), TS_OK);
    data_start = ts_frame_data_start(ENTRIES, ENTRIES);
    ts_frame_client_init(&client, memory, ENTRIES, ENTRIES);
    static uint64_t bus[PAGES];
    for (uint32_t at = data_start; at < MEMORY; at += 4096) {
        bus[(at - data_start) / 4096] =
            (uint64_t)(uintptr_t)(memory + at) | (at & 4096 ? FAKE_ODD_PAGE : 0);
    }
    struct net_memory given = {memory, MEMORY, data_start, bus};
    return net_attach(&net, &given, &attach);
}

static void start(void)
{
    device_fresh();
    memset(memory, 0, MEMORY);
    CHECK_EQUAL(net_init(&net, &transport, TS_HANDLE_NONE, 0, 1), TS_OK);
    CHECK_EQUAL(device.status, 0);
    CHECK_EQUAL(attach(), TS_OK);
    CHECK(device.status & VIRTIO_DRIVER_OK);
}

static void stop(void)
{
    device.deaf = device.fails = false;
    CHECK_EQUAL(net_detach(&net), TS_OK);
    CHECK_EQUAL(device.status, 0);
    net_fini(&net);
}

static enum net_outcome work(void)
{
    bool ring;
    enum net_outcome outcome;
    do {
        outcome = net_work(&net, fake_now, &ring);
    } while (outcome == NET_MORE);
    return outcome;
}

static bool part_in_data(const uint8_t *bytes, uint32_t length)
{
    uintptr_t at = (uintptr_t)bytes, base = (uintptr_t)memory;
    return at >= base + data_start && at + length <= base + MEMORY &&
           at / 4096 == (at + length - 1) / 4096;
}

// The device sends: gathers a frame behind its header.
static uint32_t transmit(const struct fake_chain *chain, uint8_t *frame)
{
    uint32_t length = 0;
    CHECK(chain->count >= 2 && chain->parts[0].length == sizeof(struct net_header));
    for (unsigned i = 1; i < chain->count; i++) {
        CHECK(!chain->parts[i].writable);
        CHECK(part_in_data(chain->parts[i].bytes, chain->parts[i].length));
        memcpy(frame + length, chain->parts[i].bytes, chain->parts[i].length);
        length += chain->parts[i].length;
        CHECK(length <= TS_FRAME_LENGTH_MAX);
    }
    return length;
}

// ---- Traffic of well-behaved peers

static uint32_t tx_pieces[ENTRIES], tx_seed[ENTRIES]; // outstanding, by id
static bool tx_out[ENTRIES], rx_out[ENTRIES];
static unsigned tx_slots;

static uint8_t pattern(uint32_t seed, uint32_t i)
{
    return (uint8_t)(seed * 31 + i * 7);
}

// Sends a frame of 1 to 8 pieces; each id has a place of its own that crosses a page.
static void client_send(void)
{
    uint32_t id = random_below(ENTRIES), pieces = 1 + random_below(TS_FRAME_SEGMENTS);
    if (tx_out[id] || tx_slots + pieces > ENTRIES) {
        return;
    }
    uint32_t length = 60 + random_below(TS_FRAME_LENGTH_MAX - 59), done = 0;
    // Lower half of the data area; every other frame crosses a page.
    uint32_t offset = data_start + 1000 + id * 2048 + random_below(64);
    tx_seed[id] = random_below(1000) << 12 | length;
    for (uint32_t i = 0; i < length; i++) {
        memory[offset + i] = pattern(tx_seed[id], i);
    }
    memcpy(memory + offset, &id, 4);
    for (uint32_t p = 0; p < pieces; p++) {
        uint32_t piece = p + 1 == pieces ? length - done : length / pieces;
        struct ts_frame_slot slot = {.offset = offset + done,
                                     .length = (uint16_t)piece,
                                     .flags = p + 1 == pieces ? 0 : TS_FRAME_MORE,
                                     .id = p == 0 ? id : 999};
        ts_frame_put(&client.tx_send, &slot);
        done += piece;
    }
    tx_out[id] = true;
    tx_pieces[id] = pieces;
    tx_slots += pieces;
    (void)ts_frame_publish(&client.tx_send);
}

static uint32_t rx_room(uint32_t id)
{
    return data_start + (34 + id / 2) * 4096 + (id % 2) * 2048;
}

static void client_fill(void)
{
    uint32_t id = random_below(ENTRIES);
    if (rx_out[id]) {
        return;
    }
    struct ts_frame_slot slot = {.offset = rx_room(id), .length = 2048, .id = id};
    rx_out[id] = true;
    ts_frame_put(&client.rx_fill, &slot);
    (void)ts_frame_publish(&client.rx_fill);
}

static unsigned received, sent, failed;

static void client_collect(void)
{
    struct ts_frame_slot slot;
    int32_t count = ts_frame_available(&client.tx_done);
    CHECK(count >= 0);
    while (count-- > 0) {
        ts_frame_take(&client.tx_done, &slot);
        CHECK(slot.id < ENTRIES && tx_out[slot.id]);
        tx_out[slot.id] = false;
        tx_slots -= tx_pieces[slot.id];
        failed += slot.flags == TS_FRAME_FAILED;
    }
    ts_frame_release(&client.tx_done);
    count = ts_frame_available(&client.rx_done);
    CHECK(count >= 0);
    while (count-- > 0) {
        ts_frame_take(&client.rx_done, &slot);
        CHECK(slot.id < ENTRIES && rx_out[slot.id]);
        rx_out[slot.id] = false;
        if (slot.flags & TS_FRAME_FAILED) {
            failed++;
            continue;
        }
        for (uint32_t i = 0; i < slot.length; i++) {
            CHECK(memory[rx_room(slot.id) + i] == pattern(slot.length, i));
        }
        received++;
    }
    ts_frame_release(&client.rx_done);
}

static struct fake_chain held_tx[256], held_rx[256];
static unsigned tx_held, rx_held;

static void device_step(void)
{
    uint8_t frame[TS_FRAME_LENGTH_MAX];
    while (fake_pop(&device, 1, &held_tx[tx_held])) {
        uint32_t id, length = transmit(&held_tx[tx_held], frame);
        memcpy(&id, frame, 4);
        CHECK(id < ENTRIES && tx_out[id] && (tx_seed[id] & 0xfff) == length);
        for (uint32_t i = 4; i < length; i++) {
            CHECK(frame[i] == pattern(tx_seed[id], i));
        }
        tx_held++;
        sent++;
    }
    while (fake_pop(&device, 0, &held_rx[rx_held])) {
        CHECK_EQUAL(held_rx[rx_held].count, 2);
        CHECK(part_in_data(held_rx[rx_held].parts[1].bytes, 2048));
        rx_held++;
    }
    if (tx_held > 0 && random_below(2)) {
        unsigned pick = random_below(tx_held); // in any order
        fake_push(&device, 1, held_tx[pick].head, 0);
        held_tx[pick] = held_tx[--tx_held];
    }
    if (rx_held > 0 && random_below(2)) {
        unsigned pick = random_below(rx_held);
        uint32_t length = TS_FRAME_LENGTH_MIN + random_below(1500);
        memset(held_rx[pick].parts[0].bytes, 0, 12);
        for (uint32_t i = 0; i < length; i++) {
            held_rx[pick].parts[1].bytes[i] = pattern(length, i);
        }
        fake_push(&device, 0, held_rx[pick].head, 12 + length);
        held_rx[pick] = held_rx[--rx_held];
    }
}

static void forget(void)
{
    memset(tx_out, 0, sizeof(tx_out));
    memset(rx_out, 0, sizeof(rx_out));
    tx_slots = tx_held = rx_held = 0;
    received = sent = failed = 0;
}

static void test_traffic(uint16_t queue_size)
{
    start();
    stop();
    device_fresh();
    device.sizes[0] = device.sizes[1] = queue_size;
    CHECK_EQUAL(net_init(&net, &transport, TS_HANDLE_NONE, 0, 1), TS_OK);
    CHECK_EQUAL(attach(), TS_OK);
    forget();
    for (unsigned round = 0; round < 200000; round++) {
        switch (random_below(5)) {
        case 0: client_send(); break;
        case 1: client_fill(); break;
        case 2: client_collect(); break;
        case 3: device_step(); break;
        default: CHECK_EQUAL(work(), NET_IDLE); break;
        }
    }
    CHECK(sent > 5000 && received > 5000 && failed == 0);
    CHECK_EQUAL(net.statistics.tx_frames, sent);
    stop();
}

// Asleep, each side's news makes the other ring.
static void test_doorbells(void)
{
    start();
    forget();
    bool ring;
    CHECK_EQUAL(work(), NET_IDLE);
    uint8_t *frame = memory + data_start;
    memset(frame, 1, 60);
    struct ts_frame_slot slot = {.offset = data_start, .length = 60, .id = 1};
    ts_frame_put(&client.tx_send, &slot);
    CHECK(ts_frame_publish(&client.tx_send));
    ts_frame_put(&client.tx_send, &slot);
    CHECK(!ts_frame_publish(&client.tx_send)); // it was rung already
    CHECK(ts_frame_sleep(&client.tx_done, 1));
    CHECK_EQUAL(net_work(&net, fake_now, &ring), NET_IDLE);
    CHECK(!ring);
    CHECK_EQUAL(device.notified[1], 1);
    struct fake_chain chain;
    CHECK(fake_pop(&device, 1, &chain));
    CHECK(!fake_push(&device, 1, chain.head, 0)); // sent frames interrupt late
    CHECK_EQUAL(net_work(&net, fake_now, &ring), NET_IDLE);
    CHECK(ring);
    slot = (struct ts_frame_slot){.offset = data_start + 4096, .length = 2048, .id = 2};
    ts_frame_put(&client.rx_fill, &slot);
    CHECK(ts_frame_publish(&client.rx_fill)); // the device has no room
    CHECK_EQUAL(work(), NET_IDLE);
    CHECK(fake_pop(&device, 0, &chain));
    CHECK(fake_push(&device, 0, chain.head, 12 + 60)); // a frame interrupts at once
    CHECK(ts_frame_sleep(&client.rx_done, 1));
    CHECK_EQUAL(net_work(&net, fake_now, &ring), NET_IDLE);
    CHECK(ring);
    stop();
}

static void test_checksum(void)
{
    start();
    struct fake_chain chain;
    struct ts_frame_slot slot = {.offset = data_start,
                                 .length = 60,
                                 .id = 1,
                                 .flags = TS_FRAME_CHECKSUM,
                                 .checksum_start = 34,
                                 .checksum_offset = 16};
    ts_frame_put(&client.tx_send, &slot);
    (void)ts_frame_publish(&client.tx_send);
    CHECK_EQUAL(work(), NET_IDLE);
    CHECK(fake_pop(&device, 1, &chain));
    const struct net_header *header = (const void *)chain.parts[0].bytes;
    CHECK(header->flags == 1 && header->checksum_start == 34 && header->checksum_offset == 16);
    slot.checksum_offset = 25; // beyond the end
    ts_frame_put(&client.tx_send, &slot);
    (void)ts_frame_publish(&client.tx_send);
    CHECK_EQUAL(work(), NET_CLIENT_BROKE);
    stop();
}

// ---- Clients that break the rules

static void test_bad_slots(void)
{
    uint32_t end = MEMORY;
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
        struct ts_frame_producer *to = bad[i].fill ? &client.rx_fill : &client.tx_send;
        ts_frame_put(to, &bad[i].slot);
        (void)ts_frame_publish(to);
        CHECK_EQUAL(work(), NET_CLIENT_BROKE);
        stop();
    }
}

static void test_bad_indices(void)
{
    static const uint32_t tails[] = {ENTRIES + 1, UINT32_MAX, 0x80000000};
    static const uint32_t heads[] = {1, ENTRIES, 0x80000000}; // of a ring that is empty
    struct ts_frame_control *control;
    for (unsigned i = 0; i < 3; i++) {
        start();
        control = (void *)memory;
        control->tx_send.tail = tails[i];
        CHECK_EQUAL(work(), NET_CLIENT_BROKE);
        stop();
        start();
        control->rx_fill.tail = tails[i];
        CHECK_EQUAL(work(), NET_CLIENT_BROKE);
        stop();
        start();
        control->rx_done.head = heads[i];
        CHECK_EQUAL(work(), NET_CLIENT_BROKE);
        stop();
    }
}

// More rooms than entries: the ring would overflow.
static void test_too_many(void)
{
    start();
    for (unsigned i = 0; i < ENTRIES + 1; i++) {
        struct ts_frame_slot slot = {.offset = rx_room(0), .length = 2048, .id = i};
        ts_frame_put(&client.rx_fill, &slot);
        (void)ts_frame_publish(&client.rx_fill);
        CHECK_EQUAL(work(), i < ENTRIES ? NET_IDLE : NET_CLIENT_BROKE);
    }
    stop();
}

static void test_client_noise(void)
{
    for (unsigned round = 0; round < 300; round++) {
        start();
        forget();
        for (unsigned i = 0; i < 300; i++) {
            uint32_t limit = random_below(2) ? 1024 : data_start;
            memory[random_below(limit)] = (uint8_t)random_below(random_below(2) ? 4 : 256);
            bool ring;
            enum net_outcome outcome = net_work(&net, fake_now, &ring);
            if (outcome == NET_CLIENT_BROKE) {
                break;
            }
            CHECK(outcome != NET_DEVICE_BROKE);
            struct fake_chain chain;
            while (fake_pop(&device, 1, &chain)) {
                uint8_t frame[TS_FRAME_LENGTH_MAX];
                transmit(&chain, frame);
                fake_push(&device, 1, chain.head, 0);
            }
            while (fake_pop(&device, 0, &chain)) {
                CHECK(part_in_data(chain.parts[1].bytes, chain.parts[1].length));
                fake_push(&device, 0, chain.head, 12 + 60);
            }
        }
        stop();
    }
}

// ---- Devices that break the rules

static void test_device_lies(void)
{
    static const struct {
        uint32_t id, length;
    } lies[] = {{255, 72}, {256, 72}, {UINT32_MAX, 72}, {0, 12 + 2049}, {0, UINT32_MAX}};
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        start();
        forget();
        client_fill();
        client_send();
        CHECK_EQUAL(work(), NET_IDLE);
        unsigned out = (unsigned)net.rx.in_hand + (net.tx.in_hand > 0);
        fake_push(&device, 0, lies[i].id, lies[i].length);
        CHECK_EQUAL(work(), NET_DEVICE_BROKE);
        CHECK_EQUAL(net_restart(&net), TS_OK);
        CHECK_EQUAL(work(), NET_IDLE);
        client_collect();
        CHECK_EQUAL(failed, out);
        CHECK_EQUAL(net.rx.in_hand + net.tx.in_hand, 0);
        CHECK_EQUAL(net.statistics.resets, 1);
        client_fill(); // and it goes on
        CHECK_EQUAL(work(), NET_IDLE);
        struct fake_chain chain;
        CHECK(fake_pop(&device, 0, &chain));
        stop();
    }
}

static void test_runt(void)
{
    start();
    forget();
    while (!rx_out[0]) {
        client_fill();
    }
    CHECK_EQUAL(work(), NET_IDLE);
    struct fake_chain chain;
    CHECK(fake_pop(&device, 0, &chain));
    fake_push(&device, 0, chain.head, 13);
    CHECK_EQUAL(work(), NET_IDLE);
    client_collect();
    CHECK_EQUAL(failed, 1);
    CHECK_EQUAL(net.statistics.rx_errors, 1);
    stop();
}

static void test_silent_device(void)
{
    start();
    forget();
    while (tx_slots == 0) {
        client_send();
    }
    CHECK_EQUAL(work(), NET_IDLE);
    fake_now += INT64_C(4900000000);
    CHECK_EQUAL(work(), NET_IDLE);
    fake_now += INT64_C(200000000);
    CHECK_EQUAL(work(), NET_DEVICE_BROKE);
    stop();
}

static void test_refusals(void)
{
    device_fresh();
    device.status = 7;
    device.deaf = true;
    CHECK_EQUAL(net_init(&net, &transport, TS_HANDLE_NONE, 0, 1), TS_ERR_IO);
    device_fresh();
    device.offered &= ~VIRTIO_F_VERSION_1;
    CHECK_EQUAL(net_init(&net, &transport, TS_HANDLE_NONE, 0, 1), TS_ERR_UNSUPPORTED);
    device_fresh();
    device.refuses = true;
    CHECK_EQUAL(net_init(&net, &transport, TS_HANDLE_NONE, 0, 1), TS_ERR_UNSUPPORTED);
    device_fresh();
    device.refuses_vectors = true;
    CHECK_EQUAL(net_init(&net, &transport, TS_HANDLE_NONE, 0, 1), TS_ERR_IO);
    device_fresh();
    device.sizes[1] = 0;
    CHECK_EQUAL(net_init(&net, &transport, TS_HANDLE_NONE, 0, 1), TS_ERR_NOT_FOUND);
    device_fresh();
    device.sizes[0] = 16;
    CHECK_EQUAL(net_init(&net, &transport, TS_HANDLE_NONE, 0, 1), TS_ERR_UNSUPPORTED);
    device_fresh();
    device.fidgets = true;
    CHECK_EQUAL(net_init(&net, &transport, TS_HANDLE_NONE, 0, 1), TS_ERR_IO);
    start();
    CHECK_EQUAL(net_detach(&net), TS_OK);
    device.fails = true; // from then on
    CHECK_EQUAL(attach(), TS_ERR_IO);
    stop();
    start();
    device.deaf = true;
    CHECK_EQUAL(net_detach(&net), TS_ERR_IO);
    device.deaf = false;
    stop();
}

static void test_link(void)
{
    start();
    const struct ts_frame_control *control = (const void *)memory;
    CHECK_EQUAL(control->link, 1);
    CHECK(!net_link_changed(&net));
    device.configuration[NET_CONFIG_STATUS] = 0;
    CHECK(net_link_changed(&net));
    CHECK_EQUAL(control->link, 0);
    stop();
}

static void test_geometry(void)
{
    const struct ts_frame_attach good = {1, 64, 64, 0, MEMORY};
    struct ts_frame_attach a = good;
    CHECK_EQUAL(net_geometry(&a), TS_OK);
    a.version = 2;
    CHECK_EQUAL(net_geometry(&a), TS_ERR_VERSION);
    static const struct ts_frame_attach bad[] = {
        {1, 63, 64, 0, MEMORY}, {1, 64, 8, 0, MEMORY},      {1, 2048, 64, 0, MEMORY},
        {1, 64, 64, 1, MEMORY}, {1, 64, 64, 0, MEMORY + 1}, {1, 64, 64, 0, 8192},
        {1, 0, 64, 0, MEMORY},  {1, 64, 64, 0, 0},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQUAL(net_geometry(&bad[i]), TS_ERR_ARGUMENT);
    }
    a = good;
    a.memory_size = TS_FRAME_MEMORY_MAX + 4096;
    CHECK_EQUAL(net_geometry(&a), TS_ERR_TOO_LARGE);
}

int main(void)
{
    memory = aligned_alloc(4096, MEMORY);
    CHECK(memory);
    data_start = ts_frame_data_start(ENTRIES, ENTRIES);
    test_geometry();
    test_traffic(256);
    test_traffic(32);
    test_doorbells();
    test_checksum();
    test_bad_slots();
    test_bad_indices();
    test_too_many();
    test_client_noise();
    test_device_lies();
    test_runt();
    test_silent_device();
    test_refusals();
    test_link();
    free(memory);
    return 0;
}
