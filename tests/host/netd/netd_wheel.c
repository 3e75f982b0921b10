// SPDX-License-Identifier: MIT
// The timers of connections against a list of when each was set for.
#include "tests/host/check.h"
#include "wheel.h"

#define TIMERS      64u
#define MILLISECOND INT64_C(1000000)

static struct wheel_timer timers[TIMERS];
static int64_t wanted[TIMERS]; // 0: not set
static int64_t now = 5000 * MILLISECOND;
static unsigned fired_count;

static void fired(struct wheel_timer *timer)
{
    unsigned i = (unsigned)(timer - timers);
    CHECK(wanted[i] != 0 && wanted[i] <= now); // not early, and once
    wanted[i] = 0;
    fired_count++;
    if (random_below(4) == 0) { // another one goes while its list is walked
        unsigned other = (unsigned)random_below(TIMERS);
        wheel_remove(&timers[other]);
        wanted[other] = 0;
    }
}

static void change(void)
{
    unsigned i = (unsigned)random_below(TIMERS);
    unsigned what = (unsigned)random_below(8);
    if (what == 0) {
        wheel_stop(&timers[i]);
        wanted[i] = 0;
    } else if (what == 1) {
        wheel_remove(&timers[i]);
        wanted[i] = 0;
    } else {
        int64_t far = what == 2 ? 5000 : what < 5 ? 300 : 5;
        wanted[i] = now + 1 + (int64_t)random_below((uint64_t)(far * MILLISECOND));
        wheel_set(&timers[i], now, wanted[i]);
    }
}

int main(void)
{
    CHECK(wheel_next() == INT64_MAX);
    for (unsigned round = 0; round < 200000; round++) {
        for (uint64_t changes = random_below(4); changes > 0; changes--) {
            change();
        }
        int64_t steps = random_below(50) == 0 ? 3000 : (int64_t)random_below(20);
        now += steps * MILLISECOND / 4;
        int64_t next = wheel_next();
        for (unsigned i = 0; i < TIMERS; i++) {
            CHECK(wanted[i] == 0 || next <= wanted[i] + MILLISECOND); // a waiter is woken
        }
        wheel_run(now, fired);
        for (unsigned i = 0; i < TIMERS; i++) {
            CHECK(wanted[i] == 0 || wanted[i] > now - MILLISECOND); // nor late
        }
    }
    CHECK(fired_count > 10000);
    return 0;
}
