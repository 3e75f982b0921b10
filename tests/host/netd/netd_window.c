// SPDX-License-Identifier: MIT
// The receiving window grows with what a client reads in a round trip, up to what the client may
// hold, and nothing that was acknowledged is lost. The peer sends all that the window allows, over
// a line of 100 ms that loses nothing.
#include <stdlib.h>

#include <lwip/inet_chksum.h>
#include <lwip/priv/tcp_priv.h>

#include "account.h"
#include "fake.h"
#include "wire.h"

#define SYN     2u
#define ACK     16u
#define MSS     1460u
#define ONE_WAY 50u  // ms
#define AGAIN   400u // ms after which the peer sends again what is not acknowledged
#define SCALE   5u
#define FIRST   (128u * 1024u)
#define MOST    (1024u * 1024u)
#define CHUNK   (64u * 1024u)
#define ANOTHER 77u // a client, and those that follow
#define OTHERS  8u

static struct ts_object *listener;

// What is on its way: at most one acknowledgement counts of those that the stack sent in a
// millisecond, and the peer's segments of one are a range.
struct range {
    uint32_t from, to;
};
struct news {
    bool any;
    uint32_t acknowledged, edge;
};

static struct {
    bool scaled;
    uint16_t port;
    uint32_t first;                    // the peer's number for byte 0
    uint32_t theirs;                   // what it acknowledges
    uint32_t sent, acknowledged, edge; // bytes of the stream
    uint32_t window, most;             // congestion window; the largest edge - acknowledged
    uint32_t dropped;                  // bytes that were sent more than once
    uint32_t read;                     // by the client
    unsigned now, progress;            // ms
    struct range to_stack[ONE_WAY];
    struct news to_peer[ONE_WAY];
    struct news last; // that the stack sent
    struct ts_object *stream;
} peer;

static uint8_t byte_at(uint32_t at)
{
    return (uint8_t)(at * 2654435761u >> 23);
}

static void send_frame(uint32_t at, uint32_t length, unsigned flags)
{
    static const uint8_t offer[12] = {2, 4, 5, 180, 1, 3, 3, 0, 1, 1, 4, 2};
    uint8_t out[1600], *tcp = out + 34;
    uint32_t options = (flags & SYN) != 0 ? (peer.scaled ? 12 : 4) : 0;
    memset(tcp, 0, 20);
    put16(tcp, peer.port);
    put16(tcp + 2, 80);
    put32(tcp + 4, peer.first + at - ((flags & SYN) != 0));
    put32(tcp + 8, peer.theirs);
    tcp[12] = (uint8_t)((20 + options) / 4 << 4);
    tcp[13] = (uint8_t)flags;
    put16(tcp + 14, 60000);
    memcpy(tcp + 20, offer, options);
    for (uint32_t i = 0; i < length; i++) {
        tcp[20 + options + i] = byte_at(at + i);
    }
    uint32_t size = 20 + options + length, whole = make_ip(out, 6, size);
    struct pbuf *copy = pbuf_alloc(PBUF_RAW, (u16_t)size, PBUF_RAM);
    ip4_addr_t from = {lwip_htonl(THEM)}, to = {lwip_htonl(US)};
    memcpy(copy->payload, tcp, size);
    u16_t sum = inet_chksum_pseudo(copy, 6, (u16_t)size, &from, &to);
    memcpy(tcp + 16, &sum, 2);
    pbuf_free(copy);
    deliver(out, whole, 0);
}

// What the stack says since it was last asked. The edge never goes back, but for what the header's
// field cannot say (RFC 7323, 2.4).
static struct news listen_to_stack(void)
{
    struct news news = {0};
    while (next_of(6)) {
        if ((frame[36] << 8 | frame[37]) != peer.port || (frame[47] & ACK) == 0) {
            continue;
        }
        if ((frame[47] & SYN) != 0) {
            peer.theirs = get32(frame + 38) + 1;
            continue;
        }
        news.any = true;
        news.acknowledged = get32(frame + 42) - peer.first;
        uint32_t window = (uint32_t)(frame[48] << 8 | frame[49]);
        news.edge = news.acknowledged + (window << (peer.scaled ? SCALE : 0));
        CHECK(news.acknowledged >= peer.last.acknowledged);
        CHECK(news.edge + (1u << SCALE) > peer.last.edge);
        peer.last = news;
    }
    return news;
}

