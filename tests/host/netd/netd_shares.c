// SPDX-License-Identifier: MIT
// What a client has in the stack because of other hosts: what it wrote and they do not acknowledge,
// what they sent too early. The greedy client is held to its share, the honest one always gets, and
// all is given back under the client's number.
#include <stdlib.h>

#include <lwip/priv/tcp_priv.h>

#include "account.h"
#include "peer.h"
#include "stream.h"

#define GREEDY 1u
#define HONEST 2u
#define FAR    (HONEST + STREAM_HOLDERS) // as HONEST where numbers are cut to a table's
#define NOBODY 3u                        // has nothing: what it may take tells what is left

#define HOST(number)  (THEM + (number))
#define GREEDY_PORT   80
#define HONEST_PORT   81
#define HONEST_BYTES  (256u * 1024)
#define MOST          256u
#define SEGMENT_BYTES 1400u

static struct ts_object *greedy, *honest;
static struct peer peers[MOST];
static struct call writes[MOST];
static unsigned count;
static uint8_t bytes[1 << 20];

static struct {
    uint64_t left[ACCOUNTS];
    size_t heap;
} before;

static void remember(void)
{
    for (uint32_t i = 0; i < 8; i++) {
        introduce(HOST(i)); // that is forgotten while nothing happens
    }
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        before.left[i] = account_left((enum account)i, NOBODY);
    }
    before.heap = heap_used();
}

static void check_given_back(void)
{
    fake_run(300000); // over TIME_WAIT
    skip_frames();
    fake_run(0);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        CHECK(account_left((enum account)i, NOBODY) == before.left[i]);
    }
    CHECK(heap_used() == before.heap && netd.packets.free_bytes == PACKET_BLOCK_BYTES);
    CHECK(tcp_active_pcbs == NULL && tcp_tw_pcbs == NULL && netd.starved == NULL);
}

static void connect_greedy(unsigned most, const uint8_t *options, uint8_t length)
{
    for (count = 0; count < most; count++) {
        uint16_t port = (uint16_t)(1000 + count);
        CHECK(peer_begin(&peers[count], HOST(count % 4), port, GREEDY_PORT, options, length));
        peer_connect(&peers[count], greedy);
    }
    skip_frames();
}

static void write_all(size_t length)
{
    for (unsigned i = 0; i < count; i++) {
        call_start(&writes[i], peers[i].accept.minted, TS_OP_WRITE, 0, bytes, length, NULL, 0);
    }
    fake_run(0);
}

// The greedy client dies; half of its peers reset, the others hear nothing any more.
static void greedy_dies(void)
{
    for (unsigned i = 0; i < count; i++) {
        skip_frames();
        object_close(peers[i].accept.minted);
        if (i % 2 == 0) {
            peer_send(&peers[i], RST | ACK, NULL);
        }
    }
    skip_frames();
    fake_run(0);
    count = 0;
}

// Acknowledges all that the stack has sent to that peer.
static void acknowledge(struct peer *peer)
{
    uint32_t last = peer->out.ack;
    while ((peer_next(peer)) != 0) {
        uint32_t length = ((uint32_t)frame[16] << 8 | frame[17]) - 20 - (frame[46] >> 4) * 4u;
        if (length > 0 && (int32_t)(peer->out.ack + length - last) > 0) {
            last = peer->out.ack + length;
        }
    }
    peer->out.ack = last;
    peer_send(peer, ACK, NULL);
}

// A request comes in and a long answer is taken. How long it took, in ms.
static unsigned honest_answers(void)
{
    static uint16_t port = 30000;
    struct peer peer;
    struct call read, write;
    char heard[8] = "";
    unsigned waited = 0;
    for (unsigned i = 0; i < 8; i++) { // the card has sent what it could not yet
        skip_frames();
        fake_run(0);
    }
    CHECK(peer_begin(&peer, HOST(5), ++port, HONEST_PORT, NULL, 0));
    peer_connect(&peer, honest);
    call_start(&read, peer.accept.minted, TS_OP_READ, 0, NULL, 0, heard, sizeof(heard));
    peer_send(&peer, ACK | PSH, "a page?");
    CHECK(read.done && read.status == TS_OK && strcmp(heard, "a page?") == 0);
    call_start(&write, peer.accept.minted, TS_OP_WRITE, 0, bytes, HONEST_BYTES, NULL, 0);
    for (; !write.done && waited < 60000; waited += 10) {
        fake_run(10);
        acknowledge(&peer);
    }
    CHECK(write.done && write.status == TS_OK && write.value == HONEST_BYTES);
    object_close(peer.accept.minted);
    peer_send(&peer, RST | ACK, NULL);
    fake_run(0);
    skip_frames();
    return waited;
}

