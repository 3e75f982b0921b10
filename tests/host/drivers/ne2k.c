// SPDX-License-Identifier: MIT
// The network card's chip that is an NE2000's: good and bad ones.
#include "fake_ne2k.h"
#include "frame_peer.h"

#include "tests/host/check.h"

#include <string.h>
#include <tessera/lib/clock.h>

static struct fake_ne2k card;
static struct ne2k ne2k;

static void start(void)
{
    fake_ne2k_init(&card);
    CHECK_EQUAL(ne2k_identify(&ne2k, &fake_ne2k_registers, &card), TS_OK);
    CHECK_EQUAL(card.page_0[NE2K_IMR], 0); // firmware's is off
    CHECK_EQUAL(card.command, NE2K_CR_STOP);
    CHECK_EQUAL(ne2k_init(&ne2k), TS_OK);
    CHECK_EQUAL(peer_attach(&ne2k.card), TS_OK);
}

static void stop(void)
{
    card.deaf = card.gone = card.lost = false;
    CHECK_EQUAL(frame_card_detach(&ne2k.card), TS_OK);
    CHECK_EQUAL(card.command, NE2K_CR_STOP);
    CHECK_EQUAL(card.page_0[NE2K_IMR], 0);
    ne2k_fini(&ne2k);
}

static enum frame_outcome work(void)
{
    return peer_work(&ne2k.card);
}

static bool device_sends(void)
{
    uint32_t length;
    const uint8_t *frame = fake_ne2k_send(&card, &length);
    if (frame == NULL) {
        return false;
    }
    peer_check_sent(frame, length);
    return true;
}

static bool device_receives(uint32_t length, bool overruns)
{
    uint8_t frame[2048];
    peer_pattern(frame, length);
    return fake_ne2k_receive(&card, frame, length, overruns);
}

static void fill_one(void)
{
    while (ne2k.rooms.count == 0) {
        peer_fill();
        CHECK_EQUAL(work(), FRAME_IDLE);
    }
}

static void send_one(void)
{
    while (ne2k.tx_count == 0) {
        peer_send();
        CHECK_EQUAL(work(), FRAME_IDLE);
    }
}

// The ring's end comes by some hundred times, at any place of a frame. With overruns frames are
// lost, but no other ones come, and all that the client sends is sent once or twice.
static void test_traffic(bool overruns)
{
    start();
    unsigned given = 0;
    for (unsigned round = 0; round < 200000; round++) {
        switch (random_below(6)) {
        case 0: peer_send(); break;
        case 1: peer_fill(); break;
        case 2: peer_collect(); break;
        case 3: (void)device_sends(); break;
        case 4: given += device_receives(14 + (uint32_t)random_below(1501), overruns); break;
        default:
            if (card.causes & card.page_0[NE2K_IMR]) {
                CHECK_EQUAL(frame_chip.interrupted(&ne2k, 0), FRAME_CAUSE_WORK);
            }
            CHECK_EQUAL(work(), FRAME_IDLE);
            break;
        }
    }
    CHECK(peer.sent > 5000 && peer.received > 5000 && peer.failed == 0);
    CHECK_EQUAL(card.recoveries > 100, overruns);
    CHECK_EQUAL(work(), FRAME_IDLE);
    while (device_sends()) {
        CHECK_EQUAL(work(), FRAME_IDLE);
    }
    for (unsigned i = 0; i < 10000; i++) { // what waits in the ring comes with its room
        peer_fill();
        CHECK_EQUAL(work(), FRAME_IDLE);
        peer_collect();
    }
    CHECK(overruns ? peer.received < given : peer.received == given);
    CHECK_EQUAL(ne2k.card.statistics.tx_frames, peer.sent);
    stop();
}

// ---- What the card is told

static void test_start(void)
{
    start();
    CHECK_EQUAL(card.page_0[NE2K_RCR] & NE2K_RCR_PROMISCUOUS, 0);
    CHECK_EQUAL(card.page_0[NE2K_RCR], NE2K_RCR_NORMAL);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQUAL(card.page_1[NE2K_MAR + i], UINT8_MAX);
    }
    CHECK(memcmp(ne2k.card.information.mac, card.page_1 + NE2K_PAR, 6) == 0);
    CHECK_EQUAL(card.page_1[NE2K_PAR + 5], 0x44);
    CHECK_EQUAL(ne2k.card.information.link, 1);
    stop();
    for (unsigned i = 0; i < 2; i++) { // a group's address, and none
        fake_ne2k_init(&card);
        memset(card.memory, (int)i, 12);
        CHECK_EQUAL(ne2k_identify(&ne2k, &fake_ne2k_registers, &card), TS_ERR_UNSUPPORTED);
    }
}

