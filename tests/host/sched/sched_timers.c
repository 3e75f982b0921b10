// SPDX-License-Identifier: MIT
// The timer wheel of kernel/core/timer_queue.c with deadlines of the whole range, on a clock that
// the test moves and a timer that interrupts when it says. Each timer that is not stopped expires
// once, not early, soon after its deadline, in its turn; and each interrupt that the wheel asks for
// has work to do, or is one of the few on the way down its levels.
#include <tests/host/check.h>

#include <arch/clock.h>
#include <arch/smp.h>
#include <core/time.h>
#include <core/timer_queue.h>
#include <cpu.h>
#include <base/statistics.h>
#include <panic.h>
#include <string.h>
#include <tessera/abi/status.h>

#define TIMERS 400
#define LEVELS 9

// ---- The machine

static struct cpu cpu;
static struct timer_queue queue;
struct statistics statistics_cpu[CPU_MAX];
static ts_time_t now, armed_for;

struct cpu *arch_cpu_self(void)
{
    return &cpu;
}

ts_time_t clock_now(void)
{
    return now;
}

void timer_arm(ts_time_t deadline)
{
    CHECK(deadline >= 0);
    armed_for = deadline;
}

void arch_smp_serve(void)
{}

void arch_cpu_relax(void)
{}

_Noreturn void panic(const char *format, ...)
{
    fprintf(stderr, "panic: %s\n", format);
    exit(1);
}

// ---- Timers, and what is known of them

static struct model {
    struct timer timer;
    bool armed;
    ts_time_t period; // the callback arms it again
} models[TIMERS];

static unsigned expired_now;
static uint64_t expired_all, interrupts_all;
static ts_time_t cost; // of a callback

static void expired(struct timer *timer)
{
    struct model *model = (struct model *)timer;
    CHECK(model->armed); // once
    CHECK(timer->deadline <= now);
    now += cost;
    expired_now++;
    model->armed = model->period != 0;
    if (model->armed) {
        uint64_t passed;
        timer_start(timer, time_next(timer->deadline < 0 ? 0 : timer->deadline, model->period, now,
                                     &passed));
    }
}

// What is due at `now` has expired. (A tick is 2^10 ns.)
static void check_nothing_is_late(void)
{
    for (unsigned i = 0; i < TIMERS; i++) {
        CHECK(!models[i].armed || models[i].timer.deadline < 0 ||
              models[i].timer.deadline >> TIME_TICK_SHIFT >= now >> TIME_TICK_SHIFT);
    }
}

// The machine's timer interrupts until `end`, exactly when asked, and as often.
static void run_until(ts_time_t end)
{
    unsigned idle = 0;
    while (armed_for != 0 && armed_for <= end) {
        if (armed_for > now) {
            now = armed_for;
        }
        expired_now = 0;
        timer_queue_expire();
        interrupts_all++;
        expired_all += expired_now;
        // Idle ones move timers down, 16 in each, and each timer at most once a level.
        idle = expired_now == 0 ? idle + 1 : 0;
        CHECK(idle <= LEVELS * (TIMERS / 16 + 1));
    }
    now = end > now ? end : now;
    check_nothing_is_late();
}

static ts_time_t any_time(void)
{
    switch (random_below(8)) {
    case 0: return INT64_MAX - (ts_time_t)random_below(3000);
    case 1: return -(ts_time_t)(random_next() >> 1 >> random_below(63)) - 1;
    case 2: return (ts_time_t)((INT64_C(1) << random_below(63)) - 2 + (int64_t)random_below(5));
    case 3: return time_add(now, (ts_time_t)random_below(5000));
    case 4: return time_add(now, (ts_time_t)random_below(100000000));
    default: return time_add(now, (ts_time_t)(random_next() >> 1 >> random_below(63)));
    }
}

static void change_one(void)
{
    struct model *model = &models[random_below(TIMERS)];
    timer_stop(&model->timer);
    model->armed = random_below(4) != 0;
    model->period = random_below(8) == 0 ? (ts_time_t)random_below(1000000) + 50000 : 0;
    if (model->armed) {
        timer_start(&model->timer, any_time());
    }
}

static void random_deadlines(void)
{
    for (unsigned step = 0; step < 60000; step++) {
        change_one();
        if (random_below(3) == 0) {
            run_until(time_add(now, (ts_time_t)(random_next() >> 1 >> (63 - random_below(24)))));
        }
        if (random_below(20) == 0) {
            timer_queue_expire(); // an interrupt that nobody asked for does no harm
        }
    }
}

// Deadlines that the clock never comes to leave the machine alone.
static void rule_t01_the_end_of_time_is_quiet(void)
{
    for (ts_time_t off = 0; off < 5000; off += 7) {
        timer_start(&models[0].timer, INT64_MAX - off);
        models[0].armed = true;
        CHECK(armed_for > now);
        for (unsigned i = 0; i < 10; i++) {
            timer_queue_expire();
            CHECK(armed_for > now);
        }
        timer_stop(&models[0].timer);
        models[0].armed = false;
        timer_queue_expire();
        CHECK_EQUAL(armed_for, 0);
    }
}

