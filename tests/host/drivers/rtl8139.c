// SPDX-License-Identifier: MIT
// The network card's chip that is an RTL8139: good and bad ones.
#include "fake_rtl8139.h"
#include "frame_peer.h"

#include "tests/host/check.h"

#include <string.h>
#include <tessera/lib/clock.h>

#define GOOD(length) (((length) + RTL8139_RX_CRC) << 16 | RTL8139_RX_OK)

static struct fake_rtl8139 chip;
static struct rtl8139 rtl8139;

static void start(void)
{
    fake_rtl8139_init(&chip);
    CHECK_EQUAL(rtl8139_identify(&rtl8139, &fake_rtl8139_registers, &chip), TS_OK);
    CHECK_EQUAL(chip.registers[RTL8139_CR], 0); // firmware's is off
    CHECK_EQUAL(fake_rtl8139_get(&chip, RTL8139_IMR, 2), 0);
    CHECK_EQUAL(rtl8139_init(&rtl8139, TS_HANDLE_NONE), TS_OK);
    CHECK_EQUAL(peer_attach(&rtl8139.card), TS_OK);
}

static void stop(void)
{
    chip.deaf = chip.busy = chip.gone = false;
    CHECK_EQUAL(frame_card_detach(&rtl8139.card), TS_OK);
    CHECK_EQUAL(chip.registers[RTL8139_CR], 0);
    CHECK_EQUAL(fake_rtl8139_get(&chip, RTL8139_IMR, 2), 0);
    rtl8139_fini(&rtl8139);
}

static enum frame_outcome work(void)
{
    return peer_work(&rtl8139.card);
}

static bool device_sends(void)
{
    uint32_t length;
    const uint8_t *frame = fake_rtl8139_send(&chip, RTL8139_TSD_SENT, &length);
    if (frame == NULL) {
        return false;
    }
    peer_check_sent(frame, length);
    return true;
}

static bool device_receives(uint32_t length)
{
    uint8_t frame[2048];
    peer_pattern(frame, length);
    return fake_rtl8139_receive(&chip, GOOD(length), frame, length);
}

// The ring's end comes by some hundred times, at any place of a frame.
static void test_traffic(void)
{
    start();
    unsigned given = 0;
    for (unsigned round = 0; round < 200000; round++) {
        switch (random_below(6)) {
        case 0: peer_send(); break;
        case 1: peer_fill(); break;
        case 2: peer_collect(); break;
        case 3: (void)device_sends(); break;
        case 4: given += device_receives(14 + (uint32_t)random_below(1505)); break;
        default: CHECK_EQUAL(work(), FRAME_IDLE); break;
        }
    }
    CHECK(peer.sent > 5000 && peer.received > 5000 && peer.failed == 0);
    CHECK_EQUAL(work(), FRAME_IDLE);
    while (device_sends()) {
        CHECK_EQUAL(work(), FRAME_IDLE);
    }
    CHECK_EQUAL(rtl8139.card.statistics.tx_frames, peer.sent);
    for (unsigned i = 0; i < 10000; i++) { // what waits in the ring comes with its room
        peer_fill();
        CHECK_EQUAL(work(), FRAME_IDLE);
        peer_collect();
    }
    CHECK_EQUAL(peer.received, given);
    stop();
}

// ---- What the chip is told

static void test_start(void)
{
    start();
    uint32_t receive = fake_rtl8139_get(&chip, RTL8139_RCR, 4);
    CHECK(!(receive & RTL8139_RCR_PROMISCUOUS));
    CHECK_EQUAL(receive & 0xe, 0xe); // its own, groups, all
    CHECK_EQUAL(fake_rtl8139_get(&chip, RTL8139_MAR, 4), UINT32_MAX);
    CHECK_EQUAL(fake_rtl8139_get(&chip, RTL8139_MAR + 4, 4), UINT32_MAX);
    CHECK(memcmp(rtl8139.card.information.mac, chip.registers, 6) == 0);
    CHECK_EQUAL(rtl8139.card.information.features, 0);
    stop();
    for (unsigned i = 0; i < 2; i++) { // a group's address, and none
        fake_rtl8139_init(&chip);
        memset(chip.registers, i, 6);
        CHECK_EQUAL(rtl8139_identify(&rtl8139, &fake_rtl8139_registers, &chip), TS_ERR_UNSUPPORTED);
    }
    // Memory that the chip does not reach.
    fake_rtl8139_init(&chip);
    CHECK_EQUAL(rtl8139_identify(&rtl8139, &fake_rtl8139_registers, &chip), TS_OK);
    fake_dma_low = false;
    CHECK_EQUAL(rtl8139_init(&rtl8139, TS_HANDLE_NONE), TS_ERR_UNSUPPORTED);
    fake_dma_low = true;
}