static void test_interrupts(void)
{
    start();
    CHECK_EQUAL(card.page_0[NE2K_IMR] & NE2K_CAUSE_SENT, 0);
    card.causes = NE2K_CAUSE_RECEIVED;
    CHECK_EQUAL(frame_chip.interrupted(&ne2k, 0), FRAME_CAUSE_WORK);
    CHECK_EQUAL(card.causes, 0); // the line is low again
    // It interrupts for a frame that was sent while another waits for that, and no longer.
    while (ne2k.tx_count < NE2K_TX) {
        peer_send();
        CHECK_EQUAL(work(), FRAME_IDLE);
    }
    CHECK(card.page_0[NE2K_IMR] & NE2K_CAUSE_SENT);
    while (device_sends()) {
        CHECK_EQUAL(work(), FRAME_IDLE);
    }
    CHECK_EQUAL(card.page_0[NE2K_IMR] & NE2K_CAUSE_SENT, 0);
    card.gone = true;
    CHECK_EQUAL(frame_chip.interrupted(&ne2k, 0), FRAME_CAUSE_LOST);
    CHECK(!frame_chip.link(&ne2k));
    stop();
}

// A frame that was on its way when the card was stopped is sent again, unless that says it is done.
static void test_overrun(void)
{
    for (unsigned done = 0; done < 2; done++) {
        uint32_t length;
        start();
        send_one();
        while (device_receives(1514, true)) {
        }
        card.causes |= done ? NE2K_CAUSE_SENT : 0;
        ts_time_t before = fake_now;
        CHECK_EQUAL(frame_chip.interrupted(&ne2k, 0), FRAME_CAUSE_WORK);
        CHECK(fake_now - before >= 1600000 && fake_now - before < 5000000);
        CHECK_EQUAL(card.recoveries, 1);
        CHECK_EQUAL(card.causes & NE2K_CAUSE_OVERRUN, 0);
        CHECK_EQUAL(card.page_0[NE2K_TCR], NE2K_TCR_NORMAL);
        CHECK(device_receives(60, true)); // it receives again
        CHECK((fake_ne2k_send(&card, &length) != NULL) || done);
        fill_one();
        peer_collect();
        CHECK_EQUAL(peer.received, 1);
        stop();
    }
}

static void test_sleep(void)
{
    start();
    fill_one();
    CHECK(frame_chip.sleep(&ne2k, PEER_ENTRIES));
    CHECK(device_receives(60, false));
    CHECK(!frame_chip.sleep(&ne2k, PEER_ENTRIES));
    CHECK_EQUAL(work(), FRAME_IDLE);
    CHECK(device_receives(60, false)); // without room for it there is nothing to do
    CHECK(frame_chip.sleep(&ne2k, PEER_ENTRIES));
    stop();
}

// A stranger's frame, longer than Ethernet's: its room comes back, and what follows comes whole.
static void test_long(void)
{
    static const uint8_t frame[4000];
    start();
    fill_one();
    CHECK(fake_ne2k_receive(&card, frame, sizeof(frame), false));
    CHECK(device_receives(1514, false));
    while (peer.received == 0) {
        peer_fill();
        CHECK_EQUAL(work(), FRAME_IDLE);
        peer_collect();
    }
    CHECK_EQUAL(peer.failed, 1);
    stop();
}

// ---- Cards that break the rules

