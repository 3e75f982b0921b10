// SPDX-License-Identifier: MIT
// The network card's chip that is a virtio device: good and bad ones.
#include "fake_device.h"
#include "frame_peer.h"
#include "net.h"

#include "tests/host/check.h"

#include <string.h>

static struct fake_device device;
static struct virtio_device transport = {.registers = &fake_registers, .context = &device};
static const struct net_interrupts interrupts = {
    .queue_vector = 0, .change_vector = 1, .own_change = true};
static struct net net;

static void device_fresh(void)
{
    static const uint8_t mac[6] = {2, 0, 0, 1, 2, 3};
    device =
        (struct fake_device){.offered = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | NET_F_CHECKSUM |
                                        NET_F_GUEST_CHECKSUM | NET_F_MAC | NET_F_STATUS,
                             .sizes = {256, 256}};
    memcpy(device.configuration, mac, sizeof(mac));
    device.configuration[NET_CONFIG_STATUS] = 1;
}

static ts_status_t init(void)
{
    return net_init(&net, &transport, TS_HANDLE_NONE, &interrupts);
}

static void start(void)
{
    CHECK_EQUAL(init(), TS_OK);
    CHECK_EQUAL(device.status, 0);
    CHECK_EQUAL(peer_attach(&net.card), TS_OK);
    CHECK(device.status & VIRTIO_DRIVER_OK);
}

static void start_fresh(void)
{
    device_fresh();
    start();
}

static void stop(void)
{
    device.deaf = device.fails = false;
    CHECK_EQUAL(frame_card_detach(&net.card), TS_OK);
    CHECK_EQUAL(device.status, 0);
    net_fini(&net);
}

static uint32_t header_size(void)
{
    return transport.legacy ? 10 : 12;
}

// The device sends: gathers a frame behind its header.
static uint32_t transmit(const struct fake_chain *chain, uint8_t *frame)
{
    uint32_t length = 0;
    CHECK(chain->count >= 2 && chain->parts[0].length == header_size());
    for (unsigned i = 1; i < chain->count; i++) {
        CHECK(!chain->parts[i].writable);
        CHECK(peer_owns(chain->parts[i].bytes, chain->parts[i].length));
        memcpy(frame + length, chain->parts[i].bytes, chain->parts[i].length);
        length += chain->parts[i].length;
        CHECK(length <= TS_FRAME_LENGTH_MAX);
    }
    return length;
}

static struct fake_chain held_tx[256], held_rx[256];
static unsigned tx_held, rx_held;

static void device_step(void)
{
    uint8_t frame[TS_FRAME_LENGTH_MAX];
    while (fake_pop(&device, 1, &held_tx[tx_held])) {
        peer_check_sent(frame, transmit(&held_tx[tx_held++], frame));
    }
    while (fake_pop(&device, 0, &held_rx[rx_held])) {
        CHECK_EQUAL(held_rx[rx_held].count, 2);
        CHECK_EQUAL(held_rx[rx_held].parts[0].length, header_size());
        CHECK(peer_owns(held_rx[rx_held].parts[1].bytes, 2048));
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
        memset(held_rx[pick].parts[0].bytes, 0, header_size());
        peer_pattern(held_rx[pick].parts[1].bytes, length);
        fake_push(&device, 0, held_rx[pick].head, header_size() + length);
        held_rx[pick] = held_rx[--rx_held];
    }
}

static void pass_traffic(void)
{
    tx_held = rx_held = 0;
    for (unsigned round = 0; round < 200000; round++) {
        switch (random_below(5)) {
        case 0: peer_send(); break;
        case 1: peer_fill(); break;
        case 2: peer_collect(); break;
        case 3: device_step(); break;
        default: CHECK_EQUAL(peer_work(&net.card), FRAME_IDLE); break;
        }
    }
    for (unsigned i = 0; i < PEER_ENTRIES; i++) { // what is left
        device_step();
        CHECK_EQUAL(peer_work(&net.card), FRAME_IDLE);
    }
    CHECK(peer.sent > 5000 && peer.received > 5000 && peer.failed == 0);
    CHECK_EQUAL(net.card.statistics.tx_frames, peer.sent);
    stop();
}

static void test_traffic(uint16_t queue_size)
{
    device_fresh();
    device.sizes[0] = device.sizes[1] = queue_size;
    start();
    pass_traffic();
}

