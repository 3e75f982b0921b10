// SPDX-License-Identifier: MIT
// The network card's chip that is one of Intel's: good and bad ones.
#include "fake_e1000.h"
#include "frame_peer.h"
#include "registers.h"

#include "tests/host/check.h"

#include <string.h>
#include <tessera/lib/clock.h>

#define GOOD    (E1000_RX_DONE | E1000_RX_END)
#define ID_PCI  0x100eu
#define ID_MSIX 0x10d3u
#define ID_I217 0x153au

static struct fake_e1000 chip;
static struct e1000 e1000;

static void start(uint16_t device)
{
    fake_e1000_init(&chip, device == ID_MSIX);
    CHECK_EQUAL(e1000_identify(&e1000, &fake_e1000_registers, &chip, device), TS_OK);
    CHECK(!(chip.registers[E1000_RCTL / 4] & E1000_RCTL_ENABLE)); // firmware's is off
    CHECK_EQUAL(e1000_init(&e1000, TS_HANDLE_NONE, device == ID_MSIX), TS_OK);
    CHECK_EQUAL(peer_attach(&e1000.card), TS_OK);
    uint32_t control = chip.registers[E1000_RCTL / 4];
    CHECK(control & E1000_RCTL_ENABLE);
    CHECK(!(control & 0x8)); // not promiscuous
}

static void stop(void)
{
    chip.deaf = chip.busy = chip.gone = chip.no_load = false;
    CHECK_EQUAL(frame_card_detach(&e1000.card), TS_OK);
    CHECK_EQUAL(chip.registers[E1000_TCTL / 4] & E1000_TCTL_ENABLE, 0);
    CHECK_EQUAL(chip.mask, 0);
    e1000_fini(&e1000);
}

static enum frame_outcome work(void)
{
    return peer_work(&e1000.card);
}

static bool device_sends(void)
{
    struct fake_frame frame;
    if (!fake_e1000_send(&chip, &frame)) {
        return false;
    }
    peer_check_sent(frame.bytes, frame.length);
    return true;
}

static bool device_receives(uint32_t length, uint64_t word)
{
    uint8_t *room = fake_e1000_room(&chip);
    if (room == NULL) {
        return false;
    }
    CHECK(peer_owns(room, PEER_ROOM));
    peer_pattern(room, length < PEER_ROOM ? length : PEER_ROOM);
    fake_e1000_done(&chip, word | length);
    return true;
}

static void test_traffic(uint16_t device)
{
    start(device);
    for (unsigned round = 0; round < 200000; round++) {
        switch (random_below(6)) {
        case 0: peer_send(); break;
        case 1: peer_fill(); break;
        case 2: peer_collect(); break;
        case 3: (void)device_sends(); break;
        case 4: (void)device_receives(14 + (uint32_t)random_below(1505), GOOD); break;
        default: CHECK_EQUAL(work(), FRAME_IDLE); break;
        }
    }
    CHECK(peer.sent > 5000 && peer.received > 5000 && peer.failed == 0);
    CHECK_EQUAL(work(), FRAME_IDLE);
    while (device_sends()) {
    }
    CHECK_EQUAL(e1000.card.statistics.tx_frames, peer.sent);
    stop();
}

// ---- What the chip is told

static void test_address(void)
{
    static const uint8_t mac[6] = {0x02, 0x00, 0x11, 0x22, 0x33, 0x44};
    static const uint16_t devices[] = {ID_PCI, ID_MSIX, ID_I217};
    for (unsigned i = 0; i < 3; i++) {
        start(devices[i]);
        CHECK(memcmp(e1000.card.information.mac, mac, 6) == 0);
        CHECK_EQUAL(chip.registers[E1000_RAH0 / 4], 0x4433 | E1000_RAH_VALID);
        stop();
    }
    // A wrong sum, or no answer: what the chip has in its registers counts.
    start(ID_PCI);
    stop();
    for (unsigned i = 0; i < 2; i++) {
        fake_e1000_init(&chip, false);
        chip.nvm[20]++;
        chip.no_nvm = i == 1;
        CHECK_EQUAL(e1000_identify(&e1000, &fake_e1000_registers, &chip, ID_PCI), TS_OK);
        CHECK(memcmp(e1000.mac, mac, 6) == 0);
    }
    // A group's address, and none.
    for (unsigned i = 0; i < 2; i++) {
        fake_e1000_init(&chip, false);
        chip.nvm[0] = i == 0 ? 0x0003 : 0;
        chip.nvm[1] = i == 0 ? 0x2211 : 0;
        chip.nvm[2] = i == 0 ? 0x4433 : 0;
        CHECK_EQUAL(e1000_identify(&e1000, &fake_e1000_registers, &chip, ID_PCI),
                    TS_ERR_UNSUPPORTED);
    }
}

