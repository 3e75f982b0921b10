// SPDX-License-Identifier: MIT
// Thousands of connections at the same time: each segment finds its own, in a table whose chains
// stay short; those that ended are remembered up to a limit.
#include <stdlib.h>

#include <lwip/priv/tcp_priv.h>

#include "fake.h"
#include "wire.h"

#define HOSTS   8u
#define CROWD   4000u
#define LONGEST 12u // of a chain, with as many connections as buckets; by chance it is 7 or so

#define SYN 2u
#define RST 4u
#define ACK 16u
#define FIN 1u

struct peer {
    struct segment out; // from, ports, and where it is
    struct call accept;
};

static struct peer peers[CROWD];
static uint8_t out[256];

// Each connection of the lists is in the table once, and nothing else is.
static void check_table(void)
{
    unsigned listed = 0, found = 0, longest = 0;
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        listed++;
    }
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {
        listed++;
    }
    for (unsigned i = 0; i < TCP_HASH_SIZE; i++) {
        unsigned length = 0;
        for (struct tcp_pcb *pcb = tcp_hash[i]; pcb != NULL; pcb = pcb->hash_next) {
            CHECK(tcp_hash_find(&pcb->local_ip, pcb->local_port, &pcb->remote_ip, pcb->remote_port,
                                0) == pcb);
            length++;
        }
        found += length;
        longest = length > longest ? length : longest;
    }
    CHECK(listed == found && longest <= LONGEST);
    printf("%u connections, longest chain %u\n", found, longest);
}

static void send_segment(struct peer *peer, unsigned flags, const char *data)
{
    peer->out.flags = (uint8_t)flags;
    peer->out.data = data;
    deliver(out, make_segment(out, &peer->out), 0);
    peer->out.seq += (data != NULL ? (uint32_t)strlen(data) : 0) + ((flags & (SYN | FIN)) != 0);
}

// The stack's next segment to that peer. *out_flags: its flags, 0 when there is none.
static void next_segment(struct peer *peer, unsigned *out_flags)
{
    *out_flags = 0;
    while (*out_flags == 0 && next_of(6)) {
        unsigned port = (unsigned)frame[36] << 8 | frame[37];
        if (get32(frame + 30) != peer->out.from || port != peer->out.from_port) {
            continue;
        }
        *out_flags = frame[47];
        peer->out.ack = get32(frame + 38) + ((*out_flags & (SYN | FIN)) != 0);
    }
}