// From before version 1: it has no word on features, its queues are as long as it says, with parts
// where it looks for them, and its header is shorter.
static void test_legacy(void)
{
    static const uint16_t bad[] = {300, 2048, 16};
    transport.legacy = true;
    device_fresh();
    device.offered &= UINT32_MAX;
    device.sizes[0] = 512;
    device.sizes[1] = 64;
    start();
    CHECK_EQUAL(device.status & VIRTIO_FEATURES_OK, 0);
    CHECK_EQUAL(device.accepted, device.offered);
    for (unsigned i = 0; i < 2; i++) {
        const struct fake_queue *q = &device.queues[i];
        CHECK_EQUAL(q->size, device.sizes[i]);
        CHECK_EQUAL(q->at.available - q->at.descriptors, 16u * q->size);
        CHECK(q->at.descriptors % 4096 == 0 && q->at.used % 4096 == 0);
        CHECK(q->at.used - q->at.available < 4096 + 6 + 2u * q->size);
    }
    pass_traffic();
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        device_fresh();
        device.sizes[1] = bad[i];
        CHECK_EQUAL(init(), TS_ERR_UNSUPPORTED);
    }
    transport.legacy = false;
}

// Asleep, each side's news makes the other ring.
static void test_doorbells(void)
{
    start_fresh();
    bool ring;
    CHECK_EQUAL(peer_work(&net.card), FRAME_IDLE);
    uint8_t *frame = peer.memory + peer.data_start;
    memset(frame, 1, 60);
    struct ts_frame_slot slot = {.offset = peer.data_start, .length = 60, .id = 1};
    ts_frame_put(&peer.rings.tx_send, &slot);
    CHECK(ts_frame_publish(&peer.rings.tx_send));
    ts_frame_put(&peer.rings.tx_send, &slot);
    CHECK(!ts_frame_publish(&peer.rings.tx_send)); // it was rung already
    CHECK(ts_frame_sleep(&peer.rings.tx_done, 1));
    CHECK_EQUAL(frame_card_work(&net.card, fake_now, &ring), FRAME_IDLE);
    CHECK(!ring);
    CHECK_EQUAL(device.notified[1], 1);
    struct fake_chain chain;
    CHECK(fake_pop(&device, 1, &chain));
    CHECK(!fake_push(&device, 1, chain.head, 0)); // sent frames interrupt late
    CHECK_EQUAL(frame_card_work(&net.card, fake_now, &ring), FRAME_IDLE);
    CHECK(ring);
    slot = (struct ts_frame_slot){.offset = peer.data_start + 4096, .length = 2048, .id = 2};
    ts_frame_put(&peer.rings.rx_fill, &slot);
    CHECK(ts_frame_publish(&peer.rings.rx_fill)); // the device has no room
    CHECK_EQUAL(peer_work(&net.card), FRAME_IDLE);
    CHECK(fake_pop(&device, 0, &chain));
    CHECK(fake_push(&device, 0, chain.head, 12 + 60)); // a frame interrupts at once
    CHECK(ts_frame_sleep(&peer.rings.rx_done, 1));
    CHECK_EQUAL(frame_card_work(&net.card, fake_now, &ring), FRAME_IDLE);
    CHECK(ring);
    stop();
}

static void test_checksum(void)
{
    start_fresh();
    struct fake_chain chain;
    struct ts_frame_slot slot = {.offset = peer.data_start,
                                 .length = 60,
                                 .id = 1,
                                 .flags = TS_FRAME_CHECKSUM,
                                 .checksum_start = 34,
                                 .checksum_offset = 16};
    ts_frame_put(&peer.rings.tx_send, &slot);
    (void)ts_frame_publish(&peer.rings.tx_send);
    CHECK_EQUAL(peer_work(&net.card), FRAME_IDLE);
    CHECK(fake_pop(&device, 1, &chain));
    const struct net_header *header = (const void *)chain.parts[0].bytes;
    CHECK(header->flags == 1 && header->checksum_start == 34 && header->checksum_offset == 16);
    slot.checksum_offset = 25; // beyond the end
    ts_frame_put(&peer.rings.tx_send, &slot);
    (void)ts_frame_publish(&peer.rings.tx_send);
    CHECK_EQUAL(peer_work(&net.card), FRAME_CLIENT_BROKE);
    stop();
}

// ---- Devices that break the rules

