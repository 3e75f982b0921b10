// SPDX-License-Identifier: MIT
// Rules T of docs/invariants.md: deadlines over the whole range of their type, in every call and
// operation that takes one. Whether the machine has time for programs is seen from how much work
// one gets done: a storm of timer interrupts leaves next to nothing.
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdatomic.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/process.h>
#include <tessera/lib/thread.h>

#define PORTION_NS 2000000
#define TRIES      10
#define SLOWER     10u // than this many times is a storm

static struct pair pair;
static ts_handle_t event, ring_event;
static uint32_t word;
static uint64_t usual; // rounds of work in a portion of time

static const ts_time_t ahead[] = {INT64_MAX,        INT64_MAX - 1,          INT64_MAX - 1022,
                                  INT64_MAX - 1023, INT64_MAX - 1024,       INT64_MAX / 3 * 2,
                                  INT64_C(1) << 62, (INT64_C(1) << 62) - 1, INT64_C(1) << 54,
                                  INT64_C(1) << 48};
static const ts_time_t passed[] = {1, -1, -1024, -(INT64_C(1) << 62), INT64_MIN + 1, INT64_MIN};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static uint64_t work(void)
{
    uint64_t rounds = 0;
    ts_time_t end = ts_clock_now() + PORTION_NS;
    while (ts_clock_now() < end) {
        rounds++;
    }
    return rounds;
}

// The best of some portions: the host may be busy in any one of them.
static uint64_t best_work(void)
{
    uint64_t best = 0;
    for (unsigned i = 0; i < TRIES && (usual == 0 || best < usual / SLOWER); i++) {
        uint64_t rounds = work();
        best = rounds > best ? rounds : best;
    }
    return best;
}

// New threads are placed on the CPUs in turn. No deadline is used to wait for one: a timer that is
// earlier would hide a late one's storm.
#define PLACES 4u

static void run_elsewhere(void (*entry)(void *), void *argument)
{
    struct ts_thread thread;
    CHECK_OK(ts_thread_start(&thread, entry, argument, 16384, 0, TS_PRIORITY_INHERIT));
    CHECK_OK(ts_thread_join(&thread, TS_DEADLINE_NONE));
}

static void measure(void *out_rounds)
{
    *(uint64_t *)out_rounds = best_work();
}

static uint64_t interrupts(void)
{
    struct ts_system_statistics statistics;
    CHECK_OK(ts_system_statistics(ts_named_handle("system"), &statistics));
    return statistics.timer_interrupts;
}

// A portion of work at each place, during which few timers interrupt: the slices of threads, the
// services', and those of whatever deadlines are tested here.
static void check_no_storm(void)
{
    ts_time_t start = ts_clock_now();
    uint64_t before = interrupts();
    for (unsigned i = 0; i < PLACES; i++) {
        uint64_t rounds;
        run_elsewhere(measure, &rounds);
        CHECK(rounds >= usual / SLOWER);
    }
    uint64_t allowed = 50 + (uint64_t)(ts_clock_now() - start) / TS_MILLISECOND * 2;
    uint64_t came = interrupts() - before;
    if (came > allowed) {
        CHECK_EQUAL(came, allowed);
    }
}

static void begin(void)
{
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_event_create(0, &event));
    CHECK_OK(ts_event_create(0, &ring_event));
    word = 0;
    if (usual == 0) {
        usual = best_work();
    }
}

static void end(void)
{
    ts_close(event);
    ts_close(ring_event);
    pair_end(&pair);
}

// On the ring: four operations that wait, ids 1 to 4.
#define WAITS 4u

static void submit(void *out_status)
{
    *(ts_status_t *)out_status = ts_ring_submit(&pair.client);
}