static void take_news(const struct news *news)
{
    if (!news->any) {
        return;
    }
    if (news->acknowledged > peer.acknowledged) {
        peer.window += news->acknowledged - peer.acknowledged; // slow start, for ever
        peer.progress = peer.now;
    }
    peer.acknowledged = news->acknowledged;
    peer.edge = news->edge;
    if (peer.edge - peer.acknowledged > peer.most) {
        peer.most = peer.edge - peer.acknowledged;
    }
}

// All that the windows allow, up to `size`.
static struct range send_more(uint32_t size)
{
    uint32_t limit = peer.acknowledged + peer.window;
    limit = limit < peer.edge ? limit : peer.edge;
    limit = limit < size ? limit : size;
    if (peer.sent > peer.acknowledged && peer.now - peer.progress > AGAIN) {
        peer.dropped += peer.sent - peer.acknowledged;
        peer.sent = peer.acknowledged;
        peer.progress = peer.now;
    }
    if (peer.sent == peer.acknowledged) {
        peer.progress = peer.now;
    }
    struct range range = {peer.sent, limit > peer.sent ? limit : peer.sent};
    peer.sent = range.to;
    return range;
}

// A millisecond.
static void step(uint32_t size)
{
    unsigned slot = peer.now % ONE_WAY;
    struct range range = peer.to_stack[slot];
    for (uint32_t at = range.from, part; at < range.to; at += part) {
        part = range.to - at < MSS ? range.to - at : MSS;
        send_frame(at, part, ACK);
    }
    take_news(&peer.to_peer[slot]);
    peer.to_stack[slot] = send_more(size);
    fake_run(0);
    peer.to_peer[slot] = listen_to_stack();
    fake_now += TS_MILLISECOND;
    peer.now++;
}

// Reads up to `most` bytes, which are what they should be. False: nothing is there.
static bool read_some(uint32_t most)
{
    static uint8_t bytes[CHUNK];
    struct call call;
    call_nowait(&call, peer.stream, TS_OP_READ, 0, NULL, 0, bytes, most);
    if (call.status == TS_ERR_AGAIN) {
        return false;
    }
    CHECK(call.status == TS_OK && call.value > 0 && call.value <= most);
    for (uint32_t i = 0; i < call.value; i++) {
        if (bytes[i] != byte_at(peer.read + i)) {
            CHECK(!"another byte");
            break;
        }
    }
    peer.read += (uint32_t)call.value;
    return true;
}