static void test_lies(void)
{
    static const uint8_t lies[][4] = {
        {0, NE2K_RING + 2, 64, 0},      // not good
        {1, NE2K_RING + 2, 17, 0},      // no Ethernet frame
        {1, NE2K_RING + 2, 0, 0},       // no check sequence
        {1, NE2K_RING + 3, 64, 0},      // the next is elsewhere
        {1, NE2K_RING + 1, 64, 0},      // it is this one
        {1, NE2K_RING_STOP, 64, 0},     // behind the ring
        {1, NE2K_RING + 2, 0xff, 0xff}, // longer than that
        {1, NE2K_RING + 1, 0xfc, 0x33}, // all round it
        {0xff, 0xff, 0xff, 0xff},
    };
    for (unsigned i = 0; i <= sizeof(lies) / sizeof(lies[0]); i++) {
        start();
        fill_one();
        CHECK(device_receives(60, false));
        if (i < sizeof(lies) / sizeof(lies[0])) {
            memcpy(card.memory + (NE2K_RING + 1) * NE2K_PAGE, lies[i], 4);
        } else {
            card.page_1[NE2K_CURR] = NE2K_RING - 1;
        }
        CHECK_EQUAL(work(), FRAME_CHIP_BROKE);
        CHECK_EQUAL(frame_card_restart(&ne2k.card), TS_OK);
        CHECK_EQUAL(work(), FRAME_IDLE);
        peer_collect();
        CHECK_EQUAL(peer.failed, 1);
        fill_one(); // and it goes on
        CHECK(device_receives(60, false));
        CHECK_EQUAL(work(), FRAME_IDLE);
        peer_collect();
        CHECK_EQUAL(peer.received, 1);
        stop();
    }
}

// It says anything of its ring, its causes and what it sends, at any time: the driver stays within
// the client's rooms.
static void test_noise(void)
{
    for (unsigned round = 0; round < 300; round++) {
        start();
        for (unsigned i = 0; i < 200; i++) {
            bool ring;
            peer_fill();
            peer_send();
            uint32_t length = random_below(2) ? random_below(2000) : (uint32_t)random_next();
            uint8_t next = (uint8_t)(ne2k.next + (length + 7 + 256) / 256);
            next = random_below(4) == 0 ? (uint8_t)random_next() : next;
            const uint8_t header[] = {1, next, (uint8_t)length, (uint8_t)(length >> 8)};
            memcpy(card.memory + ne2k.next * NE2K_PAGE, header, sizeof(header));
            card.page_1[NE2K_CURR] =
                (uint8_t)(random_below(4) ? NE2K_RING + random_below(52) : random_next());
            card.causes = (uint8_t)random_next();
            if (frame_chip.interrupted(&ne2k, 0) & FRAME_CAUSE_LOST ||
                frame_card_work(&ne2k.card, fake_now, &ring) == FRAME_CHIP_BROKE) {
                CHECK_EQUAL(frame_card_restart(&ne2k.card), TS_OK);
            }
            struct ts_frame_slot slot;
            while (ts_frame_available(&peer.rings.rx_done) > 0) {
                ts_frame_take(&peer.rings.rx_done, &slot);
                CHECK(slot.id < PEER_ENTRIES && peer.rx_out[slot.id] && slot.length <= PEER_ROOM);
                peer.rx_out[slot.id] = false;
                ts_frame_release(&peer.rings.rx_done);
            }
            peer_collect();
            card.command &= random_below(2) ? (uint8_t)~NE2K_CR_BUSY : UINT8_MAX;
        }
        stop();
    }
}

static void test_refusals(void)
{
    ts_time_t before = fake_now;
    for (unsigned i = 0; i < 3; i++) {
        fake_ne2k_init(&card);
        card.deaf = i == 0;
        card.gone = i == 1;
        CHECK_EQUAL(ne2k_identify(&ne2k, &fake_ne2k_registers, &card), i < 2 ? TS_ERR_IO : TS_OK);
    }
    CHECK(fake_now - before < 3 * 250 * TS_MILLISECOND); // heartbeats come in time
    start();
    card.deaf = true;
    CHECK_EQUAL(frame_card_detach(&ne2k.card), TS_ERR_IO);
    CHECK_EQUAL(peer_attach_again(&ne2k.card), TS_ERR_IO);
    stop();
    start(); // it does not take a frame
    card.lost = true;
    send_one();
    CHECK_EQUAL(work(), FRAME_CHIP_BROKE);
    stop();
    start(); // it never ends sending: that is for the card to see
    send_one();
    CHECK_EQUAL(work(), FRAME_IDLE);
    fake_now += 6 * TS_SECOND;
    CHECK_EQUAL(work(), FRAME_CHIP_BROKE);
    stop();
}

int main(void)
{
    test_start();
    test_traffic(false);
    test_traffic(true);
    test_interrupts();
    test_overrun();
    test_sleep();
    test_long();
    test_lies();
    test_noise();
    test_refusals();
    free(peer.memory);
    return 0;
}