static void connect_peer(struct peer *peer, struct ts_object *listener)
{
    unsigned flags;
    call_start(&peer->accept, listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    send_segment(peer, SYN, NULL);
    next_segment(peer, &flags);
    CHECK(flags == (SYN | ACK));
    send_segment(peer, ACK, NULL);
    CHECK(peer->accept.done && peer->accept.status == TS_OK);
}

static void connect_all(struct ts_object *listener)
{
    for (unsigned i = 0; i < CROWD; i++) {
        peers[i].out = (struct segment){.from = THEM + i % HOSTS,
                                        .from_port = (uint16_t)(1000 + i / HOSTS),
                                        .to_port = 80,
                                        .seq = i * 1000};
        connect_peer(&peers[i], listener);
    }
}

// What one says is heard where it belongs, in an order that has nothing to do with the table's.
static void talk_to_all(void)
{
    for (unsigned i = 0, n = 0; i < CROWD; i++, n = (n + 1597) % CROWD) {
        char said[16], heard[16];
        struct call call;
        (void)snprintf(said, sizeof(said), "number %u", n);
        send_segment(&peers[n], ACK, said);
        CHECK(call_now(&call, peers[n].accept.minted, TS_OP_READ, 0, NULL, 0, heard,
                       sizeof(heard)) == TS_OK);
        CHECK(call.value == strlen(said) && memcmp(said, heard, strlen(said)) == 0);
    }
}

// The stack ends them all first, so that it is the one that has to remember.
static void close_all(void)
{
    unsigned flags;
    for (unsigned i = 0; i < CROWD; i++) {
        skip_frames();
        object_close(peers[i].accept.minted);
        fake_run(0);
        next_segment(&peers[i], &flags);
        CHECK(flags == (FIN | ACK));
        send_segment(&peers[i], FIN | ACK, NULL);
        if (i % 100 == 99) {
            fake_run(250);
        }
    }
    fake_run(500);
}

// The last ones are remembered: what comes late is acknowledged. The first ones are unknown.
static void check_memory(void)
{
    unsigned flags, count = 0;
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {
        count++;
    }
    CHECK(tcp_active_pcbs == NULL && count == NETD_TIME_WAIT);
    skip_frames();
    peers[CROWD - 1].out.seq--;
    send_segment(&peers[CROWD - 1], FIN | ACK, NULL);
    next_segment(&peers[CROWD - 1], &flags);
    CHECK(flags == ACK);
    send_segment(&peers[0], ACK, "late");
    next_segment(&peers[0], &flags);
    CHECK((flags & RST) != 0);
}

// One that is remembered comes again from the same port, with numbers beyond those of before: it is
// a new connection. With numbers of before it is not.
static void come_again(struct ts_object *listener)
{
    unsigned flags;
    struct peer *peer = &peers[CROWD - 2];
    skip_frames();
    peer->out.seq -= 1;
    peer->out.ack = 0;
    send_segment(peer, SYN, NULL);
    next_segment(peer, &flags);
    CHECK(flags == ACK);
    // As if much had been sent in little time: the new numbers are beyond those all the same.
    struct tcp_pcb *old = tcp_tw_pcbs;
    while (old->remote_port != peer->out.from_port ||
           ip_2_ip4(&old->remote_ip)->addr != lwip_htonl(peer->out.from)) {
        old = old->next;
    }
    uint32_t sent = old->snd_nxt += 1000000000;
    peer->out.seq += 64000;
    peer->out.ack = 0;
    connect_peer(peer, listener);
    CHECK((int32_t)(peer->out.ack - sent) > 0);
    check_table();
    object_close(peer->accept.minted);
    fake_run(0);
    next_segment(peer, &flags);
    CHECK(flags == (FIN | ACK));
    send_segment(peer, FIN | ACK, NULL);
    fake_run(500);
}

// ---- Slow readers

#define SLOW    24u // each could hold a twelfth of the packet memory: twice as much as there is
#define CLIENTS 4u  // whose shares together leave a sixteenth of it

// Acknowledges all that the stack has sent to that peer, as one that reads does.
static void acknowledge(struct peer *peer)
{
    while (next_of(6)) {
        unsigned port = (unsigned)frame[36] << 8 | frame[37];
        uint32_t length = ((uint32_t)frame[16] << 8 | frame[17]) - 20 - (frame[46] >> 4) * 4u;
        if (get32(frame + 30) == peer->out.from && port == peer->out.from_port && length > 0) {
            peer->out.ack = get32(frame + 38) + length;
        }
    }
    send_segment(peer, ACK, NULL);
}

// Other clients with a listener each, at the ports behind the first one's.
static void start_clients(struct ts_object **sessions, struct ts_object **listeners)
{
    struct ts_object *session = fake_session;
    for (unsigned i = 1; i < CLIENTS; i++) {
        struct call call;
        fake_client = 1 + i;
        CHECK(call_now(&call, &netd.root, TS_OP_OPEN, 0, "", 0, NULL, 0) == TS_OK);
        sessions[i] = fake_session = call.minted;
        listeners[i] = listen_on((uint16_t)(80 + i), TS_NET_BACKLOG_MAX);
    }
    fake_client = 1;
    fake_session = session;
}

// Many connections of one host, to several clients, take packet memory and acknowledge nothing:
// they give way, so that another host gets all of its bytes, and soon. An idle connection of that
// host stays.
static void test_slow_readers(struct ts_object *listener)
{
    struct ts_object *sessions[CLIENTS], *listeners[CLIENTS] = {listener};
    static uint8_t bytes[256 * 1024];
    static struct call writes[SLOW + 1];
    struct peer *honest = &peers[SLOW], *idle = &peers[SLOW + 1];
    start_clients(sessions, listeners);
    for (unsigned i = 0; i < SLOW + 2; i++) {
        unsigned to = i < SLOW ? i / (SLOW / CLIENTS) : 0;
        peers[i] = (struct peer){.out = {.from = i < SLOW ? THEM + 1 : THEM,
                                         .from_port = (uint16_t)(20000 + i),
                                         .to_port = (uint16_t)(80 + to),
                                         .seq = i * 1000}};
        connect_peer(&peers[i], listeners[to]);
    }
    for (unsigned i = 0; i < SLOW; i++) {
        call_start(&writes[i], peers[i].accept.minted, TS_OP_WRITE, 0, bytes, sizeof(bytes), NULL,
                   0);
    }
    fake_run(1000);
    CHECK(netd.packets.free_bytes < sizeof(bytes));
    struct call *write = &writes[SLOW];
    call_start(write, honest->accept.minted, TS_OP_WRITE, 0, bytes, sizeof(bytes), NULL, 0);
    unsigned waited = 0;
    for (; !write->done && waited < 60000; waited += 50) {
        fake_run(50);
        acknowledge(honest);
    }
    printf("another host's bytes took %u ms\n", waited);
    CHECK(write->done && write->status == TS_OK && write->value == sizeof(bytes) && waited < 10000);
    CHECK(idle->accept.minted->signals != 0); // it can be written to
    for (unsigned i = 0; i < SLOW + 2; i++) {
        object_close(peers[i].accept.minted);
    }
    for (unsigned i = 1; i < CLIENTS; i++) {
        object_close(listeners[i]);
        object_close(sessions[i]);
    }
    fake_run(0);
    memset(peers, 0, sizeof(peers));
}

int main(void)
{
    wire_start();
    fake_run(20000); // what starts with the interface is over
    skip_frames();
    size_t heap = heap_used();
    uint32_t packets = netd.packets.free_bytes;
    for (uint32_t i = 0; i < HOSTS; i++) {
        introduce(THEM + i);
    }
    struct ts_object *listener = listen_on(80, TS_NET_BACKLOG_MAX);
    test_slow_readers(listener);
    while (tcp_active_pcbs != NULL) {
        tcp_abort(tcp_active_pcbs);
    }
    skip_frames();
    connect_all(listener);
    check_table();
    talk_to_all();
    close_all();
    check_table();
    check_memory();
    come_again(listener);
    object_close(listener);
    fake_run(200000); // over all of TIME_WAIT
    check_table();
    CHECK(tcp_tw_pcbs == NULL && netd.packets.free_bytes == packets && heap_used() == heap);
    return 0;
}