// More is due all the time than there is time for: threads have as long as each interrupt took, and
// each timer has its turn.
static void rule_t03_timers_leave_time_for_threads(void)
{
    ts_time_t begin = now, inside = 0;
    cost = 1000;
    for (unsigned i = 0; i < TIMERS; i++) {
        models[i].armed = true;
        models[i].period = 50000;
        timer_start(&models[i].timer, now + (ts_time_t)random_below(50000));
    }
    uint64_t before = expired_all;
    while (expired_all - before < 20 * TIMERS) {
        CHECK(armed_for > 0);
        now = armed_for > now ? armed_for : now;
        ts_time_t start = now;
        expired_now = 0;
        timer_queue_expire();
        expired_all += expired_now;
        inside += now - start;
        CHECK(expired_now < 16 || armed_for - now >= now - start);
        for (unsigned i = 0; i < TIMERS; i++) {
            CHECK(models[i].timer.deadline > now - 3 * TIMERS * cost);
        }
    }
    CHECK(inside <= (now - begin) / 2 + 16 * cost);
    for (unsigned i = 0; i < TIMERS; i++) {
        timer_stop(&models[i].timer);
        models[i].armed = false;
    }
    cost = 0;
}

// Who goes on making timers that are due already, more than an interrupt deals with, is behind
// those of others: each of these is at most as late as what was due before it takes.
static void rule_t03_what_is_due_already_comes_last(void)
{
    const ts_time_t passed[] = {1, -5, now, now - 200000};
    cost = 1000;
    for (unsigned i = 0; i < 100; i++) {
        models[i].period = 0; // each ends, and is made anew
    }
    for (unsigned kind = 0; kind < sizeof(passed) / sizeof(passed[0]); kind++) {
        struct model *other = &models[0];
        other->armed = true;
        timer_start(&other->timer, now + 50000);
        for (unsigned round = 0; other->armed; round++) {
            CHECK(round < TIMERS);
            for (unsigned i = 1; i < 100; i++) {
                if (!models[i].armed) {
                    models[i].armed = true;
                    timer_start(&models[i].timer, passed[kind]);
                }
            }
            now = armed_for > now ? armed_for : now;
            timer_queue_expire();
        }
        CHECK(now - other->timer.deadline < 3 * 100 * cost);
    }
    for (unsigned i = 0; i < 100; i++) {
        timer_stop(&models[i].timer);
        models[i].armed = false;
    }
    cost = 0;
}

// The same with deadlines that have passed and lie just ahead of the wheel, which is late.
static void rule_t03_what_lies_before_a_late_wheel_comes_last(void)
{
    struct model *other = &models[0];
    cost = 1000;
    for (unsigned i = 0; i < TIMERS; i++) {
        models[i].period = 0;
    }
    other->armed = true;
    timer_start(&other->timer, now + 10000000);
    while (other->armed) {
        ts_time_t aim = (ts_time_t)((queue.now + 2 * TIMER_SLOTS) << TIME_TICK_SHIFT);
        for (unsigned i = 1; i < TIMERS; i++) {
            if (!models[i].armed) {
                models[i].armed = true;
                timer_start(&models[i].timer, aim < now ? aim : TS_DEADLINE_PAST);
            }
        }
        now = armed_for > now ? armed_for : now;
        timer_queue_expire();
    }
    CHECK(now - other->timer.deadline < 3 * TIMERS * cost);
    for (unsigned i = 0; i < TIMERS; i++) {
        timer_stop(&models[i].timer);
        models[i].armed = false;
    }
    cost = 0;
}

// The clock comes to the end of its range all the same: what is due until then has expired, and
// what lies in the last tick is not.
static void all_times(void)
{
    for (unsigned i = 0; i < TIMERS; i++) {
        models[i].armed = true;
        models[i].period = 0;
        timer_start(&models[i].timer, any_time());
    }
    uint64_t before = interrupts_all;
    run_until(INT64_MAX >> TIME_TICK_SHIFT << TIME_TICK_SHIFT);
    CHECK(interrupts_all - before <= TIMERS * LEVELS);
    for (unsigned i = 0; i < TIMERS; i++) {
        CHECK(!models[i].armed || models[i].timer.deadline > now);
        timer_stop(&models[i].timer);
        models[i].armed = false;
    }
}

int main(void)
{
    cpu.self = &cpu;
    now = 12345678;
    timer_queue_init(&queue);
    for (unsigned i = 0; i < TIMERS; i++) {
        timer_init(&models[i].timer, expired);
    }
    rule_t01_the_end_of_time_is_quiet();
    rule_t03_timers_leave_time_for_threads();
    rule_t03_what_is_due_already_comes_last();
    rule_t03_what_lies_before_a_late_wheel_comes_last();
    random_deadlines();
    printf("%llu timers expired in %llu interrupts\n", (unsigned long long)expired_all,
           (unsigned long long)interrupts_all);
    for (unsigned i = 0; i < TIMERS; i++) {
        timer_stop(&models[i].timer);
    }
    memset(&models, 0, sizeof(models));
    for (unsigned i = 0; i < TIMERS; i++) {
        timer_init(&models[i].timer, expired);
    }
    all_times();
    return 0;
}
