// SPDX-License-Identifier: MIT
// Each pool of the stack that hosts can fill, filled to twice its size by one host: it is bounded,
// and what gives way is that host (yield.h). Another one's, which is older, stays and is completed.
#include <stdlib.h>

#include <lwip/etharp.h>
#include <lwip/inet_chksum.h>
#include <lwip/priv/tcp_priv.h>

#include "peer.h"
#include "yield.h"

#define GREEDY    (THEM + 1) // hosts
#define HONEST    (THEM + 2)
#define BACKLOG   32u
#define FRAGMENTS 64u // IP_REASS_MAX_PBUFS
#define TABLE     ARP_TABLE_SIZE
#define KNOWN     (TABLE / 2 - 4) // of those that answer, with the two above

static struct peer peers[2 * NETD_TIME_WAIT + 2], honest;
static uint8_t out[2048];

// ---- The rule

static ip_addr_t address_of(uint32_t host)
{
    ip_addr_t address;
    ip_addr_set_ip4_u32_val(address, lwip_htonl(host));
    return address;
}

static void test_rule(void)
{
    ip_addr_t greedy = address_of(GREEDY), other = address_of(HONEST);
    int things[4];
    yield_begin();
    CHECK(yield_choice() == NULL);
    yield_count(&greedy, 2);
    yield_count(&other, 1);
    yield_offer(&other, 1, &things[0]);
    CHECK(yield_choice() == &things[0]); // nothing else may
    yield_offer(&greedy, 9, &things[1]);
    CHECK(yield_choice() == &things[1]); // of the one that holds most
    yield_offer(&greedy, 5, &things[2]);
    yield_offer(&greedy, 7, &things[3]);
    CHECK(yield_choice() == &things[2]); // and there the oldest
}

// Many at once are what one after the other would be.
static void test_rule_for_many(void)
{
    for (unsigned first = 0; first < 12; first++) {
        for (unsigned second = 0; second < 12; second++) {
            for (unsigned most = 0; most < 26; most++) {
                ip_addr_t one = address_of(GREEDY), two = address_of(HONEST);
                unsigned kept[2] = {0, 0}, left[2] = {first, second};
                yield_begin();
                yield_count(&one, first);
                yield_count(&two, second);
                yield_level(most);
                for (unsigned i = 0; i < first || i < second; i++) { // the newest of `one` is first
                    kept[0] += i < first && yield_keeps(&one);
                    kept[1] += i < second && yield_keeps(&two);
                }
                while (left[0] + left[1] > most) { // the oldest is of `two` where they are as many
                    left[left[0] > left[1] ? 0 : 1]--;
                }
                CHECK(kept[0] == left[0] && kept[1] == left[1]);
            }
        }
    }
}

// ---- Listeners

static void close_listener(struct ts_object *listener)
{
    object_close(listener);
    fake_run(300000);
    skip_frames();
    CHECK(tcp_active_pcbs == NULL && tcp_tw_pcbs == NULL);
}

// SYNs that are not completed: the other host's, which was first, still can be.
static void test_half_open(void)
{
    struct ts_object *listener = listen_on(80, BACKLOG);
    CHECK(peer_begin(&honest, HONEST, 1, 80, NULL, 0));
    for (unsigned i = 0; i < 2 * BACKLOG; i++) {
        CHECK(peer_begin(&peers[i], GREEDY, (uint16_t)(100 + i), 80, NULL, 0));
    }
    unsigned half_open = 0;
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        half_open++;
    }
    CHECK(half_open == BACKLOG);
    peer_connect(&honest, listener);
    object_close(honest.accept.minted);
    close_listener(listener);
}

// From addresses that are all different the oldest is the one.
static void test_half_open_of_many(void)
{
    struct ts_object *listener = listen_on(80, BACKLOG);
    for (unsigned i = 0; i < 2 * BACKLOG; i++) {
        introduce(THEM + 10 + i);
        CHECK(peer_begin(&peers[i], THEM + 10 + i, 100, 80, NULL, 0));
    }
    peer_connect(&peers[2 * BACKLOG - 1], listener);
    peer_send(&peers[0], ACK, NULL);
    CHECK((peer_next(&peers[0]) & RST) != 0);
    object_close(peers[2 * BACKLOG - 1].accept.minted);
    close_listener(listener);
}

