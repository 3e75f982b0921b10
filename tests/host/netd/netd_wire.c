// SPDX-License-Identifier: MIT
// The stack on a wire whose other end is the test (wire.h). First it behaves, then the driver lies,
// then the other host sends anything.
#include <stdlib.h>

#include <lwip/inet_chksum.h>
#include "fake.h"
#include "wire.h"

static uint64_t noise = 0x2545f4914f6cdd1du;

static uint32_t random_number(uint32_t below)
{
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    return (uint32_t)(noise >> 16) % below;
}

static void test_arp_and_ping(void)
{
    static const uint8_t question[42] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0,  2, 8, 6,
                                         0,   1,   8,   0,   6,   4,   0, 1, 2, 0, 0,  0, 0, 2,
                                         10,  0,   0,   2,   0,   0,   0, 0, 0, 0, 10, 0, 0, 1};
    bool answered = false;
    deliver(question, sizeof(question), 0);
    while (next_frame()) {
        answered |= frame[13] == 6 && frame[21] == 2 && get32(frame + 28) == US;
    }
    CHECK(answered);
    uint8_t ping[64];
    memset(ping, 'p', sizeof(ping));
    memset(ping + 34, 0, 8);
    ping[34] = 8;
    u16_t sum = inet_chksum(ping + 34, 30);
    memcpy(ping + 36, &sum, 2);
    deliver(ping, make_ip(ping, 1, 30), 0);
    CHECK(next_of(1) && frame[34] == 0 && frame_length == 64 && frame[63] == 'p');
}

// A connection by hand; its answer is lost with the driver, and comes again from the next one.
static void test_tcp_over_a_restart(struct ts_object *listener)
{
    struct call accept, call;
    uint8_t out[256], got[64];
    uint32_t theirs = 1000, free_bytes = netd.packets.free_bytes;
    call_start(&accept, listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    deliver(out, make_tcp(out, 80, theirs, 0, 2, ""), 0);
    CHECK(next_of(6) && frame[47] == 0x12 && get32(frame + 42) == theirs + 1);
    uint32_t ours = get32(frame + 38) + 1;
    theirs++;
    deliver(out, make_tcp(out, 80, theirs, ours, 0x10, ""), 0);
    deliver(out, make_tcp(out, 80, theirs, ours, 0x18, "hello"), 0);
    CHECK(accept.done && accept.status == TS_OK);
    CHECK(call_now(&call, accept.minted, TS_OP_READ, 0, NULL, 0, got, sizeof(got)) == TS_OK);
    CHECK(call.value == 5 && memcmp(got, "hello", 5) == 0);
    theirs += 5;
    CHECK(call_now(&call, accept.minted, TS_OP_WRITE, 0, "answer", 6, NULL, 0) == TS_OK);
    fake_run(0);
    link_detached(netd.links[0]); // before anybody has taken it
    fake_run(100);
    attach();
    bool found = false;
    for (unsigned i = 0; i < 100 && !found; i++) {
        fake_run(50);
        while (!found && next_of(6)) {
            found = frame_length == 60 && memcmp(frame + 54, "answer", 6) == 0;
        }
    }
    CHECK(found);
    deliver(out, make_tcp(out, 80, theirs, ours + 6, 0x10, ""), 0);
    fake_run(0);
    skip_frames();
    fake_run(0);
    CHECK(netd.packets.free_bytes == free_bytes);
    // Bad checksums are dropped, unless the device vouches for them.
    uint32_t length = make_tcp(out, 80, theirs, ours + 6, 0x18, "forged");
    out[55] ^= 1;
    deliver(out, length, 0);
    call_nowait(&call, accept.minted, TS_OP_READ, 0, NULL, 0, got, sizeof(got));
    CHECK(call.status == TS_ERR_AGAIN);
    object_close(accept.minted);
    deliver(out, make_tcp(out, 80, theirs, ours + 7, 0x14, ""), 0);
    fake_run(1000);
}

// Anything at all, and good frames with a few bytes changed.
static void test_noise(unsigned rounds)
{
    uint8_t out[TS_FRAME_LENGTH_MAX];
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t length = 14 + random_number(sizeof(out) - 14);
        for (uint32_t at = 0; at < length; at++) {
            out[at] = (uint8_t)random_number(256);
        }
        unsigned kind = random_number(6);
        if (kind == 1) {
            length = make_tcp(out, random_number(2) ? 80 : 81, random_number(UINT32_MAX),
                              random_number(UINT32_MAX), random_number(256), "some bytes of data");
        } else if (kind == 2) {
            make_ip(out, (unsigned[]){1, 2, 6, 17}[random_number(4)],
                    length > 34 ? length - 34 : 0);
        } else if (kind == 3) {
            put16(out + 12, 0x86dd);
        } else if (kind == 4) {
            put16(out + 12, 0x0806);
        }
        if (kind == 3 && length > 60) { // IPv6 to us, with headers that may lead anywhere
            out[14] = 0x60;
            put16(out + 18, length - 54);
            out[20] = (uint8_t[]){0, 6, 17, 43, 44, 58, 60}[random_number(7)];
            memset(out + 38, 0, 16);
            out[38] = 0xff;
            out[39] = 2;
            out[53] = 1;
        }
        if (kind != 0 && random_number(3) == 0) {
            out[random_number(length)] ^= (uint8_t)(1 + random_number(255));
        }
        memcpy(out, netd.links[0]->netif.hwaddr, 6);
        deliver(out, length < 14 ? 14 : length, random_number(2) ? TS_FRAME_CHECKSUM_VALID : 0);
        skip_frames();
        if (i % 256 == 0) {
            fake_run(500);
        }
    }
    CHECK(!netd.links[0]->broken);
}