// ---- Sent and not acknowledged

// Many streams are one client: they have half of the packet memory together.
static void test_packet_memory(void)
{
    remember();
    connect_greedy(64, NULL, 0);
    write_all(128u * 1024);
    uint32_t taken = PACKET_BLOCK_BYTES - netd.packets.free_bytes;
    printf("64 streams hold %u of %u bytes\n", taken, PACKET_BLOCK_BYTES);
    CHECK(taken > PACKET_BLOCK_BYTES / 4 && taken <= PACKET_BLOCK_BYTES / 2 + PACKET_LARGE);
    CHECK(netd.starved != NULL);
    CHECK(honest_answers() < 1500); // before anybody was slow for long enough to give way
    greedy_dies();
    check_given_back();
}

// Of a client that has its share, those whose peers are slow give way to its own others.
static void test_own_share(void)
{
    struct peer *quick = &peers[MOST - 1];
    unsigned waited = 0;
    remember();
    connect_greedy(64, NULL, 0);
    write_all(128u * 1024);
    struct call write;
    CHECK(peer_begin(quick, HOST(6), 999, GREEDY_PORT, NULL, 0));
    peer_connect(quick, greedy);
    call_start(&write, quick->accept.minted, TS_OP_WRITE, 0, bytes, HONEST_BYTES, NULL, 0);
    for (; !write.done && waited < 60000; waited += 50) {
        fake_run(50);
        acknowledge(quick);
    }
    printf("the same client's next answer took %u ms\n", waited);
    CHECK(write.done && write.status == TS_OK && waited < 10000);
    CHECK(netd.packets.free_bytes >= PACKET_BLOCK_BYTES / 2 - PACKET_LARGE);
    object_close(quick->accept.minted);
    peer_send(quick, RST | ACK, NULL);
    greedy_dies();
    check_given_back();
}

// A peer whose segments have two bytes makes lwIP keep a hundred for each that is written.
static void test_segments(void)
{
    static const uint8_t two_bytes[4] = {2, 4, 0, 2};
    unsigned sent = 0;
    remember();
    connect_greedy(MOST - 1, two_bytes, sizeof(two_bytes));
    size_t connected = heap_used();
    write_all(2048);
    printf("structures take %zu KiB\n", (heap_used() - connected) / 1024);
    CHECK(heap_used() <= NETD_CLIENT_MEMORY / 2 + before.heap);
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        sent += pcb->unacked != NULL || pcb->unsent != NULL; // one segment at least is anybody's
    }
    CHECK(sent == count);
    CHECK(honest_answers() < 1500);
    greedy_dies();
    check_given_back();
}

// A client that closes before lwIP has all of it: what the peer says then is answered by a reset,
// and nothing of the connection is left.
static void test_closed_and_told(void)
{
    static const uint8_t one_byte[4] = {2, 4, 0, 1};
    remember();
    connect_greedy(1, one_byte, sizeof(one_byte));
    write_all(TCP_SND_QUEUELEN);
    object_close(peers[0].accept.minted);
    count = 0;
    skip_frames();
    peer_send(&peers[0], ACK | PSH, "and another thing");
    CHECK((peer_next(&peers[0]) & RST) != 0);
    check_given_back();
}