static bool open_unseen(struct peer *peer, uint32_t host, uint16_t port)
{
    bool answered = peer_begin(peer, host, port, 80, NULL, 0);
    if (answered) {
        peer_send(peer, ACK, NULL);
    }
    return answered;
}

// Connections that nobody accepts: those that have said nothing make room for another host's, until
// it has as many; never for their own. One that has asked something stays.
static void test_backlog(void)
{
    struct call call;
    unsigned answered = 0, reset = 0, others = 0;
    struct ts_object *listener = listen_on(80, BACKLOG);
    for (unsigned i = 0; i < 2 * BACKLOG; i++) {
        answered += open_unseen(&peers[i], GREEDY, (uint16_t)(100 + i));
        if (i == 0) {
            peer_send(&peers[0], ACK | PSH, "a page?");
        }
        skip_frames();
    }
    CHECK(answered == BACKLOG);
    for (unsigned i = 0; i < BACKLOG; i++) {
        struct peer newcomer;
        others += open_unseen(&newcomer, HONEST, (uint16_t)(100 + i));
        skip_frames();
    }
    CHECK(others == BACKLOG / 2);
    for (unsigned i = 0; i < BACKLOG; i++) {
        unsigned flags;
        peer_send(&peers[i], ACK | PSH, "x");
        while ((flags = peer_next(&peers[i])) != 0) {
            reset += (flags & RST) != 0;
        }
        CHECK(i != 0 || reset == 0);
        CHECK(i != 1 || reset == 1); // the oldest that had said nothing
    }
    CHECK(reset == others);
    CHECK(call_now(&call, listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0) == TS_OK);
    object_close(call.minted);
    close_listener(listener);
}

static void end_first(struct peer *peer)
{
    object_close(peer->accept.minted);
    fake_run(0);
    CHECK(peer_next(peer) == (FIN | ACK));
    peer_send(peer, FIN | ACK, NULL);
}

// What is remembered of connections that ended.
static void test_time_wait(void)
{
    unsigned count = 0;
    struct ts_object *listener = listen_on(80, BACKLOG);
    CHECK(peer_begin(&honest, HONEST, 1, 80, NULL, 0));
    peer_connect(&honest, listener);
    end_first(&honest);
    fake_run(1000);
    for (unsigned i = 0; i < 2 * NETD_TIME_WAIT; i++) {
        CHECK(peer_begin(&peers[i], GREEDY, (uint16_t)(100 + i), 80, NULL, 0));
        peer_connect(&peers[i], listener);
        end_first(&peers[i]);
        skip_frames();
    }
    fake_run(1000);
    skip_frames();
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {
        count++;
    }
    CHECK(count == NETD_TIME_WAIT);
    honest.out.seq--;
    peer_send(&honest, FIN | ACK, NULL); // it is acknowledged again, not unknown
    CHECK(peer_next(&honest) == ACK);
    peer_send(&peers[0], ACK, "late");
    CHECK((peer_next(&peers[0]) & RST) != 0);
    close_listener(listener);
}

// ---- Packet memory and rooms

// Frames whose readers are slow hold half of the rooms at the most; the card always has others.
static void test_rooms(void)
{
    static char data[601];
    struct ts_object *listener = listen_on(80, BACKLOG);
    memset(data, 'x', sizeof(data) - 1);
    for (unsigned i = 0; i < 2 * PACKET_RX_ENTRIES; i++) {
        struct peer *peer = &peers[i / 64];
        if (i % 64 == 0) {
            CHECK(peer_begin(peer, GREEDY, (uint16_t)(100 + i), 80, NULL, 0));
            peer_connect(peer, listener);
        }
        peer_send(peer, ACK, data);
        skip_frames();
        CHECK(netd.links[0]->rooms_held <= PACKET_RX_ENTRIES / 2);
    }
    CHECK(netd.links[0]->rooms_held == PACKET_RX_ENTRIES / 2);
    for (unsigned i = 0; i < 2 * PACKET_RX_ENTRIES / 64; i++) {
        object_close(peers[i].accept.minted);
    }
    CHECK(netd.links[0]->rooms_held == 0);
    close_listener(listener);
}