static void test_device_lies(void)
{
    static const struct {
        uint32_t id, length;
    } lies[] = {{255, 72}, {256, 72}, {UINT32_MAX, 72}, {0, 12 + 2049}, {0, UINT32_MAX}};
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        start_fresh();
        peer_fill();
        peer_send();
        CHECK_EQUAL(peer_work(&net.card), FRAME_IDLE);
        unsigned out = (unsigned)net.card.rx.in_hand + (net.card.tx.in_hand > 0);
        fake_push(&device, 0, lies[i].id, lies[i].length);
        CHECK_EQUAL(peer_work(&net.card), FRAME_CHIP_BROKE);
        CHECK_EQUAL(frame_card_restart(&net.card), TS_OK);
        CHECK_EQUAL(peer_work(&net.card), FRAME_IDLE);
        peer_collect();
        CHECK_EQUAL(peer.failed, out);
        CHECK_EQUAL(net.card.rx.in_hand + net.card.tx.in_hand, 0);
        CHECK_EQUAL(net.card.statistics.resets, 1);
        peer_fill(); // and it goes on
        CHECK_EQUAL(peer_work(&net.card), FRAME_IDLE);
        struct fake_chain chain;
        CHECK(fake_pop(&device, 0, &chain));
        stop();
    }
}

static void test_runt(void)
{
    start_fresh();
    while (!peer.rx_out[0]) {
        peer_fill();
    }
    CHECK_EQUAL(peer_work(&net.card), FRAME_IDLE);
    struct fake_chain chain;
    CHECK(fake_pop(&device, 0, &chain));
    fake_push(&device, 0, chain.head, 13);
    CHECK_EQUAL(peer_work(&net.card), FRAME_IDLE);
    peer_collect();
    CHECK_EQUAL(peer.failed, 1);
    CHECK_EQUAL(net.card.statistics.rx_errors, 1);
    stop();
}

static void test_silent_device(void)
{
    start_fresh();
    while (peer.tx_slots == 0) {
        peer_send();
    }
    CHECK_EQUAL(peer_work(&net.card), FRAME_IDLE);
    fake_now += INT64_C(4900000000);
    CHECK_EQUAL(peer_work(&net.card), FRAME_IDLE);
    fake_now += INT64_C(200000000);
    CHECK_EQUAL(peer_work(&net.card), FRAME_CHIP_BROKE);
    stop();
}

static void test_refusals(void)
{
    device_fresh();
    device.status = 7;
    device.deaf = true;
    CHECK_EQUAL(init(), TS_ERR_IO);
    device_fresh();
    device.offered &= ~VIRTIO_F_VERSION_1;
    CHECK_EQUAL(init(), TS_ERR_UNSUPPORTED);
    device_fresh();
    device.refuses = true;
    CHECK_EQUAL(init(), TS_ERR_UNSUPPORTED);
    device_fresh();
    device.refuses_vectors = true;
    CHECK_EQUAL(init(), TS_ERR_IO);
    device_fresh();
    device.sizes[1] = 0;
    CHECK_EQUAL(init(), TS_ERR_NOT_FOUND);
    device_fresh();
    device.sizes[0] = 16;
    CHECK_EQUAL(init(), TS_ERR_UNSUPPORTED);
    device_fresh();
    device.fidgets = true;
    CHECK_EQUAL(init(), TS_ERR_IO);
    start_fresh();
    CHECK_EQUAL(frame_card_detach(&net.card), TS_OK);
    device.fails = true; // from then on
    CHECK_EQUAL(peer_attach_again(&net.card), TS_ERR_IO);
    stop();
    start_fresh();
    device.deaf = true;
    CHECK_EQUAL(frame_card_detach(&net.card), TS_ERR_IO);
    device.deaf = false;
    stop();
}

static void test_link(void)
{
    start_fresh();
    const struct ts_frame_control *control = (const void *)peer.memory;
    CHECK_EQUAL(control->link, 1);
    device.configuration[NET_CONFIG_STATUS] = 0;
    CHECK_EQUAL(frame_chip.interrupted(&net, 0), FRAME_CAUSE_WORK);
    CHECK_EQUAL(frame_chip.interrupted(&net, 1), FRAME_CAUSE_LINK);
    CHECK(frame_card_link_changed(&net.card));
    CHECK_EQUAL(control->link, 0);
    device.fails = true;
    CHECK_EQUAL(frame_chip.interrupted(&net, 1), FRAME_CAUSE_LINK | FRAME_CAUSE_LOST);
    stop();
}

int main(void)
{
    test_traffic(256);
    test_traffic(32);
    test_legacy();
    test_doorbells();
    test_checksum();
    test_device_lies();
    test_runt();
    test_silent_device();
    test_refusals();
    test_link();
    free(peer.memory);
    return 0;
}
