// SPDX-License-Identifier: MIT
#include "congestion.h"

#include <lwip/tcp.h>

#include "recovery.h"

#define MILLISECOND   INT64_C(1000000)
#define FIRST_WINDOW  10u // segments
#define LEAST_WINDOW  2u
#define WINDOW_MAX    (16u << 20)
#define LONGEST_CURVE INT64_C(100000) // ms on either side of the turning point

// RFC 9406, 4.3.
#define TRIPS_ENOUGH    8u
#define TRIP_MORE_LEAST (4 * MILLISECOND)
#define TRIP_MORE_MOST  (16 * MILLISECOND)
#define CAREFUL_GROWTH  4u
#define CAREFUL_ROUNDS  5u

static uint32_t min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

// 0.7 of it.
static uint32_t reduced(uint32_t window)
{
    return (uint32_t)((uint64_t)window * 7 / 10);
}

void congestion_begin(struct tcp_pcb *pcb)
{
    pcb->cwnd = FIRST_WINDOW * pcb->mss;
    pcb->ssthresh = WINDOW_MAX;
}

static int64_t cube_root(uint64_t value)
{
    uint64_t root = 0;
    for (int bit = 20; bit >= 0; bit--) {
        uint64_t next = root | UINT64_C(1) << bit;
        if (next * next * next <= value) {
            root = next;
        }
    }
    return (int64_t)root;
}

// The curve is 0.4 segments times the cube of the seconds from its turning point.
static void begin_epoch(struct tcp_pcb *pcb, int64_t now)
{
    struct congestion *c = &pcb->recovery.congestion;
    c->epoch = now;
    c->friendly = pcb->cwnd;
    c->grown = 0;
    c->origin = max(c->maximum, pcb->cwnd);
    uint64_t below = (c->origin - pcb->cwnd) / pcb->mss;
    c->turning = cube_root(below * UINT64_C(2500000000));
}

static uint32_t curve(const struct tcp_pcb *pcb, int64_t now)
{
    const struct congestion *c = &pcb->recovery.congestion;
    int64_t at = (now - c->epoch + pcb->recovery.least) / MILLISECOND - c->turning;
    if (at > LONGEST_CURVE) {
        at = LONGEST_CURVE;
    }
    if (at < -LONGEST_CURVE) {
        at = -LONGEST_CURVE;
    }
    int64_t target = (int64_t)c->origin + at * at * at / 1000 * (2 * pcb->mss / 5) / 1000000;
    int64_t low = pcb->cwnd, high = low + low / 2;
    return (uint32_t)(target < low ? low : target > high ? high : target);
}

// Adds bytes * by / window, and keeps what is left over.
static void add_share(struct tcp_pcb *pcb, uint32_t bytes, uint32_t by)
{
    struct congestion *c = &pcb->recovery.congestion;
    c->grown += (uint64_t)bytes * by;
    uint32_t whole = (uint32_t)(c->grown / pcb->cwnd);
    c->grown %= pcb->cwnd;
    pcb->cwnd = min(pcb->cwnd + whole, WINDOW_MAX);
}

// Queues fill when round trips become longer. Growth is slower then for some round trips, in which
// it shows whether they stay so. Once they are twice as long the window is twice what the path
// holds, which is enough after a loss too: more would only wait longer.
void congestion_trip(struct tcp_pcb *pcb, int64_t trip)
{
    struct congestion *c = &pcb->recovery.congestion;
    if (c->least == 0 || trip < c->least) {
        c->least = trip;
    }
    if (++c->samples < TRIPS_ENOUGH || c->least_before == 0) {
        return;
    }
    int64_t more = c->least_before / 8;
    more = more < TRIP_MORE_LEAST ? TRIP_MORE_LEAST : more > TRIP_MORE_MOST ? TRIP_MORE_MOST : more;
    if (c->careful == 0 && c->least >= c->least_before + more) {
        c->careful = 1;
        c->least_calm = c->least_before;
    } else if (c->careful > 0 && c->least < c->least_calm) {
        c->careful = 0;
    } else if (c->careful > 0 && c->least >= 2 * c->least_calm) {
        pcb->ssthresh = pcb->cwnd;
    }
}