// ---- Fragments

// A piece of a datagram to a port of the stack: 8 bytes of UDP's head, or 8 of data.
static void send_piece4(uint32_t host, unsigned id, bool last)
{
    uint8_t *ip = out + 14;
    memset(out + 34, 'd', 8);
    if (!last) {
        put16(out + 34, 5000);
        put16(out + 36, 7000);
        put16(out + 38, 16);
        put16(out + 40, 0); // no checksum
    }
    uint32_t length = make_ip(out, 17, 8);
    put16(ip + 4, id);
    put16(ip + 6, last ? 1 : 0x2000);
    put32(ip + 12, host);
    put16(ip + 10, 0);
    u16_t sum = inet_chksum(ip, 20);
    memcpy(ip + 10, &sum, 2);
    deliver(out, length, 0);
}

// The stack's address of its link is made from that of its card.
static void put_link_local(uint8_t *at, unsigned host)
{
    static const uint8_t start[16] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 0};
    memcpy(at, start, 16);
    at[15] = (uint8_t)host;
}

// The networks of hosts differ: their upper halves are what they are known by.
static void send_piece6(unsigned network, uint32_t id, bool last)
{
    static const uint8_t ethernet[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd};
    uint8_t *ip = out + 14, *fragment = ip + 40, *udp = fragment + 8, whole[16];
    memset(out, 0, 128);
    memcpy(out, ethernet, 14);
    ip[0] = 0x60;
    put16(ip + 4, 16);
    ip[6] = 44;
    ip[7] = 64;
    put32(ip + 8, 0x20010db8);
    ip[15] = (uint8_t)network;
    ip[23] = 1;
    put_link_local(ip + 24, 1);
    fragment[0] = 17;
    put16(fragment + 2, last ? 8 : 1);
    put32(fragment + 4, id);
    memset(whole, 'd', sizeof(whole));
    put16(whole, 5000);
    put16(whole + 2, 7000);
    put16(whole + 4, 16);
    put16(whole + 6, 0);
    struct pbuf *copy = pbuf_alloc(PBUF_RAW, 16, PBUF_RAM);
    ip6_addr_t from = {0}, to = {0};
    memcpy(&from, ip + 8, 16);
    memcpy(&to, ip + 24, 16);
    memcpy(copy->payload, whole, 16);
    u16_t sum = ip6_chksum_pseudo(copy, 17, 16, &from, &to);
    memcpy(whole + 6, &sum, 2);
    pbuf_free(copy);
    memcpy(udp, whole + (last ? 8 : 0), 8);
    deliver(out, 14 + 40 + 8 + 8, 0);
}

// First pieces fill the pool; the other host's datagram is still put together.
static void check_fragments(bool six)
{
    struct call call;
    uint8_t heard[16];
    struct ts_net_address address = v4(0, 0, 0, 0, 7000);
    struct ts_object *socket = socket_create(six ? TS_NET_UDP6 : TS_NET_UDP);
    if (six) {
        address = (struct ts_net_address){.family = TS_NET_FAMILY_V6, .port = 7000};
    }
    CHECK(method(socket, TS_NET_BIND, &address, sizeof(address)) == TS_OK);
    size_t before = heap_used();
    if (six) {
        send_piece6(2, 1, false);
    } else {
        send_piece4(HONEST, 1, false);
    }
    for (unsigned i = 0; i < 2 * FRAGMENTS; i++) {
        if (six) {
            send_piece6(1, 100 + i, false);
        } else {
            send_piece4(GREEDY, 100 + i, false);
        }
        skip_frames();
    }
    CHECK(heap_used() - before < FRAGMENTS * 512);
    if (six) {
        send_piece6(2, 1, true);
    } else {
        send_piece4(HONEST, 1, true);
    }
    call_nowait(&call, socket, TS_OP_READ, 0, NULL, 0, heard, sizeof(heard));
    CHECK(call.status == TS_OK && call.value == 8 && memcmp(heard, "dddddddd", 8) == 0);
    fake_run(70000);
    skip_frames();
    CHECK(heap_used() == before);
    object_close(socket);
}