static void submit_waits(ts_time_t deadline)
{
    struct ts_submission *slot = ts_ring_slot(&pair.client);
    slot->op = TS_OP_FUTEX_WAIT;
    slot->address = (uintptr_t)&word;
    slot->deadline = (uint64_t)deadline;
    slot->user_data = 1;
    ts_prepare_wait(ts_ring_slot(&pair.client), event, TS_SIGNAL_READABLE, deadline, 2);
    ts_prepare_read(ts_ring_slot(&pair.client), pair.object, NULL, 0, 0, deadline, 3);
    ts_prepare_timeout(ts_ring_slot(&pair.client), deadline, 4);
    ts_status_t status;
    run_elsewhere(submit, &status);
    CHECK_OK(status);
}

static void rule_t01_deadlines_far_ahead_are_quiet(void)
{
    begin();
    for (unsigned i = 0; i < COUNT(ahead); i++) {
        submit_waits(ahead[i]);
        check_no_storm();
        pair_no_completion(&pair);
        for (uint64_t id = 1; id <= WAITS; id++) {
            pair_cancel(&pair, id, 0, 10);
            CHECK_EQUAL(pair_completion(&pair, id).status, TS_ERR_CANCELLED);
            CHECK_OK(pair_completion(&pair, 10).status);
        }
    }
    end();
}

static void rule_t01_deadlines_that_passed_are_over_at_once(void)
{
    begin();
    for (unsigned i = 0; i < COUNT(passed); i++) {
        submit_waits(passed[i]);
        unsigned seen = 0;
        while (seen != 0x1e) {
            struct ts_event got;
            if (!ts_ring_next(&pair.client, &got)) {
                CHECK_OK(ts_ring_enter(&pair.client, 1, patience()));
                continue;
            }
            CHECK(got.user_data >= 1 && got.user_data <= WAITS && !(seen >> got.user_data & 1));
            seen |= 1u << got.user_data;
            ts_status_t timeout = passed[i] > 0 ? TS_OK : TS_ERR_ARGUMENT;
            CHECK_EQUAL(got.status, got.user_data == 4 ? timeout : TS_ERR_TIMED_OUT);
        }
        CHECK_EQUAL(ts_futex_wait(&word, 0, passed[i]), TS_ERR_TIMED_OUT);
        CHECK_EQUAL(ts_wait(event, TS_SIGNAL_READABLE, passed[i], NULL), TS_ERR_TIMED_OUT);
        CHECK_EQUAL(ts_ring_enter(&pair.client, 1, passed[i]), TS_ERR_TIMED_OUT);
        CHECK_EQUAL(ts_read(pair.object, NULL, 0, 0, passed[i], &(size_t){0}), TS_ERR_TIMED_OUT);
        check_no_storm();
    }
    end();
}

// ---- Calls, in a thread each

enum call { FUTEX, WAIT, READ, ENTER, CALLS };

static struct caller {
    struct ts_thread thread;
    ts_time_t deadline;
    ts_status_t status;
    _Atomic bool begun, over;
} callers[CALLS];

static void make_call(void *argument)
{
    struct caller *caller = argument;
    size_t bytes;
    atomic_store(&caller->begun, true);
    switch ((enum call)(caller - callers)) {
    case FUTEX: caller->status = ts_futex_wait(&word, 0, caller->deadline); break;
    case WAIT: caller->status = ts_wait(event, TS_SIGNAL_READABLE, caller->deadline, NULL); break;
    case READ: caller->status = ts_read(pair.object, NULL, 0, 0, caller->deadline, &bytes); break;
    default: caller->status = ts_ring_enter(&pair.client, 1, caller->deadline); break;
    }
    atomic_store(&caller->over, true);
}

static void release_callers(void)
{
    ts_time_t limit = patience();
    while (ts_futex_wake(&word, 1) == 0 && ts_clock_now() < limit) {
        ts_sleep_until(in_ms(1)); // it is about to wait
    }
    CHECK_OK(ts_event_signal(event, 1));
    CHECK_OK(ts_event_signal(ring_event, 1));
    pair_reply(&pair, pair_event(&pair, TS_EVENT_REQUEST).value, TS_OK, 0);
    for (unsigned i = 0; i < CALLS; i++) {
        CHECK_OK(ts_thread_join(&callers[i].thread, patience()));
        CHECK_OK(callers[i].status);
    }
}

