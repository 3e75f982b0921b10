// SPDX-License-Identifier: MIT
// Loss is found and mended: a file goes over simulated lines (line.h), and what was sent again, how
// often and how soon is counted. A round trip is 20 ms where nothing else is said.
#include <lwip/tcp.h>

#include "line.h"
#include "wire.h"

#define SEGMENT 1460u
#define TRIP    20u // ms

static struct ts_object *listener;

static struct line_result run(const char *name, struct line line)
{
    struct line_result r = line_transfer(listener, &line);
    printf("# %s: %u ms, gap %u, %u segments, %u again, %u twice, %u lost\n", name, r.ms, r.gap,
           r.segments, r.again, r.twice, r.lost);
    CHECK(r.whole);
    return r;
}

// ---- What is lost, by number of the segment

static bool is_one(uint32_t at, unsigned time)
{
    return at == 100 * SEGMENT && time == 1;
}

static bool is_every_other(uint32_t at, unsigned time)
{
    return at >= 100 * SEGMENT && at < 120 * SEGMENT && at / SEGMENT % 2 == 0 && time == 1;
}

static bool is_one_thrice(uint32_t at, unsigned time)
{
    return at == 100 * SEGMENT && time <= 3;
}

static bool is_tail(uint32_t at, unsigned time)
{
    return at >= 97 * SEGMENT && time == 1;
}

static bool is_first_time(uint32_t at, unsigned time)
{
    (void)at;
    return time == 1;
}

static bool is_long_row(uint32_t at, unsigned time)
{
    return at >= 60 * SEGMENT && at < 200 * SEGMENT && time == 1;
}

// ---- One of each

// Nothing is sent twice where nothing is lost.
static void test_clean(void)
{
    struct line_result r = run("clean", (struct line){.size = 1 << 20, .delay = TRIP / 2});
    CHECK(r.again == 0 && r.gap <= TRIP + 2);
    r = run("100 ms", (struct line){.size = 4 << 20, .delay = 50});
    CHECK(r.again == 0 && r.ms < 1400); // by a window of 64 KiB it would take 6,400
}

// A lost segment is sent again once, a round trip after it was missed; so are several.
static void test_holes(void)
{
    struct line_result r =
        run("one", (struct line){.size = 1 << 20, .delay = TRIP / 2, .loses = is_one});
    CHECK(r.again == 1 && r.twice == 0 && r.gap <= 2 * TRIP + 2);
    r = run("ten", (struct line){.size = 1 << 20, .delay = TRIP / 2, .loses = is_every_other});
    CHECK(r.again == 10 && r.twice == 0 && r.gap <= 3 * TRIP);
}

// What was sent again and lost again is noticed without a time-out (RFC 8985).
static void test_lost_again(void)
{
    struct line_result r =
        run("thrice", (struct line){.size = 1 << 20, .delay = TRIP / 2, .loses = is_one_thrice});
    CHECK(r.again == 3 && r.twice == 0 && r.gap <= 5 * TRIP);
}

// Nothing comes after the last segments that could show that they are missing: a probe does.
static void test_tail(void)
{
    struct line_result r =
        run("tail", (struct line){.size = 100 * SEGMENT, .delay = TRIP / 2, .loses = is_tail});
    CHECK(r.lost == 3 && r.again == 3 && r.gap <= 6 * TRIP);
}

// A time-out, where nothing is left to show anything.
static void test_time_out(void)
{
    struct line_result r =
        run("single", (struct line){.size = 1000, .delay = TRIP / 2, .loses = is_first_time});
    CHECK(r.again == 1 && r.gap <= 300);
    r = run("row", (struct line){.size = 1 << 20, .delay = TRIP / 2, .loses = is_long_row});
    CHECK(r.twice == 0 && r.gap <= 300 && r.ms < 2000);
}

// A peer without the option: one hole a round trip (RFC 6582), and no time-out either.
static void test_plain(void)
{
    struct line line = {.size = 1 << 20, .delay = TRIP / 2, .loses = is_one, .plain = true};
    struct line_result r = run("plain, one", line);
    CHECK(r.again == 1 && r.twice == 0 && r.gap <= 2 * TRIP + 2);
    line.loses = is_every_other;
    r = run("plain, ten", line);
    CHECK(r.again == 10 && r.twice == 0 && r.gap <= 2 * TRIP + 2 && r.ms < 700);
}