static void send_summed(uint16_t start, uint16_t offset)
{
    peer_put(&peer.rings.tx_send, (struct ts_frame_slot){.offset = peer.data_start,
                                                         .length = 80,
                                                         .flags = TS_FRAME_CHECKSUM,
                                                         .checksum_start = start,
                                                         .checksum_offset = offset});
    CHECK_EQUAL(work(), FRAME_IDLE);
}

// The place of the checksum is told when it is another one, and again after a reset.
static void test_checksum(void)
{
    static const uint16_t starts[] = {34, 34, 54, 34, 34};
    static const unsigned used[] = {2, 1, 2, 2, 2};
    struct fake_frame frame;
    start(ID_PCI);
    for (unsigned i = 0; i < 5; i++) {
        uint16_t before = e1000.tx.tail;
        if (i == 4) {
            CHECK_EQUAL(frame_card_restart(&e1000.card), TS_OK);
            chip.context = 0;
            before = 0;
        }
        send_summed(starts[i], 16);
        CHECK_EQUAL(e1000.tx.tail - before, used[i]);
        CHECK(fake_e1000_send(&chip, &frame));
        CHECK(frame.summed && frame.start == starts[i] && frame.place == starts[i] + 16);
        CHECK_EQUAL(frame.length, 80);
    }
    stop();
}

static void test_received_checksum(void)
{
    const struct {
        uint64_t word;
        uint16_t flags;
    } cases[] = {
        {GOOD, 0},
        {GOOD | E1000_RX_SUMMED, TS_FRAME_CHECKSUM_VALID},
        {GOOD | E1000_RX_SUMMED | E1000_RX_NOT_SUMMED, 0},
        {GOOD | E1000_RX_SUMMED | UINT64_C(0x20) << 40, 0},
        {GOOD | E1000_RX_SUMMED | UINT64_C(0x40) << 40, 0},
        {GOOD | E1000_RX_SUMMED | UINT64_C(0x01) << 40, TS_FRAME_FAILED},
        {GOOD | UINT64_C(0x80) << 40, TS_FRAME_FAILED},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ts_frame_slot slot;
        start(ID_PCI);
        peer_fill();
        CHECK_EQUAL(work(), FRAME_IDLE);
        CHECK(device_receives(60, cases[i].word));
        CHECK_EQUAL(work(), FRAME_IDLE);
        CHECK_EQUAL(ts_frame_available(&peer.rings.rx_done), 1);
        ts_frame_take(&peer.rings.rx_done, &slot);
        CHECK_EQUAL(slot.flags, cases[i].flags);
        CHECK_EQUAL(slot.length, cases[i].flags & TS_FRAME_FAILED ? 0 : 60);
        stop();
    }
}