static void begin(bool scaled)
{
    static uint16_t port = 20000;
    struct call accept;
    memset(&peer, 0, sizeof(peer));
    peer.scaled = scaled;
    peer.port = ++port;
    peer.first = 1u << 31;
    peer.window = 10 * MSS;
    call_start(&accept, listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    send_frame(0, 0, SYN);
    listen_to_stack();
    fake_run(2 * ONE_WAY);
    send_frame(0, 0, ACK);
    CHECK(accept.done && accept.status == TS_OK);
    peer.stream = accept.minted;
    peer.edge = 65535;
}

static void end(void)
{
    object_close(peer.stream);
    fake_run(0);
    while (tcp_active_pcbs != NULL) {
        tcp_abort(tcp_active_pcbs);
    }
    skip_frames();
}

// Sends `size` bytes to a client that reads `most` of them every `every` ms. Returns the ms that it
// took.
static unsigned upload(uint32_t size, uint32_t most, unsigned every)
{
    unsigned start = peer.now;
    while (peer.read < size && peer.now - start < 600000) {
        step(size);
        if (every == 0) {
            while (read_some(most)) {
                ;
            }
        } else if (peer.now % every == 0) {
            (void)read_some(most);
        }
    }
    CHECK(peer.read == size);
    return peer.now - start;
}

// The line is used as far as 1 MiB of window allows; it was 128 KiB in a round trip.
static void test_grows(void)
{
    begin(true);
    unsigned ms = upload(16u << 20, CHUNK, 0);
    printf("# at once: %u ms, %u kB/s, window up to %u\n", ms, (16u << 20) / ms, peer.most);
    CHECK(peer.dropped == 0 && peer.most <= MOST && peer.most > MOST - CHUNK && ms < 2600);
    CHECK(peer.stream->signals != 0);
    end();
}

// A client that reads little needs no more than there is at first.
static void test_slow_reader(void)
{
    begin(true);
    unsigned ms = upload(2u << 20, 10000, 10 * ONE_WAY / 5);
    printf("# 10,000 bytes a round trip: %u ms, window up to %u\n", ms, peer.most);
    CHECK(peer.dropped == 0 && peer.most <= FIRST);
    end();
}

// What came in one burst after a pause is no rate.
static void test_bursts(void)
{
    begin(true);
    for (uint32_t size = 0; size < (2u << 20);) {
        size += FIRST / 2;
        unsigned ms = upload(size, CHUNK, 0);
        for (; ms < 2000; ms++) {
            step(size);
        }
    }
    printf("# 64 KiB every two seconds: window up to %u\n", peer.most);
    CHECK(peer.dropped == 0 && peer.most <= FIRST);
    end();
}

static void test_without_scale(void)
{
    begin(false);
    (void)upload(2u << 20, CHUNK, 0);
    CHECK(peer.dropped == 0 && peer.most <= 65535);
    end();
}

// Others hold so much that the client may take `room` bytes and no more.
static uint64_t held_by[OTHERS];

static void leave(uint64_t room)
{
    for (unsigned i = 0; i < OTHERS; i++) {
        uint64_t left = account_left(ACCOUNT_MEMORY, fake_client);
        uint64_t most = account_left(ACCOUNT_MEMORY, ANOTHER + i);
        uint64_t more = left > room ? 2 * (left - room) : 0; // the client could have half of it
        held_by[i] = more < most ? more : most;
        CHECK(account_take(ACCOUNT_MEMORY, ANOTHER + i, held_by[i]));
    }
    CHECK(account_left(ACCOUNT_MEMORY, fake_client) <= room);
}

static void give_back(void)
{
    for (unsigned i = 0; i < OTHERS; i++) {
        account_give(ACCOUNT_MEMORY, ANOTHER + i, held_by[i]);
    }
}

// Where the client may not have more, the window does not grow.
static void test_no_room(void)
{
    begin(true);
    leave(FIRST);
    (void)upload(4u << 20, CHUNK, 0);
    printf("# without room: window up to %u\n", peer.most);
    CHECK(peer.dropped == 0 && peer.most <= FIRST);
    give_back();
    end();
}

// A window that was given, and that the client then has no room for: what does not fit is not
// acknowledged, and all that was is there when it is read. After that the window has given way.
static void test_room_is_gone(void)
{
    uint64_t before = account_left(ACCOUNT_MEMORY, fake_client);
    size_t heap = heap_used();
    begin(true);
    (void)upload(8u << 20, CHUNK, 0);
    CHECK(peer.most > MOST - CHUNK);
    leave(MOST / 2);
    for (unsigned i = 0; i < 3000; i++) {
        step(16u << 20);
    }
    uint32_t held = peer.acknowledged - peer.read;
    printf("# room for 512 KiB: %u kept, %u sent again\n", held, peer.dropped);
    CHECK(held > MOST / 8 && held < MOST / 2 && peer.dropped > 0);
    CHECK(account_left(ACCOUNT_MEMORY, fake_client) < 4096);
    peer.most = 0;
    (void)upload(12u << 20, 16384, 1);
    peer.most = 0;
    (void)upload(16u << 20, 16384, 1);
    printf("# afterwards: window up to %u\n", peer.most);
    CHECK(peer.most < MOST / 2);
    give_back();
    end();
    CHECK(heap_used() == heap && account_left(ACCOUNT_MEMORY, fake_client) == before);
}

int main(void)
{
    wire_start();
    introduce(THEM);
    fake_run(2000);
    skip_frames();
    listener = listen_on(80, 4);
    test_grows();
    test_slow_reader();
    test_bursts();
    test_without_scale();
    test_no_room();
    test_room_is_gone();
    return 0;
}
