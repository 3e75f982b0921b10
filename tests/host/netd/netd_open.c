// SPDX-License-Identifier: MIT
// Connections are opened over a line that loses SYNs: they come again after a second, then after
// twice as long each time, to the millisecond (RFC 6298).
#include <lwip/priv/tcp_priv.h>

#include "fake.h"
#include "wire.h"

#define SYN   2u
#define RST   4u
#define ACK   16u
#define OFTEN 6u

static struct ts_object *listener;
static uint8_t out[256];

struct seen {
    unsigned count, at[8]; // ms from the first one
    uint32_t seq;
    uint16_t port;
};

// Goes on for so long, from one timer to the next, and notes segments with these flags.
static void watch(struct seen *seen, unsigned ms, unsigned flags)
{
    ts_time_t start = fake_now, end = start + ms * TS_MILLISECOND;
    for (;;) {
        fake_run(0);
        while (next_of(6)) {
            if (frame[47] != flags) {
                continue;
            }
            CHECK(seen->count == 0 || get32(frame + 38) == seen->seq);
            seen->seq = get32(frame + 38);
            seen->port = (uint16_t)(frame[34] << 8 | frame[35]);
            CHECK(seen->count < 8);
            seen->at[seen->count++] = (unsigned)((fake_now - start) / TS_MILLISECOND);
        }
        if (fake_now == end) {
            return;
        }
        ts_time_t soon = fake_now + TS_MILLISECOND / 4;
        ts_time_t next = netd.timer.deadline > soon ? netd.timer.deadline : soon;
        fake_now = next < end ? next : end;
    }
}

static void check_times(const struct seen *seen, unsigned count)
{
    unsigned due = 0;
    CHECK(seen->count == count);
    for (unsigned i = 0; i < seen->count; i++) {
        CHECK(seen->at[i] >= due && seen->at[i] <= due + 2 + i); // each timer is a turn late
        due += 1000u << i;
    }
}

static struct tcp_pcb *find_pcb(uint16_t port)
{
    struct tcp_pcb *pcb = tcp_active_pcbs;
    while (pcb != NULL && pcb->remote_port != port) {
        pcb = pcb->next;
    }
    return pcb;
}

static void send_to_80(uint16_t port, uint32_t seq, uint32_t ack, unsigned flags)
{
    const struct segment segment = {.from = THEM,
                                    .from_port = port,
                                    .to_port = 80,
                                    .seq = seq,
                                    .ack = ack,
                                    .flags = (uint8_t)flags};
    deliver(out, make_segment(out, &segment), 0);
}

// The answer to a SYN is sent again, until the connection is forgotten.
static void test_nobody_completes(void)
{
    struct seen seen = {0};
    send_to_80(4000, 1000, 0, SYN);
    watch(&seen, 25000, SYN | ACK);
    check_times(&seen, 5); // 0, 1, 3, 7, 15 s
    CHECK(find_pcb(4000) == NULL);
}

// Nobody answers a SYN: it is given up after a minute and a bit.
static void test_nobody_answers(void)
{
    struct seen seen = {0};
    struct call call;
    struct ts_object *client = socket_create(TS_NET_TCP);
    struct ts_net_address address = v4(10, 0, 0, 2, 5000);
    call_start(&call, client, TS_OP_CALL, TS_NET_CONNECT, &address, sizeof(address), NULL, 0);
    watch(&seen, 62900, SYN);
    check_times(&seen, OFTEN); // 0, 1, 3, 7, 15, 31 s
    CHECK(!call.done);
    watch(&seen, 1000, SYN);
    CHECK(seen.count == OFTEN && call.done && call.status == TS_ERR_TIMED_OUT);
    object_close(client);
}

static void answer_syn(const struct seen *seen)
{
    const struct segment segment = {.from = THEM,
                                    .from_port = 5000,
                                    .to_port = seen->port,
                                    .seq = 7000,
                                    .ack = seen->seq + 1,
                                    .flags = SYN | ACK};
    deliver(out, make_segment(out, &segment), 0);
}