// So it is where the peer makes room for the rest and says something, or ends, in one segment.
static void closed_and_answered(unsigned flags, const char *data)
{
    static const uint8_t one_byte[4] = {2, 4, 0, 1};
    unsigned seen, all = 0;
    remember();
    connect_greedy(1, one_byte, sizeof(one_byte));
    write_all(TCP_SND_QUEUELEN / 2 + 4); // a little more than lwIP takes of such segments
    object_close(peers[0].accept.minted);
    count = 0;
    skip_frames();
    struct tcp_pcb *pcb = tcp_active_pcbs;
    CHECK(pcb->snd_lbb - pcb->lastack < TCP_SND_QUEUELEN / 2 + 4 && pcb->unsent != NULL);
    peers[0].out.ack = pcb->snd_nxt;
    peer_send(&peers[0], ACK | flags, data);
    while ((seen = peer_next(&peers[0])) != 0) {
        all |= seen;
    }
    CHECK(((all & RST) != 0) == (data != NULL));
    while (tcp_active_pcbs != NULL) { // one that ended hears all, and what we say last
        peers[0].out.ack = pcb->snd_nxt;
        peer_send(&peers[0], ACK, NULL);
        skip_frames();
    }
    check_given_back();
}

static void test_closed_and_answered(void)
{
    closed_and_answered(PSH, "x");
    closed_and_answered(FIN, NULL);
}

// ---- Came too early

static char segment_of[SEGMENT_BYTES + 1];

// The segment at byte `at` of what the peer has to say.
static void send_at(struct peer *peer, uint32_t at)
{
    uint32_t start = peer->out.seq;
    for (uint32_t i = 0; i < SEGMENT_BYTES; i++) {
        segment_of[i] = (char)('a' + (at + i) % 23);
    }
    peer->out.seq = start + at;
    peer_send(peer, ACK, segment_of);
    peer->out.seq = start;
}

// Notes what acknowledgements promise, in segments after peer->out.seq; one is asked for by what is
// not in the window.
static void note_promises(struct peer *peer, bool *promised, unsigned most)
{
    peer->out.seq--;
    peer_send(peer, ACK, NULL);
    peer->out.seq++;
    while (peer_next(peer) != 0) {
        uint32_t whole = get32(frame + 42) - peer->out.seq;
        for (unsigned i = 0; i < most && (i + 1) * SEGMENT_BYTES <= whole; i++) {
            promised[i] = true;
        }
        const uint8_t *option = frame + 54, *end = frame + 34 + (frame[46] >> 4) * 4;
        while (option < end && *option == 1) {
            option++;
        }
        for (const uint8_t *block = option + 2;
             option < end && *option == 5 && block < option + option[1]; block += 8) {
            uint32_t left = get32(block) - peer->out.seq, right = get32(block + 4) - peer->out.seq;
            for (unsigned i = 0; i < most; i++) {
                promised[i] |= i * SEGMENT_BYTES >= left && (i + 1) * SEGMENT_BYTES <= right;
            }
        }
    }
}

#define EARLY 44u // segments after the first one: nearly all that a connection may keep

// All that was promised arrives without being sent again, and all else when it is.
static void complete(struct peer *peer, const bool *promised, unsigned most)
{
    static uint8_t heard[(EARLY + 1) * SEGMENT_BYTES];
    struct call read;
    uint32_t got = 0;
    for (unsigned i = 0; i < most; i++) {
        if (!promised[i]) {
            send_at(peer, i * SEGMENT_BYTES);
        }
        while (got < sizeof(heard)) {
            call_nowait(&read, peer->accept.minted, TS_OP_READ, 0, NULL, 0, heard + got,
                        sizeof(heard) - got);
            if (read.status != TS_OK || read.value == 0) {
                break;
            }
            got += (uint32_t)read.value;
        }
    }
    CHECK(got == most * SEGMENT_BYTES);
    for (uint32_t i = 0; i < got; i++) {
        if (heard[i] != 'a' + i % 23) {
            CHECK(!"what was promised is there");
        }
    }
}

