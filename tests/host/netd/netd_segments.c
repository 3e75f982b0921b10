// SPDX-License-Identifier: MIT
// Segments that no good peer sends, each of which would meet an assertion of lwIP: the stack goes
// on, and so does the connection.
#include <lwip/priv/tcp_priv.h>

#include "peer.h"

#define PORT       80u
#define ALL_UNREAD 60000u // a window of 0

static struct ts_object *listener;
static struct peer peer;
static uint8_t bytes[8192];

static void connect_to(uint16_t unread, const uint8_t *options, uint8_t length)
{
    static uint16_t port = 1000;
    introduce(THEM);
    peer = (struct peer){.out = {.from = THEM,
                                 .from_port = ++port,
                                 .to_port = PORT,
                                 .seq = 5000,
                                 .unread = unread,
                                 .options = options,
                                 .options_length = length}};
    peer_send(&peer, SYN, NULL);
    CHECK(peer_next(&peer) == (SYN | ACK));
    peer.out.options_length = 0;
}

static struct tcp_pcb *pcb_of(void)
{
    struct tcp_pcb *pcb = tcp_active_pcbs;
    while (pcb != NULL && pcb->remote_port != peer.out.from_port) {
        pcb = pcb->next;
    }
    return pcb;
}

// Sends so many bytes that begin `at` bytes from where the peer is.
static void send_at(uint32_t at, unsigned flags, unsigned length)
{
    static char text[2048];
    uint32_t start = peer.out.seq;
    memset(text, 'x', length);
    text[length] = 0;
    peer.out.seq = start + at;
    peer_send(&peer, flags, length > 0 ? text : NULL);
    peer.out.seq = start;
}

static void write_bytes(struct call *write, size_t length)
{
    call_start(write, peer.accept.minted, TS_OP_WRITE, 0, bytes, length, NULL, 0);
    fake_run(0);
}

static void end(void)
{
    object_close(peer.accept.minted);
    if (pcb_of() != NULL) {
        tcp_abort(pcb_of());
    }
    fake_run(300000);
    skip_frames();
}