static void test_interrupts(void)
{
    start();
    CHECK_EQUAL(fake_rtl8139_get(&chip, RTL8139_IMR, 2) & RTL8139_CAUSE_SENT, 0);
    fake_rtl8139_put(&chip, RTL8139_ISR, 2, RTL8139_CAUSE_RECEIVED);
    CHECK_EQUAL(frame_chip.interrupted(&rtl8139, 0), FRAME_CAUSE_WORK);
    CHECK_EQUAL(fake_rtl8139_get(&chip, RTL8139_ISR, 2), 0); // the line is low again
    fake_rtl8139_put(&chip, RTL8139_ISR, 2, RTL8139_CAUSE_LINK);
    CHECK_EQUAL(frame_chip.interrupted(&rtl8139, 0), FRAME_CAUSE_WORK | FRAME_CAUSE_LINK);
    chip.registers[RTL8139_MSR] |= RTL8139_MSR_NO_LINK;
    CHECK(frame_card_link_changed(&rtl8139.card));
    CHECK_EQUAL(((struct ts_frame_control *)(void *)peer.memory)->link, 0);
    // Of sent frames it interrupts while no buffer is free, and no longer.
    while (rtl8139.tx_count < RTL8139_TX) {
        peer_send();
        CHECK_EQUAL(work(), FRAME_IDLE);
    }
    CHECK(fake_rtl8139_get(&chip, RTL8139_IMR, 2) & RTL8139_CAUSE_SENT);
    while (device_sends()) {
        CHECK_EQUAL(work(), FRAME_IDLE);
    }
    CHECK_EQUAL(fake_rtl8139_get(&chip, RTL8139_IMR, 2) & RTL8139_CAUSE_SENT, 0);
    fake_rtl8139_put(&chip, RTL8139_ISR, 2, RTL8139_CAUSE_SYSTEM);
    CHECK_EQUAL(frame_chip.interrupted(&rtl8139, 0), FRAME_CAUSE_LOST);
    chip.gone = true;
    CHECK_EQUAL(frame_chip.interrupted(&rtl8139, 0), FRAME_CAUSE_LOST);
    CHECK(!frame_chip.link(&rtl8139));
    stop();
}

// Between the last look and going to sleep something happened: the card looks again.
static void test_sleep(void)
{
    start();
    peer_fill();
    CHECK_EQUAL(work(), FRAME_IDLE);
    CHECK(frame_chip.sleep(&rtl8139, PEER_ENTRIES));
    CHECK(device_receives(60));
    CHECK(!frame_chip.sleep(&rtl8139, PEER_ENTRIES));
    CHECK_EQUAL(work(), FRAME_IDLE);
    CHECK(device_receives(60)); // without room for it there is nothing to do
    CHECK(frame_chip.sleep(&rtl8139, PEER_ENTRIES));
    stop();
}

// Too many collisions: the frame is done with, and the chip goes on.
static void test_abort(void)
{
    uint32_t length;
    start();
    while (rtl8139.tx_count == 0) {
        peer_send();
        CHECK_EQUAL(work(), FRAME_IDLE);
    }
    CHECK(fake_rtl8139_send(&chip, RTL8139_TSD_ABORTED, &length) != NULL && !chip.clears);
    CHECK_EQUAL(work(), FRAME_IDLE);
    CHECK(chip.clears && rtl8139.card.tx.in_hand == 0);
    stop();
}

// A stranger's frame, longer than Ethernet's: its room comes back, and what follows comes whole.
static void test_long(void)
{
    static const uint8_t frame[9000];
    start();
    while (peer.received < 2) {
        peer_fill();
        CHECK_EQUAL(work(), FRAME_IDLE);
        if (rtl8139.rooms.count >= 2) {
            uint32_t length = peer.received == 0 ? TS_FRAME_ROOM_MIN + 1 : sizeof(frame);
            CHECK(fake_rtl8139_receive(&chip, GOOD(length), frame, length));
            CHECK(device_receives(1514));
        }
        CHECK_EQUAL(work(), FRAME_IDLE);
        peer_collect();
    }
    CHECK_EQUAL(peer.failed, 2);
    stop();
}

// A frame that is still coming is waited for, and not by looking again and again.
static void test_unfinished(void)
{
    uint8_t frame[60];
    start();
    peer_fill();
    CHECK_EQUAL(work(), FRAME_IDLE);
    peer_pattern(frame, sizeof(frame));
    uint32_t *word = rtl8139.memory.address;
    CHECK(fake_rtl8139_receive(&chip, RTL8139_RX_UNFINISHED << 16 | RTL8139_RX_OK, frame, 60));
    CHECK_EQUAL(work(), FRAME_IDLE);
    CHECK_EQUAL(rtl8139.rooms.count, 1);
    *word = GOOD(60);
    CHECK_EQUAL(work(), FRAME_IDLE);
    peer_collect();
    CHECK_EQUAL(peer.received, 1);
    stop();
}