static void test_early(void)
{
    static const uint8_t selective[4] = {4, 2, 1, 1};
    static bool promised[MOST][EARLY + 1];
    unsigned kept = 0, all = 0;
    remember();
    memset(promised, 0, sizeof(promised));
    connect_greedy(MOST - 1, selective, sizeof(selective));
    for (unsigned i = 0; i < count; i++) {
        for (unsigned n = 0; n < EARLY; n++) { // not the first, and in no order
            send_at(&peers[i], (1 + n * 17 % EARLY) * SEGMENT_BYTES);
        }
        note_promises(&peers[i], promised[i], EARLY + 1);
        for (unsigned n = 0; n <= EARLY; n++, all++) {
            kept += promised[i][n];
        }
    }
    printf("%u of %u early segments are kept, %zu KiB\n", kept, all, heap_used() / 1024);
    CHECK(heap_used() <= NETD_CLIENT_MEMORY / 2 + before.heap);
    CHECK(kept > all / 4 && kept < all);
    CHECK(honest_answers() < 1500);
    // What comes in order finds room, but nobody reads: it is not acknowledged when there is no
    // more. Once some is read all of it can be sent.
    unsigned refused = 0;
    for (unsigned i = 0; i < count; i++) {
        send_at(&peers[i], 0);
        note_promises(&peers[i], promised[i], EARLY + 1);
        refused += !promised[i][0];
    }
    printf("%u segments in order are refused\n", refused);
    CHECK(refused > 0 && refused < count);
    for (unsigned with = 0; with < 2; with++) {
        for (unsigned i = 0; i < count; i++) {
            if (promised[i][0] == (with == 0)) {
                complete(&peers[i], promised[i], EARLY + 1);
            }
        }
    }
    greedy_dies();
    check_given_back();
}

// Segments that end beyond the window, each way in which one can be queued.
static void test_beyond_the_window(void)
{
    struct peer *peer = &peers[0];
    remember();
    connect_greedy(1, NULL, 0);
    uint32_t window = tcp_active_pcbs->rcv_wnd, at = 0;
    send_at(peer, window - 1);
    send_at(peer, window - 600);
    for (; at + SEGMENT_BYTES < window; at += SEGMENT_BYTES) {
        send_at(peer, at);
    }
    send_at(peer, at);
    CHECK(tcp_active_pcbs->rcv_wnd == 0);
    struct call read;
    static uint8_t heard[1 << 17];
    CHECK(call_now(&read, peer->accept.minted, TS_OP_READ, 0, NULL, 0, heard, sizeof(heard)) ==
          TS_OK);
    CHECK(read.value == window);
    greedy_dies();
    check_given_back();
}

// ---- What gives way

static struct stream *stream_of(const struct peer *peer)
{
    return TS_OBJECT_OF(peer->accept.minted, struct stream, object);
}

// One that reads is not stalled because it sends nothing; one that does not is, two seconds later.
static void test_receiver(void)
{
    struct call read;
    char heard[4];
    remember();
    connect_greedy(1, NULL, 0);
    for (unsigned i = 0; i < 4; i++) {
        peer_send(&peers[0], ACK, "something");
        fake_run(1000);
        CHECK(call_now(&read, peers[0].accept.minted, TS_OP_READ, 0, NULL, 0, heard, 4) == TS_OK);
        stream_yield(true);
        CHECK(stream_of(&peers[0])->state == STREAM_CONNECTED);
    }
    fake_run(2100);
    stream_yield(true);
    CHECK(stream_of(&peers[0])->state == STREAM_OVER);
    greedy_dies();
    check_given_back();
}

// One that has nothing of packet memory has none to give.
static void test_receiver_stays(void)
{
    struct peer *quiet = &peers[MOST - 1];
    remember();
    CHECK(peer_begin(quiet, HOST(0), 999, GREEDY_PORT, NULL, 0));
    peer_connect(quiet, greedy);
    peer_send(quiet, ACK, "nobody reads this");
    connect_greedy(64, NULL, 0);
    write_all(128u * 1024);
    unsigned before_it = netd.starved_count;
    fake_run(5000);
    CHECK(before_it > 0 && stream_of(quiet)->state == STREAM_CONNECTED);
    object_close(quiet->accept.minted);
    greedy_dies();
    check_given_back();
}