// A SYN that acknowledges ours completes nothing and is no byte of data.
static void test_answer_to_syn(void)
{
    struct call read;
    static uint8_t heard[256];
    connect_to(0, NULL, 0);
    call_start(&peer.accept, listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    send_at(5, SYN | ACK, 10);
    CHECK(peer_next(&peer) == ACK && !peer.accept.done && pcb_of()->state == SYN_RCVD);
    send_at(15, ACK, 100);
    CHECK(peer.accept.done && peer.accept.status == TS_OK);
    send_at(0, ACK, 5);
    send_at(16, ACK, 1);
    CHECK(pcb_of()->rcv_nxt == peer.out.seq + 5);
    send_at(5, ACK, 110);
    CHECK(pcb_of()->rcv_nxt == peer.out.seq + 115);
    CHECK(call_now(&read, peer.accept.minted, TS_OP_READ, 0, NULL, 0, heard, sizeof(heard)) ==
          TS_OK);
    CHECK(read.value == 115);
    end();
}

// A SYN with other numbers than the first is acknowledged, and what it says of segments is nothing.
static void test_other_syn(void)
{
    static const uint8_t two_bytes[4] = {2, 4, 0, 2};
    connect_to(0, NULL, 0);
    unsigned mss = pcb_of()->mss;
    peer.out.options = two_bytes;
    peer.out.options_length = sizeof(two_bytes);
    send_at(77, SYN, 0);
    CHECK(peer_next(&peer) == ACK && pcb_of()->mss == mss);
    peer.out.options_length = 0;
    peer_connect(&peer, listener);
    CHECK(pcb_of()->rcv_nxt == peer.out.seq);
    end();
}

// What is queued is longer than the segments that the peer wants from now on.
static void test_shorter_later(void)
{
    static const uint8_t one_byte[4] = {2, 4, 0, 1};
    struct call write;
    connect_to(ALL_UNREAD, NULL, 0);
    peer_connect(&peer, listener);
    write_bytes(&write, 1000);
    unsigned mss = pcb_of()->mss;
    peer.out.options = one_byte;
    peer.out.options_length = sizeof(one_byte);
    peer.out.unread = ALL_UNREAD - 100;
    peer_send(&peer, ACK, NULL);
    CHECK(pcb_of()->mss == mss);
    write_bytes(&write, 1000);
    fake_run(10000); // what is first is split for the window
    CHECK(pcb_of() != NULL && pcb_of()->snd_lbb - pcb_of()->lastack == 2000);
    end();
}

// So it is where the first window had nothing and the next has little.
static void test_window_of_little(void)
{
    struct call write;
    connect_to(ALL_UNREAD, NULL, 0);
    peer_connect(&peer, listener);
    write_bytes(&write, 500);
    peer.out.unread = ALL_UNREAD - 4;
    peer_send(&peer, ACK, NULL);
    write_bytes(&write, 100);
    fake_run(10000);
    CHECK(pcb_of() != NULL && pcb_of()->snd_lbb - pcb_of()->lastack == 600);
    end();
}

// All that was written is acknowledged from a probe, while the window is still closed.
static void test_probe_takes_all(void)
{
    struct call write;
    connect_to(ALL_UNREAD, NULL, 0);
    peer_connect(&peer, listener);
    write_bytes(&write, 1);
    fake_run(5000);
    peer.out.ack++;
    peer_send(&peer, ACK, NULL);
    CHECK(pcb_of()->unsent == NULL && pcb_of()->lastack == peer.out.ack);
    fake_run(10000);
    write_bytes(&write, 1); // and that is probed for too
    skip_frames();
    fake_run(10000);
    CHECK(peer_next(&peer) != 0);
    end();
}

// A window of 64 KiB has no bits in its lower half.
static void test_window_of_64k(void)
{
    static const uint8_t scaled[4] = {3, 3, 14, 1};
    struct call write;
    connect_to(ALL_UNREAD, scaled, sizeof(scaled));
    peer_connect(&peer, listener);
    write_bytes(&write, 1000);
    netif_set_link_down(&netd.links[0]->netif);
    peer.out.unread = ALL_UNREAD - 4; // of 16 KiB each
    peer_send(&peer, ACK, NULL);
    fake_run(20000);
    CHECK(pcb_of() != NULL);
    netif_set_link_up(&netd.links[0]->netif);
    end();
}

// Nobody reads: the window is filled but for less than a segment. How much.
static uint32_t fill_window(void)
{
    connect_to(0, NULL, 0);
    peer_connect(&peer, listener);
    while (pcb_of()->rcv_wnd > 1400) {
        send_at(0, ACK, 1400);
        peer.out.seq += 1400;
        skip_frames();
    }
    return pcb_of()->rcv_wnd;
}

// An end that came too early has bytes behind it, up to the end of the window.
static void test_bytes_behind_the_end(void)
{
    uint32_t window = fill_window();
    send_at(10, FIN | ACK, 0);
    send_at(0, ACK, window);
    CHECK(pcb_of()->rcv_wnd == 0 && pcb_of()->rcv_nxt == peer.out.seq + window);
    CHECK(pcb_of()->state == ESTABLISHED);
    end();
    window = fill_window();
    send_at(20, FIN | ACK, 0);
    send_at(10, ACK, window - 10);
    send_at(0, ACK, 10);
    CHECK(pcb_of()->rcv_wnd == 0 && pcb_of()->rcv_nxt == peer.out.seq + window);
    CHECK(pcb_of()->state == ESTABLISHED);
    end();
}

// One that has none behind it is the end, whatever came in what order.
static void test_early_end(void)
{
    uint32_t window = fill_window();
    send_at(window - 1, FIN | ACK, 0);
    send_at(10, ACK, window - 11);
    send_at(0, ACK, 10);
    CHECK(pcb_of()->state == CLOSE_WAIT && pcb_of()->rcv_nxt == peer.out.seq + window);
    end();
    window = fill_window();
    send_at(10, FIN | ACK, window - 11);
    send_at(0, ACK, window - 1);
    CHECK(pcb_of()->state == CLOSE_WAIT && pcb_of()->rcv_nxt == peer.out.seq + window);
    end();
}

static const struct test {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"answer_to_syn", test_answer_to_syn},
    {"other_syn", test_other_syn},
    {"shorter_later", test_shorter_later},
    {"window_of_little", test_window_of_little},
    {"probe_takes_all", test_probe_takes_all},
    {"window_of_64k", test_window_of_64k},
    {"bytes_behind_the_end", test_bytes_behind_the_end},
    {"early_end", test_early_end},
};

// All of them, or the one that is named.
int main(int argc, char **argv)
{
    wire_start();
    object_close(fake_session);
    become(1);
    listener = listen_on(PORT, 16);
    for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (argc == 1 || strcmp(argv[1], tests[i].name) == 0) {
            tests[i].run();
        }
    }
    return 0;
}