static void test_interrupts(uint16_t device)
{
    start(device);
    CHECK_EQUAL(chip.mask, e1000_causes(&e1000));
    CHECK_EQUAL(chip.mask & e1000_cause_sent(&e1000), 0);
    chip.causes = E1000_CAUSE_RECEIVED;
    CHECK_EQUAL(frame_chip.interrupted(&e1000, 0), FRAME_CAUSE_WORK);
    CHECK_EQUAL(chip.causes, 0); // a line is low again
    chip.causes = E1000_CAUSE_LINK;
    CHECK_EQUAL(frame_chip.interrupted(&e1000, 0), FRAME_CAUSE_WORK | FRAME_CAUSE_LINK);
    chip.registers[E1000_STATUS / 4] &= ~E1000_STATUS_LINK;
    CHECK(frame_card_link_changed(&e1000.card));
    CHECK_EQUAL(((struct ts_frame_control *)(void *)peer.memory)->link, 0);
    // Of sent frames it interrupts while the client runs out of slots, and no longer.
    while (peer.tx_slots <= PEER_ENTRIES / 2) {
        peer_send();
    }
    CHECK_EQUAL(work(), FRAME_IDLE);
    CHECK(chip.mask & e1000_cause_sent(&e1000));
    while (device_sends()) {
    }
    CHECK_EQUAL(work(), FRAME_IDLE);
    CHECK_EQUAL(chip.mask & e1000_cause_sent(&e1000), 0);
    chip.gone = true;
    CHECK_EQUAL(frame_chip.interrupted(&e1000, 0), FRAME_CAUSE_LOST);
    CHECK(!frame_chip.link(&e1000));
    stop();
}

// Short frames: an 8254x is given whole ones, others what they can pad.
static void test_short(void)
{
    static const uint16_t devices[] = {ID_PCI, ID_MSIX};
    static const uint32_t least[] = {60, 17};
    struct fake_frame frame;
    for (unsigned i = 0; i < 2; i++) {
        start(devices[i]);
        memset(peer.memory + peer.data_start, 0xee, 14);
        peer_put(&peer.rings.tx_send,
                 (struct ts_frame_slot){.offset = peer.data_start, .length = 14});
        CHECK_EQUAL(work(), FRAME_IDLE);
        CHECK(fake_e1000_send(&chip, &frame));
        CHECK_EQUAL(frame.length, least[i]);
        CHECK(frame.bytes[13] == 0xee && frame.bytes[14] == 0 && frame.bytes[16] == 0);
        stop();
    }
}

// A round tells the chip once of all that is new, and of nothing if nothing is.
static void test_tails(void)
{
    start(ID_PCI);
    uint32_t before = chip.writes;
    CHECK_EQUAL(work(), FRAME_IDLE);
    CHECK_EQUAL(chip.writes, before);
    for (unsigned i = 0; i < 10; i++) {
        peer_send();
        peer_fill();
    }
    CHECK_EQUAL(work(), FRAME_IDLE);
    CHECK_EQUAL(chip.writes, before + 2);
    stop();
}

static void fill_until(uint32_t rooms)
{
    while (e1000.card.rx.in_hand < rooms) {
        peer_fill();
        CHECK_EQUAL(work(), FRAME_IDLE);
    }
}

// A chip that has enough rooms hears of new ones by the batch, one that has few at once.
static void test_rooms(void)
{
    start(ID_PCI);
    uint32_t before = chip.writes;
    fill_until(20);
    CHECK_EQUAL(chip.writes, before + 20);
    fill_until(60);
    before = chip.writes;
    for (unsigned i = 0; i < 105; i++) {
        CHECK(device_receives(60, GOOD));
        CHECK_EQUAL(work(), FRAME_IDLE);
        peer_collect();
        fill_until(60);
    }
    CHECK(chip.writes - before <= 105 / 10);
    unsigned rooms = 0;
    while (device_receives(60, GOOD)) {
        rooms++;
    }
    CHECK(rooms > 60 - 20);
    CHECK_EQUAL(work(), FRAME_IDLE); // it has none: the rest is shown
    CHECK(device_receives(60, GOOD));
    stop();
}

// ---- Chips that break the rules

static void start_with_one(void)
{
    start(ID_PCI);
    peer_fill();
    while (peer.tx_slots == 0) {
        peer_send();
    }
    CHECK_EQUAL(work(), FRAME_IDLE);
}

