// SPDX-License-Identifier: MIT
// What readings of the battery-backed clock say (apps/srv/init/wall.h), over machines that stand
// still, drift, or were set; and the arithmetic of a slew.
#include "wall.h"

#include <tessera/abi/clock.h>

#include "tests/host/check.h"

#define MS    TS_MILLISECOND
#define START (INT64_C(1796000000) * TS_SECOND) // the true time at monotonic 0, and a part of it
#define PHASE (INT64_C(437) * MS)

// A machine: how far its realtime is from its monotonic time, and what is true.
struct machine {
    struct wall wall;
    ts_time_t now;
    int64_t truth, offset; // less the monotonic time
    unsigned steps;
};

static struct machine boot(void)
{
    return (struct machine){.truth = START + PHASE, .offset = START};
}

// A period; its counter gains `drift` of a million.
static void run(struct machine *m, int64_t drift)
{
    m->now += WALL_PERIOD_NS;
    m->truth -= WALL_PERIOD_NS / 1000000 * drift;
    int64_t change = wall_reading(&m->wall, m->now, (m->now + m->truth) / TS_SECOND, m->offset);
    int64_t most = WALL_PERIOD_NS >> TS_CLOCK_SLEW_SHIFT;
    bool step = change >= TS_SECOND || change <= -TS_SECOND;
    m->steps += step;
    m->offset += step ? change : change > most ? most : change < -most ? -most : change;
}

static int64_t error(const struct machine *m)
{
    return m->offset > m->truth ? m->offset - m->truth : m->truth - m->offset;
}

static void run_many(struct machine *m, unsigned times, int64_t drift)
{
    for (unsigned i = 0; i < times; i++) {
        run(m, drift);
    }
}

static void test_the_part_of_a_second_is_found(void)
{
    struct machine m = boot();
    run_many(&m, 200, 0);
    CHECK(error(&m) < 50 * MS);
    CHECK_EQUAL(m.steps, 0);
}

static void test_a_stop_is_made_good_by_a_step(void)
{
    for (int64_t stop = 2500 * MS; stop < 4000 * TS_SECOND; stop = stop * 3 + 7 * MS) {
        for (int sign = -1; sign <= 1; sign += 2) {
            struct machine m = boot();
            run_many(&m, 200, 0);
            m.truth += sign * stop;
            run(&m, 0);
            CHECK_EQUAL(m.steps, 1);
            CHECK(error(&m) <= 1100 * MS);
            run_many(&m, 300, 0);
            CHECK_EQUAL(m.steps, 1);
            CHECK(error(&m) < 50 * MS);
        }
    }
}

static void test_drift_is_made_good_without_steps(void)
{
    for (int64_t drift = -2000; drift <= 2000; drift += 500) {
        struct machine m = boot();
        run_many(&m, 300, 0);
        for (unsigned i = 0; i < 3000; i++) {
            run(&m, drift);
            CHECK(error(&m) < 1100 * MS);
        }
        CHECK_EQUAL(m.steps, 0);
    }
}

// A better clock is not pulled to the battery's, but a stop is told of.
static void test_a_trusted_clock_is_left_but_for_jumps(void)
{
    struct machine m = boot();
    m.offset = m.truth + 700 * MS;
    m.wall.trusted_until = INT64_MAX;
    run_many(&m, 200, 0);
    CHECK_EQUAL(m.offset, m.truth + 700 * MS);
    m.truth += 10 * TS_SECOND;
    run(&m, 0);
    int64_t kept = m.offset - 700 * MS - m.truth;
    CHECK(kept < 600 * MS && kept > -600 * MS);
    CHECK_EQUAL(m.steps, 1);
    m.wall.trusted_until = 0;
    run_many(&m, 600, 0);
    CHECK(error(&m) < 50 * MS);
}

static void test_a_clock_that_was_written_is_no_jump(void)
{
    struct machine m = boot();
    run_many(&m, 20, 0);
    m.truth += 500 * TS_SECOND;
    m.offset = m.truth;
    wall_forget(&m.wall);
    run_many(&m, 20, 0);
    CHECK_EQUAL(m.offset, m.truth);
    CHECK_EQUAL(m.steps, 0);
}

static void test_only_what_is_far_from_the_battery_is_written_to_it(void)
{
    struct machine m = boot();
    CHECK(!wall_is_far(&(struct wall){0}, INT64_MAX)); // nothing was read
    run_many(&m, 20, 0);
    CHECK(!wall_is_far(&m.wall, m.truth + 900 * MS));
    CHECK(!wall_is_far(&m.wall, m.truth - 900 * MS));
    CHECK(wall_is_far(&m.wall, m.truth + 3 * TS_SECOND));
    CHECK(wall_is_far(&m.wall, m.truth - 3 * TS_SECOND));
}

static void test_a_slew_goes_on_and_ends(void)
{
    static const int64_t slews[] = {0,         1,         -1,        999 * MS,  -999 * MS,
                                    INT64_MIN, INT64_MAX, TS_SECOND, -TS_SECOND};
    for (unsigned i = 0; i < sizeof(slews) / sizeof(slews[0]); i++) {
        int64_t last = 5 * MS;
        CHECK_EQUAL(ts_clock_slewed(10 * MS, slews[i], 5 * MS), 0);
        CHECK_EQUAL(ts_clock_slewed(INT64_MAX, slews[i], 0), 0);
        for (int64_t now = 6 * MS; now < 600 * TS_SECOND; now += now / 64 + 1) {
            int64_t part = ts_clock_slewed(10 * MS, slews[i], now);
            CHECK(slews[i] < 0 ? part <= 0 && part >= slews[i] : part >= 0 && part <= slews[i]);
            CHECK(now + part > last); // the realtime goes on
            last = now + part;
        }
        if (slews[i] >= -TS_SECOND && slews[i] <= TS_SECOND) {
            CHECK_EQUAL(ts_clock_slewed(10 * MS, slews[i], 300 * TS_SECOND), slews[i]);
        }
    }
}

int main(void)
{
    test_the_part_of_a_second_is_found();
    test_a_stop_is_made_good_by_a_step();
    test_drift_is_made_good_without_steps();
    test_a_trusted_clock_is_left_but_for_jumps();
    test_a_clock_that_was_written_is_no_jump();
    test_only_what_is_far_from_the_battery_is_written_to_it();
    test_a_slew_goes_on_and_ends();
    return 0;
}