// Other orders, doubles and a line that stands still are not taken for loss, or not for long.
static void test_no_loss(void)
{
    struct line_result r =
        run("reorder",
            (struct line){.size = 4 << 20, .delay = TRIP / 2, .held = 20, .hold = 10, .seed = 1});
    CHECK(r.again <= 20);
    r = run("double", (struct line){.size = 4 << 20, .delay = TRIP / 2, .doubled = 20, .seed = 1});
    CHECK(r.again == 0 && r.twice > 30);
    r = run("stall",
            (struct line){.size = 4 << 20, .delay = TRIP / 2, .stall_at = 100, .stall_for = 500});
    CHECK(r.again <= 12 && r.ms < 1000);
}

// A round trip in which each acknowledgement took so long.
static void go_round(struct tcp_pcb *pcb, unsigned ms)
{
    for (unsigned i = 0; i < 10; i++) {
        congestion_trip(pcb, ms * TS_MILLISECOND);
        congestion_grow(pcb, SEGMENT, fake_now);
    }
    congestion_round(pcb);
}

// Slow start is slower where a queue fills, goes on where that is over, and ends where the queue is
// as long as the path.
static void test_slow_start(void)
{
    static struct tcp_pcb pcb = {.mss = SEGMENT};
    congestion_begin(&pcb);
    go_round(&pcb, TRIP);
    go_round(&pcb, TRIP);
    CHECK(pcb.cwnd == 30 * SEGMENT);
    go_round(&pcb, TRIP + 5);
    uint32_t before = pcb.cwnd;
    go_round(&pcb, TRIP + 10);
    CHECK(pcb.cwnd == before + 10 * (SEGMENT / 4) && pcb.ssthresh > pcb.cwnd);
    go_round(&pcb, TRIP - 1);
    CHECK(pcb.cwnd > before + 10 * (SEGMENT / 4) + 2 * SEGMENT);
    go_round(&pcb, TRIP + 5);
    go_round(&pcb, 2 * TRIP);
    CHECK(pcb.ssthresh <= pcb.cwnd);
}

// ---- Lies

static unsigned lie_count;

// It has all that follows the hole; after some time it forgets that (RFC 2018, 8).
static unsigned renege(uint32_t *blocks, unsigned count, uint32_t acknowledged)
{
    if (++lie_count > 60) {
        return count;
    }
    blocks[0] = acknowledged + SEGMENT;
    blocks[1] = acknowledged + 3 * SEGMENT;
    return 1;
}

static unsigned anything(uint32_t *blocks, unsigned count, uint32_t acknowledged)
{
    if (random_below(2) == 0) {
        return count;
    }
    for (unsigned i = 0; i < 8; i++) {
        uint32_t near = acknowledged + random_below(200000) - 50000;
        blocks[i] = random_below(4) == 0 ? (uint32_t)random_next() : near;
    }
    return random_below(5);
}

// Whole windows in pieces of a byte: no segment is marked by them.
static unsigned crumbs(uint32_t *blocks, unsigned count, uint32_t acknowledged)
{
    (void)count;
    for (unsigned i = 0; i < 4; i++) {
        blocks[2 * i] = acknowledged + 1 + random_below(100000);
        blocks[2 * i + 1] = blocks[2 * i] + 1;
    }
    return 4;
}

static void test_lies(void)
{
    struct line line = {.size = 1 << 18, .delay = TRIP / 2, .loses = is_one, .lies = renege};
    lie_count = 0;
    struct line_result r = run("renege", line);
    CHECK(r.gap < 1500);
    line.lies = crumbs;
    r = run("crumbs", line);
    CHECK(r.again <= 2);
    for (unsigned seed = 0; seed < 5; seed++) {
        line = (struct line){
            .size = 1 << 18, .delay = TRIP / 2, .loss = 20, .seed = seed, .lies = anything};
        run("anything", line);
    }
}

// Every line with every seed: the file is whole, and nobody waits for long.
static void test_many(void)
{
    static const unsigned delays[] = {0, 10, 50}, losses[] = {10, 30, 50};
    for (unsigned i = 0; i < 45; i++) {
        struct line line = {.size = 1 << 17,
                            .delay = delays[i % 3],
                            .loss = losses[i / 3 % 3],
                            .doubled = i % 4 == 0 ? 20 : 0,
                            .held = i % 4 == 1 ? 20 : 0,
                            .hold = 10,
                            .plain = i % 15 == 14,
                            .seed = 100 + i};
        struct line_result r = line_transfer(listener, &line);
        CHECK(r.whole);
        if (!line.plain && r.gap > 1500) {
            printf("# seed %u: gap %u ms\n", i, r.gap);
        }
        CHECK(line.plain || r.gap <= 1500);
    }
}

int main(void)
{
    wire_start();
    fake_run(2000);
    listener = listen_on(80, 4);
    test_clean();
    test_holes();
    test_lost_again();
    test_tail();
    test_time_out();
    test_plain();
    test_no_loss();
    test_slow_start();
    test_lies();
    test_many();
    return 0;
}