// ---- Chips that break the rules

static void test_lies(void)
{
    static const uint32_t lies[] = {
        0,                        // nothing
        60 << 16,                 // not good
        GOOD(60) | 0x2,           // and bad
        GOOD(13),                 // no Ethernet frame
        GOOD(RTL8139_RX_LONGEST), // longer than the ring has room for
        UINT32_MAX,
        RTL8139_RX_OK | 0x20 | 1 << 16 // no room for the check sequence
    };
    static const uint8_t frame[60];
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        start();
        peer_fill();
        CHECK_EQUAL(work(), FRAME_IDLE);
        CHECK(fake_rtl8139_receive(&chip, lies[i], frame, sizeof(frame)));
        CHECK_EQUAL(work(), FRAME_CHIP_BROKE);
        CHECK_EQUAL(frame_card_restart(&rtl8139.card), TS_OK);
        CHECK_EQUAL(work(), FRAME_IDLE);
        peer_collect();
        CHECK_EQUAL(peer.failed, 1);
        peer_fill(); // and it goes on
        CHECK_EQUAL(work(), FRAME_IDLE);
        CHECK(device_receives(60));
        CHECK_EQUAL(work(), FRAME_IDLE);
        peer_collect();
        CHECK_EQUAL(peer.received, 1);
        stop();
    }
}

// It says anything of its registers, and writes anything into its memory, at any time: the driver
// stays within its own, and the client gets back what it gave.
static void test_noise(void)
{
    for (unsigned round = 0; round < 300; round++) {
        start();
        for (unsigned i = 0; i < 200; i++) {
            bool ring;
            peer_fill();
            peer_send();
            uint32_t *words = rtl8139.memory.address;
            words[random_below((uint32_t)rtl8139.memory.size / 4)] = (uint32_t)random_next();
            words[rtl8139.at / 4] =
                random_below(3) ? GOOD(random_below(4200)) : (uint32_t)random_next();
            chip.written = random_below(RTL8139_RING / 4) * 4;
            uint32_t buffer = random_below(RTL8139_TX);
            fake_rtl8139_put(&chip, RTL8139_TSD + 4 * buffer, 4, (uint32_t)random_next());
            if (frame_card_work(&rtl8139.card, fake_now, &ring) == FRAME_CHIP_BROKE) {
                CHECK_EQUAL(frame_card_restart(&rtl8139.card), TS_OK);
            }
            struct ts_frame_slot slot;
            while (ts_frame_available(&peer.rings.rx_done) > 0) {
                ts_frame_take(&peer.rings.rx_done, &slot);
                CHECK(slot.id < PEER_ENTRIES && peer.rx_out[slot.id] && slot.length <= PEER_ROOM);
                peer.rx_out[slot.id] = false;
                ts_frame_release(&peer.rings.rx_done);
            }
            peer_collect();
        }
        stop();
    }
}

static void test_refusals(void)
{
    ts_time_t before = fake_now;
    for (unsigned i = 0; i < 3; i++) {
        fake_rtl8139_init(&chip);
        chip.deaf = i == 0;
        chip.busy = i == 1;
        chip.gone = i == 2;
        CHECK_EQUAL(rtl8139_identify(&rtl8139, &fake_rtl8139_registers, &chip), TS_ERR_IO);
    }
    CHECK(fake_now - before < 3 * 250 * TS_MILLISECOND); // heartbeats come in time
    start();
    chip.deaf = true;
    CHECK_EQUAL(frame_card_detach(&rtl8139.card), TS_ERR_IO);
    CHECK_EQUAL(peer_attach_again(&rtl8139.card), TS_ERR_IO);
    stop();
    start(); // it has gone, with a frame that it was to send
    while (rtl8139.tx_count == 0) {
        peer_send();
        CHECK_EQUAL(work(), FRAME_IDLE);
    }
    chip.gone = true;
    CHECK_EQUAL(work(), FRAME_CHIP_BROKE);
    CHECK_EQUAL(frame_card_restart(&rtl8139.card), TS_ERR_IO);
    stop();
}

int main(void)
{
    fake_dma_low = true;
    test_start();
    test_traffic();
    test_interrupts();
    test_sleep();
    test_abort();
    test_long();
    test_unfinished();
    test_lies();
    test_noise();
    test_refusals();
    free(peer.memory);
    return 0;
}