void congestion_round(struct tcp_pcb *pcb)
{
    struct congestion *c = &pcb->recovery.congestion;
    c->least_before = c->least;
    c->least = c->samples = 0;
    if (c->careful > 0 && ++c->careful > CAREFUL_ROUNDS) {
        pcb->ssthresh = pcb->cwnd;
    }
}

void congestion_grow(struct tcp_pcb *pcb, uint32_t bytes, int64_t now)
{
    struct congestion *c = &pcb->recovery.congestion;
    if (pcb->cwnd < pcb->ssthresh) {
        if (c->careful > 0) {
            bytes /= CAREFUL_GROWTH;
        }
        uint32_t slow = min(bytes, pcb->ssthresh - pcb->cwnd);
        pcb->cwnd = min(pcb->cwnd + slow, WINDOW_MAX);
        bytes -= slow;
    }
    if (bytes == 0) {
        return;
    }
    if (c->epoch == 0) {
        begin_epoch(pcb, now);
    }
    // What Reno would have: 0.53 of a segment a round trip, since it gave up less at the loss.
    uint64_t share = (uint64_t)bytes * pcb->mss / pcb->cwnd;
    c->friendly += (uint32_t)(c->friendly < c->maximum ? share * 9 / 17 : share);
    uint32_t target = max(curve(pcb, now), min(c->friendly, WINDOW_MAX));
    if (target > pcb->cwnd) {
        add_share(pcb, bytes, target - pcb->cwnd);
    }
}

static void give_way(struct tcp_pcb *pcb)
{
    struct congestion *c = &pcb->recovery.congestion;
    c->before_window = pcb->cwnd;
    c->before_threshold = pcb->ssthresh;
    // One that gives up before it had what it had leaves that to others.
    c->maximum = pcb->cwnd < c->maximum ? (uint32_t)((uint64_t)pcb->cwnd * 17 / 20) : pcb->cwnd;
    c->epoch = 0;
    pcb->ssthresh = max(reduced(pcb->cwnd), LEAST_WINDOW * pcb->mss);
}

void congestion_loss(struct tcp_pcb *pcb, uint32_t flight)
{
    struct congestion *c = &pcb->recovery.congestion;
    give_way(pcb);
    c->delivered = c->sent = 0;
    c->flight = max(flight, 1);
}

void congestion_reduce(struct tcp_pcb *pcb, uint32_t delivered, uint32_t pipe, bool lost_more)
{
    struct congestion *c = &pcb->recovery.congestion;
    c->delivered += delivered;
    uint32_t more;
    if (pipe > pcb->ssthresh) {
        uint64_t due = ((uint64_t)c->delivered * pcb->ssthresh + c->flight - 1) / c->flight;
        more = due > c->sent ? (uint32_t)due - c->sent : 0;
    } else {
        more = c->delivered > c->sent ? c->delivered - c->sent : 0;
        if (!lost_more) {
            more = max(more, delivered) + pcb->mss;
        }
        more = min(more, pcb->ssthresh - pipe);
    }
    if (c->sent == 0) {
        more = max(more, pcb->mss); // the first that was lost goes at once
    }
    pcb->cwnd = min(pipe + more, WINDOW_MAX);
}

void congestion_repaired(struct tcp_pcb *pcb)
{
    pcb->cwnd = pcb->ssthresh;
}

void congestion_timeout(struct tcp_pcb *pcb, bool first)
{
    if (first) {
        give_way(pcb);
    }
    pcb->cwnd = pcb->mss;
}

void congestion_undo(struct tcp_pcb *pcb)
{
    struct congestion *c = &pcb->recovery.congestion;
    pcb->cwnd = max(pcb->cwnd, c->before_window);
    pcb->ssthresh = max(pcb->ssthresh, c->before_threshold);
    c->maximum = max(c->maximum, c->before_window);
    c->epoch = 0;
}

void congestion_idle(struct tcp_pcb *pcb)
{
    pcb->ssthresh = max(pcb->ssthresh, pcb->cwnd / 4 * 3);
    pcb->cwnd = min(pcb->cwnd, FIRST_WINDOW * pcb->mss);
    pcb->recovery.congestion.epoch = 0;
}