// As on a small machine: what one connection sends is more than there is. Its peer may pause while
// nobody else waits.
static void test_alone(void)
{
    static struct packet_block *blocks[4096];
    struct peer other;
    struct call write;
    unsigned taken = 0;
    remember();
    while (netd.packets.free_bytes > 96u * 1024 && taken < 4096) {
        CHECK((blocks[taken++] = packet_block_take(&netd.packets, PACKET_LARGE)) != NULL);
    }
    connect_greedy(1, NULL, 0);
    skip_frames();
    write_all(sizeof(bytes));
    acknowledge(&peers[0]); // goes on, and finds too little
    CHECK(netd.starved == stream_of(&peers[0]));
    fake_run(4000);
    CHECK(stream_of(&peers[0])->state == STREAM_CONNECTED);
    skip_frames();
    CHECK(peer_begin(&other, HOST(5), 999, HONEST_PORT, NULL, 0));
    peer_connect(&other, honest);
    call_start(&write, other.accept.minted, TS_OP_WRITE, 0, bytes, sizeof(bytes), NULL, 0);
    fake_run(0);
    acknowledge(&other);
    CHECK(netd.starved_count == 2);
    fake_run(4000);
    CHECK(stream_of(&peers[0])->state == STREAM_OVER);
    object_close(other.accept.minted);
    peer_send(&other, RST | ACK, NULL);
    while (taken > 0) {
        packet_block_put(&netd.packets, blocks[--taken]);
    }
    greedy_dies();
    check_given_back();
}

// Streams that are over wait for nothing.
static void test_over(void)
{
    unsigned over = 0;
    remember();
    connect_greedy(64, NULL, 0);
    write_all(128u * 1024);
    for (unsigned i = 0; i < count; i++) {
        if (writes[i].done || stream_of(&peers[i])->block_bytes > 0) {
            continue;
        }
        skip_frames();
        peer_send(&peers[i], RST | ACK, NULL);
        CHECK(writes[i].done && stream_of(&peers[i])->state == STREAM_OVER);
        over++;
    }
    fake_run(0);
    printf("%u streams over, %u wait\n", over, netd.starved_count);
    CHECK(over > 0);
    for (const struct stream *at = netd.starved; at != NULL; at = at->starved_next) {
        CHECK(at->state == STREAM_CONNECTED);
    }
    greedy_dies();
    check_given_back();
}

// Two clients whose numbers meet in a table: what one waits for is nothing to the other.
static void test_numbers_that_meet(void)
{
    struct ts_object *far;
    struct call call;
    struct peer peer;
    remember();
    for (count = 0; count < 64; count++) { // all of one host
        CHECK(peer_begin(&peers[count], HOST(0), (uint16_t)(1000 + count), HONEST_PORT, NULL, 0));
        peer_connect(&peers[count], honest);
    }
    skip_frames();
    write_all(128u * 1024);
    CHECK(netd.starved != NULL);
    fake_client = FAR;
    CHECK(call_now(&call, &netd.root, TS_OP_OPEN, 0, "", 0, NULL, 0) == TS_OK);
    struct ts_object *session = fake_session = call.minted;
    far = listen_on(82, 8);
    CHECK(peer_begin(&peer, HOST(0), 999, 82, NULL, 0));
    peer_connect(&peer, far);
    call_start(&call, peer.accept.minted, TS_OP_WRITE, 0, bytes, 64u * 1024, NULL, 0);
    fake_run(0);
    CHECK(call.done && call.value == 64u * 1024);
    object_close(peer.accept.minted);
    peer_send(&peer, RST | ACK, NULL);
    object_close(far);
    object_close(session);
    become(HONEST);
    greedy_dies();
    check_given_back();
}

static const struct test {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"packet_memory", test_packet_memory},
    {"own_share", test_own_share},
    {"segments", test_segments},
    {"closed_and_told", test_closed_and_told},
    {"closed_and_answered", test_closed_and_answered},
    {"early", test_early},
    {"beyond_the_window", test_beyond_the_window},
    {"receiver", test_receiver},
    {"receiver_stays", test_receiver_stays},
    {"alone", test_alone},
    {"over", test_over},
    {"numbers_that_meet", test_numbers_that_meet},
};

// All of them, or the one that is named.
int main(int argc, char **argv)
{
    wire_start();
    object_close(fake_session);
    become(GREEDY);
    greedy = listen_on(GREEDY_PORT, 255);
    become(HONEST);
    honest = listen_on(HONEST_PORT, 8);
    fake_run(20000);
    skip_frames();
    for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (argc == 1 || strcmp(argv[1], tests[i].name) == 0) {
            tests[i].run();
        }
    }
    return 0;
}