// A driver that lies is left, never believed.
static void test_lies(void)
{
    for (unsigned lie = 0; lie < 6; lie++) {
        struct ts_frame_control *control = (void *)netd.packets.base;
        struct ts_frame_slot slot = {.length = 100};
        bool tx = lie >= 4;
        if (lie == 0) {
            slot.id = PACKET_RX_ENTRIES;
        }
        if (lie == 1) {
            slot.id = UINT32_MAX;
        }
        if (lie == 2) {
            slot.length = PACKET_ROOM + 1;
        }
        if (lie == 3) {
            control->rx_done.tail += 100000;
        }
        if (lie == 4) {
            slot.id = 3; // not on its way
        }
        if (lie == 5) {
            slot.id = PACKET_FRAMES;
        }
        if (lie != 3) {
            ts_frame_put(tx ? &driver.tx_done : &driver.rx_done, &slot);
            ts_frame_publish(tx ? &driver.tx_done : &driver.rx_done);
        }
        fake_run(0);
        CHECK(netd.links[0]->broken);
        link_detached(netd.links[0]);
        attach();
        CHECK(!netd.links[0]->broken);
    }
    test_arp_and_ping();
}

static uint16_t head_length;

static err_t look_at_head(struct pbuf *pbuf, struct netif *netif)
{
    (void)netif;
    head_length = pbuf->len;
    pbuf_free(pbuf);
    return ERR_OK;
}

// Headers as long as they can be are in private memory whole, options with them: the driver may
// change what is shared at any time.
static void test_longest_headers(void)
{
    static uint8_t out[1400];
    netif_input_fn input = netd.links[0]->netif.input;
    (void)make_ip(out, 6, sizeof(out) - 34);
    out[14] = 0x4f;           // 60 bytes of IP
    out[14 + 60 + 12] = 0xf0; // 60 of TCP
    netd.links[0]->netif.input = look_at_head;
    deliver(out, sizeof(out), TS_FRAME_CHECKSUM_VALID);
    netd.links[0]->netif.input = input;
    CHECK(head_length >= 14 + 60 + 60 && head_length < sizeof(out));
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 20000;
    wire_start();
    test_arp_and_ping();
    struct ts_object *listener = listen_on(80, 4);
    test_tcp_over_a_restart(listener);
    test_lies();
    test_longest_headers();
    test_noise(rounds);
    test_arp_and_ping();
    object_close(listener);
    return 0;
}