// A connection whose SYN was answered after `ms`; its last SYN is the `count`-th.
static struct tcp_pcb *connect_after(struct ts_object *client, unsigned ms, unsigned count)
{
    struct seen seen = {0}, later = {0};
    struct call call;
    struct ts_net_address address = v4(10, 0, 0, 2, 5000);
    call_start(&call, client, TS_OP_CALL, TS_NET_CONNECT, &address, sizeof(address), NULL, 0);
    watch(&seen, ms, SYN);
    check_times(&seen, count);
    answer_syn(&seen);
    CHECK(call.done && call.status == TS_OK);
    watch(&later, 5000, SYN);
    CHECK(later.count == 0);
    struct tcp_pcb *pcb = find_pcb(5000);
    CHECK(pcb != NULL && pcb->recovery.resent == 0 && pcb->recovery.waits_for == WAIT_NOTHING);
    return pcb;
}

static void end(struct ts_object *client, struct tcp_pcb *pcb)
{
    tcp_abort(pcb);
    object_close(client);
    skip_frames();
}

// The SYN's round trip counts if it was sent once. Lost ones make what follows careful.
static void test_answered(void)
{
    struct ts_object *client = socket_create(TS_NET_TCP);
    struct tcp_pcb *pcb = connect_after(client, 40, 1);
    CHECK(pcb->recovery.smoothed == 40 * TS_MILLISECOND && pcb->cwnd == 10u * pcb->mss);
    end(client, pcb);
    client = socket_create(TS_NET_TCP);
    pcb = connect_after(client, 1040, 2);
    CHECK(pcb->recovery.smoothed == 0 && pcb->cwnd == 10u * pcb->mss);
    end(client, pcb);
    client = socket_create(TS_NET_TCP);
    pcb = connect_after(client, 3040, 3);
    CHECK(pcb->recovery.smoothed == 0 && pcb->cwnd == pcb->mss);
    end(client, pcb);
}

// What is written first, where no round trip is known because of the SYN, has three seconds.
static void test_first_time_out(void)
{
    struct seen seen = {0};
    struct call call;
    struct ts_object *client = socket_create(TS_NET_TCP);
    struct tcp_pcb *pcb = connect_after(client, 1040, 2);
    CHECK(call_now(&call, client, TS_OP_WRITE, 0, "x", 1, NULL, 0) == TS_OK);
    watch(&seen, 8900, ACK | 8u);
    CHECK(seen.count == 2 && seen.at[0] == 0 && seen.at[1] >= 3000 && seen.at[1] <= 3002);
    end(client, pcb);
}

// A peer that sends its SYN again gets the answer again, and the time goes on.
static void test_asked_again(void)
{
    struct seen seen = {0};
    struct call accept;
    call_start(&accept, listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    send_to_80(4001, 1000, 0, SYN);
    watch(&seen, 1500, SYN | ACK);
    check_times(&seen, 2);
    send_to_80(4001, 1000, 0, SYN);
    watch(&seen, 1000, SYN | ACK);
    CHECK(seen.count == 3 && seen.at[2] == 0);
    watch(&seen, 1000, SYN | ACK);
    CHECK(seen.count == 4 && seen.at[3] >= 500 && seen.at[3] <= 502);
    send_to_80(4001, 1001, seen.seq + 1, ACK);
    CHECK(accept.done && accept.status == TS_OK);
    struct tcp_pcb *pcb = find_pcb(4001);
    CHECK(pcb != NULL && pcb->recovery.resent == 0 && pcb->recovery.lost == 0);
    watch(&seen, 30000, SYN | ACK);
    CHECK(seen.count == 4);
    end(accept.minted, pcb);
}

int main(void)
{
    wire_start();
    introduce(THEM);
    fake_run(20000);
    skip_frames();
    listener = listen_on(80, 4);
    test_nobody_completes();
    test_nobody_answers();
    test_answered();
    test_first_time_out();
    test_asked_again();
    return 0;
}