static void test_lies(void)
{
    const uint64_t lies[] = {
        E1000_RX_DONE | 60,   // goes on in the next room
        E1000_RX_DONE | 2048, // likewise
        GOOD | (PEER_ROOM + 1),
        GOOD | 0xffff,
    };
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        start_with_one();
        fake_e1000_done(&chip, lies[i]);
        CHECK_EQUAL(work(), FRAME_CHIP_BROKE);
        CHECK_EQUAL(frame_card_restart(&e1000.card), TS_OK);
        CHECK_EQUAL(work(), FRAME_IDLE);
        peer_collect();
        CHECK_EQUAL(peer.failed, 2);
        peer_fill(); // and it goes on
        CHECK_EQUAL(work(), FRAME_IDLE);
        CHECK(device_receives(60, GOOD));
        CHECK_EQUAL(work(), FRAME_IDLE);
        peer_collect();
        CHECK_EQUAL(peer.received, 1);
        stop();
    }
}

// Descriptors that it was not told of say that they are done: nobody looks at them.
static void test_not_asked(void)
{
    start_with_one();
    for (unsigned i = e1000.rx.tail; i < E1000_RX; i++) {
        e1000.rx.descriptors[i].word = GOOD | 60;
    }
    for (unsigned i = e1000.tx.tail; i < E1000_TX; i++) {
        e1000.tx.descriptors[i].word = E1000_TX_DONE;
    }
    CHECK_EQUAL(work(), FRAME_IDLE);
    CHECK_EQUAL(ts_frame_available(&peer.rings.rx_done), 0);
    CHECK_EQUAL(ts_frame_available(&peer.rings.tx_done), 0);
    peer_fill(); // what is filled anew is not done
    CHECK_EQUAL(work(), FRAME_IDLE);
    CHECK_EQUAL(ts_frame_available(&peer.rings.rx_done), 0);
    stop();
}

// It writes anything, anywhere in its rings, at any time: the driver stays within its memory.
static void test_noise(void)
{
    for (unsigned round = 0; round < 300; round++) {
        start(random_below(2) ? ID_PCI : ID_MSIX);
        for (unsigned i = 0; i < 200; i++) {
            bool ring;
            peer_fill();
            peer_send();
            uint64_t *words = e1000.memory.address;
            words[random_below((E1000_RX + E1000_TX) * 2)] =
                random_below(2) ? random_next() : GOOD | random_below(4096);
            words[random_below(64) * 2 + 1] = GOOD | random_below(2100);
            if (frame_card_work(&e1000.card, fake_now, &ring) == FRAME_CHIP_BROKE) {
                CHECK_EQUAL(frame_card_restart(&e1000.card), TS_OK);
            }
            // What it says that it received is anything, so its bytes are not looked at.
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
    fake_e1000_init(&chip, false);
    chip.deaf = true;
    CHECK_EQUAL(e1000_identify(&e1000, &fake_e1000_registers, &chip, ID_PCI), TS_ERR_IO);
    fake_e1000_init(&chip, false);
    chip.busy = true;
    CHECK_EQUAL(e1000_identify(&e1000, &fake_e1000_registers, &chip, ID_PCI), TS_ERR_IO);
    fake_e1000_init(&chip, true);
    chip.no_load = true;
    CHECK_EQUAL(e1000_identify(&e1000, &fake_e1000_registers, &chip, ID_MSIX), TS_ERR_IO);
    fake_e1000_init(&chip, true);
    chip.gone = true;
    CHECK_EQUAL(e1000_identify(&e1000, &fake_e1000_registers, &chip, ID_MSIX), TS_ERR_IO);
    CHECK(fake_now - before < 4 * 250 * TS_MILLISECOND); // heartbeats come in time
    start(ID_MSIX);
    chip.deaf = true;
    CHECK_EQUAL(frame_card_detach(&e1000.card), TS_ERR_IO);
    CHECK_EQUAL(peer_attach_again(&e1000.card), TS_ERR_IO);
    stop();
}

int main(void)
{
    test_address();
    test_traffic(ID_PCI);
    test_traffic(ID_MSIX);
    test_checksum();
    test_received_checksum();
    test_interrupts(ID_PCI);
    test_interrupts(ID_MSIX);
    test_short();
    test_tails();
    test_rooms();
    test_lies();
    test_not_asked();
    test_noise();
    test_refusals();
    free(peer.memory);
    return 0;
}