static void test_fragments4(void)
{
    check_fragments(false);
}

static void test_fragments6(void)
{
    check_fragments(true);
}

// ---- Neighbours

struct datagram {
    struct ts_net_address to;
    char data[1000];
};

static void send_to(struct ts_object *socket, struct ts_net_address to)
{
    struct call call;
    struct datagram datagram = {.to = to};
    uint8_t none[1];
    call_start(&call, socket, TS_OP_CALL, TS_NET_SEND, &datagram, sizeof(datagram), none, 1);
    CHECK(call.done);
    fake_run(0);
}

// Questions for hosts that are not there displace each other, and none that answered.
static void test_neighbours(void)
{
    struct ts_object *socket = socket_create(TS_NET_UDP);
    unsigned sent = 0;
    for (unsigned i = 0; i < KNOWN; i++) {
        introduce(THEM + 100 + i);
    }
    size_t before = heap_used();
    for (unsigned i = 0; i < 2 * TABLE; i++) {
        for (unsigned n = 0; n < 6; n++) {
            send_to(socket, v4(10, 1, 0, (uint8_t)i, 9));
        }
        skip_frames();
    }
    CHECK(heap_used() - before <= TABLE * ARP_QUEUE_LEN * 1200);
    for (unsigned i = 0; i < KNOWN; i++) {
        send_to(socket, v4(10, 0, 0, (uint8_t)(102 + i), 9));
        while (next_of(17)) {
            sent += get32(frame + 30) == THEM + 100 + i;
        }
    }
    printf("%u of %u neighbours are known\n", sent, KNOWN);
    CHECK(sent == KNOWN);
    fake_run(10000);
    skip_frames();
    CHECK(heap_used() == before);
    object_close(socket);
}

// What waits for a neighbour of IPv6.
static void test_queue6(void)
{
    struct ts_object *socket = socket_create(TS_NET_UDP6);
    struct ts_net_address to = {.family = TS_NET_FAMILY_V6, .port = 9, .scope = 2};
    size_t before = heap_used();
    put_link_local(to.address, 77);
    for (unsigned i = 0; i < 2000; i++) {
        send_to(socket, to);
    }
    skip_frames();
    printf("%zu bytes wait for one neighbour\n", heap_used() - before);
    CHECK(heap_used() > before && heap_used() - before <= ND6_QUEUE_LEN * 1300);
    for (unsigned i = 0; i < 2 * LWIP_ND6_NUM_NEIGHBORS; i++) {
        put_link_local(to.address, 100 + i);
        for (unsigned n = 0; n < 6; n++) {
            send_to(socket, to);
        }
    }
    CHECK(heap_used() - before <= LWIP_ND6_NUM_NEIGHBORS * ND6_QUEUE_LEN * 1300);
    fake_run(20000);
    skip_frames();
    CHECK(heap_used() == before);
    object_close(socket);
}

static const struct test {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"rule", test_rule},
    {"rule_for_many", test_rule_for_many},
    {"half_open", test_half_open},
    {"half_open_of_many", test_half_open_of_many},
    {"backlog", test_backlog},
    {"time_wait", test_time_wait},
    {"rooms", test_rooms},
    {"fragments4", test_fragments4},
    {"fragments6", test_fragments6},
    {"neighbours", test_neighbours},
    {"queue6", test_queue6},
};

// All of them, or the one that is named.
int main(int argc, char **argv)
{
    wire_start();
    object_close(fake_session);
    become(1);
    fake_run(20000);
    for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        introduce(GREEDY);
        introduce(HONEST);
        if (argc == 1 || strcmp(argv[1], tests[i].name) == 0) {
            tests[i].run();
        }
    }
    return 0;
}