static void rule_t01_calls_may_wait_until_the_end_of_time(void)
{
    begin();
    for (unsigned i = 0; i < COUNT(ahead); i++) {
        ts_prepare_wait(ts_ring_slot(&pair.client), ring_event, TS_SIGNAL_READABLE,
                        TS_DEADLINE_NONE, 1);
        for (unsigned c = 0; c < CALLS; c++) {
            callers[c].deadline = ahead[i];
            callers[c].begun = callers[c].over = false;
            CHECK_OK(ts_thread_start(&callers[c].thread, make_call, &callers[c], 16384, 0,
                                     TS_PRIORITY_INHERIT));
        }
        for (unsigned c = 0; c < CALLS; c++) {
            while (!atomic_load(&callers[c].begun)) {
                ts_sleep_until(in_ms(1));
            }
        }
        ts_sleep_until(in_ms(5));
        check_no_storm();
        for (unsigned c = 0; c < CALLS; c++) {
            CHECK(!atomic_load(&callers[c].over));
        }
        release_callers();
        (void)pair_completion(&pair, 1);
        end();
        begin();
    }
    end();
}

// A deadline soon is neither forgotten nor early, whatever else is armed.
static void rule_t01_a_deadline_is_never_early(void)
{
    begin();
    submit_waits(INT64_MAX);
    (void)pair_event(&pair, TS_EVENT_REQUEST);
    for (unsigned i = 0; i < 20; i++) {
        ts_time_t deadline = ts_deadline_in(i * INT64_C(100300));
        CHECK_EQUAL(ts_futex_wait(&word, 0, deadline), TS_ERR_TIMED_OUT);
        CHECK(ts_clock_now() >= deadline);
        ts_prepare_timeout(ts_ring_slot(&pair.server), deadline = ts_deadline_in(70001), i);
        CHECK_OK(ts_ring_enter(&pair.server, 1, patience()));
        CHECK(ts_clock_now() >= deadline);
        struct ts_event got;
        while (ts_ring_next(&pair.server, &got)) {
        }
    }
    end();
}

// ---- Many that are due all the time

#define BUSY 1024u

// More than a CPU can deal with: it has time for programs all the same.
static void rule_t03_timers_leave_time_for_threads(void)
{
    static struct ts_ring_queue rings[4];
    begin();
    for (unsigned r = 0; r < 4; r++) {
        CHECK_OK(ts_ring_create(&rings[r], BUSY, 2 * BUSY, BUSY));
        for (unsigned i = 0; i < BUSY; i++) {
            struct ts_submission *slot = ts_ring_slot(&rings[r]);
            ts_prepare_timeout(slot, ts_deadline_in(50000), i);
            slot->flags = TS_FLAG_MULTI;
            slot->offset = 50000;
        }
        CHECK_OK(ts_ring_submit(&rings[r]));
    }
    uint64_t rounds = best_work();
    tap_note("work with timers: %u of 100", (unsigned)(rounds * 100 / usual));
    for (unsigned r = 0; r < 4; r++) {
        ts_ring_destroy(&rings[r]);
    }
    CHECK(rounds >= usual / SLOWER);
    end();
}

int main(void)
{
    static const struct tap_test tests[] = {
        TAP(rule_t01_deadlines_far_ahead_are_quiet),
        TAP(rule_t01_deadlines_that_passed_are_over_at_once),
        TAP(rule_t01_calls_may_wait_until_the_end_of_time),
        TAP(rule_t01_a_deadline_is_never_early),
        TAP(rule_t03_timers_leave_time_for_threads),
    };
    return TAP_RUN(tests);
}
