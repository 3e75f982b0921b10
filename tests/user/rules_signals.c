// SPDX-License-Identifier: MIT
// Rules S of docs/invariants.md: signals and their waiters.
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdatomic.h>
#include <string.h>
#include <tessera/lib/event.h>
#include <tessera/lib/thread.h>

static struct pair pair;

static void rule_s01_no_server_delays_a_look(void)
{
    uint64_t signals;
    pair_begin(&pair, PAIR_REQUESTS, 0); // its server does not even enter its ring
    CHECK_OK(ts_port_signal(pair.port, 0, 0, TS_SIGNAL_WRITABLE | 1u << 20));
    CHECK_OK(ts_get_u64(pair.object, TS_PROPERTY_SIGNALS, &signals));
    CHECK_EQUAL(signals, TS_SIGNAL_WRITABLE | 1u << 20);
    ts_signals_t seen;
    CHECK_OK(ts_wait(pair.object, 1u << 20, patience(), &seen));
    CHECK_EQUAL(seen, TS_SIGNAL_WRITABLE | 1u << 20);
    CHECK_EQUAL(ts_wait(pair.object, TS_SIGNAL_READABLE, in_ms(5), &seen), TS_ERR_TIMED_OUT);
    pair_quiet(&pair);
    pair_end(&pair);
}

static void rule_s02_a_wait_for_what_is_set_is_over(void)
{
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_port_signal(pair.port, 0, 0, TS_SIGNAL_READABLE));
    ts_prepare_wait(ts_ring_slot(&pair.client), pair.object, TS_SIGNAL_READABLE | TS_SIGNAL_ERROR,
                    TS_DEADLINE_NONE, 1);
    pair_submit(&pair);
    struct ts_event done = pair_completion(&pair, 1);
    CHECK_OK(done.status);
    CHECK_EQUAL(done.value & TS_SIGNAL_READABLE, TS_SIGNAL_READABLE);
    pair_no_completion(&pair); // one-shot
    pair_end(&pair);
}

// A watch whose ring has no room gathers counts, up to the most that there is.
static void rule_s04_a_gathered_count_does_not_wrap(void)
{
    struct ts_ring_queue ring;
    struct ts_event event = {0};
    ts_handle_t counter;
    CHECK_OK(ts_event_create(0, &counter));
    CHECK_OK(ts_ring_create(&ring, 8, 8, 8));
    ts_prepare_watch(ts_ring_slot(&ring), counter, TS_SIGNAL_READABLE, 99);
    CHECK_OK(ts_ring_submit(&ring));
    for (uint64_t i = 0; i < 8; i++) {
        ts_prepare_nop(ts_ring_slot(&ring), i);
    }
    CHECK_OK(ts_ring_submit(&ring));
    CHECK_OK(ts_event_signal(counter, UINT64_MAX));
    CHECK_OK(ts_event_signal(counter, 5));
    while (event.user_data != 99) {
        if (!ts_ring_next(&ring, &event)) {
            CHECK_OK(ts_ring_enter(&ring, 1, patience()));
        }
    }
    CHECK_EQUAL(event.value, UINT64_MAX);
    ts_ring_destroy(&ring);
    ts_close(counter);
}

static void rule_s03_a_watch_tells_each_rise(void)
{
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_port_signal(pair.port, 0, 0, TS_SIGNAL_READABLE));
    ts_prepare_watch(ts_ring_slot(&pair.client), pair.object,
                     TS_SIGNAL_READABLE | TS_SIGNAL_WRITABLE, 1);
    pair_submit(&pair);
    struct ts_event event = pair_completion(&pair, 1); // set when it was armed
    CHECK(event.flags & TS_EVENT_MORE);
    CHECK_EQUAL(event.value, TS_SIGNAL_READABLE);
    CHECK_OK(ts_port_signal(pair.port, 0, 0, TS_SIGNAL_READABLE)); // no change, no news
    pair_no_completion(&pair);
    CHECK_OK(ts_port_signal(pair.port, 0, TS_SIGNAL_READABLE, 0));
    CHECK_OK(ts_port_signal(pair.port, 0, 0, TS_SIGNAL_READABLE));
    CHECK_EQUAL(pair_completion(&pair, 1).value, TS_SIGNAL_READABLE);
    CHECK_OK(ts_port_signal(pair.port, 0, 0, TS_SIGNAL_WRITABLE));
    CHECK_EQUAL(pair_completion(&pair, 1).value, TS_SIGNAL_WRITABLE);
    pair_cancel(&pair, 1, 0, 2);
    event = pair_completion(&pair, 1);
    CHECK_EQUAL(event.status, TS_ERR_CANCELLED);
    CHECK_EQUAL(event.flags & TS_EVENT_MORE, 0);
    CHECK_OK(pair_completion(&pair, 2).status);
    pair_end(&pair);
}

// Reports that have no room coalesce into one.
static void rule_s03_unread_reports_coalesce(void)
{
    struct ts_ring_queue ring;
    struct ts_event event;
    ts_handle_t bell;
    CHECK_OK(ts_ring_create(&ring, 8, 8, 8));
    CHECK_OK(ts_event_create(0, &bell));
    ts_prepare_watch(ts_ring_slot(&ring), bell, TS_SIGNAL_READABLE, 1);
    CHECK_OK(ts_ring_submit(&ring));
    for (uint64_t i = 0; i < 8; i++) {
        ts_prepare_nop(ts_ring_slot(&ring), 100 + i);
    }
    CHECK_OK(ts_ring_enter(&ring, 8, patience())); // full
    for (int i = 0; i < 50; i++) {
        CHECK_OK(ts_event_signal(bell, 2));
    }
    for (int i = 0; i < 8; i++) {
        CHECK(ts_ring_next(&ring, &event));
    }
    CHECK_OK(ts_ring_enter(&ring, 1, patience()));
    CHECK(ts_ring_next(&ring, &event));
    CHECK_EQUAL(event.user_data, 1);
    CHECK_EQUAL(event.value, 100);
    CHECK(!ts_ring_next(&ring, &event));
    ts_ring_destroy(&ring);
    ts_close(bell);
}

// Two threads signal one object, each its own bit and at the same moment, with more observers than
// are told in one hold of the object's lock: each observer hears of both.
enum { WATCHERS = 40 };
static struct both {
    atomic_uint round, done; // of the second thread
    atomic_bool over;
} both;

#define BIT_MINE   (1u << 16)
#define BIT_OTHERS (1u << 17)

static void signal_too(void *argument)
{
    (void)argument;
    for (unsigned round = 1;; round++) {
        while (atomic_load(&both.round) < round) {
            ts_thread_yield();
        }
        if (atomic_load(&both.over)) {
            break;
        }
        (void)ts_port_signal(pair.port, 0, 0, BIT_OTHERS);
        atomic_store(&both.done, round);
    }
}

// What each watcher was told since the last look. Nothing is on its way any more.
static void gather(struct ts_ring_queue *ring, ts_signals_t told[WATCHERS])
{
    struct ts_event event;
    do {
        while (ts_ring_next(ring, &event)) {
            CHECK(event.user_data < WATCHERS);
            told[event.user_data] |= (ts_signals_t)event.value;
        }
        CHECK_OK(ts_ring_enter(ring, 0, TS_DEADLINE_NONE));
    } while (ts_ring_unread(ring) != 0);
}

static void rule_s03_two_signals_at_once_reach_every_watcher(void)
{
    struct ts_ring_queue ring;
    struct ts_thread thread;
    memset(&both, 0, sizeof(both));
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_ring_create(&ring, 64, 128, 64));
    for (uint64_t i = 0; i < WATCHERS; i++) {
        ts_prepare_watch(ts_ring_slot(&ring), pair.object, BIT_MINE | BIT_OTHERS, i);
    }
    CHECK_OK(ts_ring_submit(&ring));
    CHECK_OK(ts_thread_start(&thread, signal_too, NULL, 1u << 16, 0, TS_PRIORITY_NORMAL));
    ts_time_t end = in_ms(800);
    unsigned round = 0, lost = 0;
    while (ts_clock_now() < end && lost == 0) {
        ts_signals_t told[WATCHERS] = {0};
        atomic_store(&both.round, ++round);
        CHECK_OK(ts_port_signal(pair.port, 0, 0, BIT_MINE));
        while (atomic_load(&both.done) < round) {
            ts_thread_yield();
        }
        gather(&ring, told);
        for (unsigned i = 0; i < WATCHERS; i++) {
            lost += told[i] != (BIT_MINE | BIT_OTHERS);
        }
        CHECK_OK(ts_port_signal(pair.port, 0, BIT_MINE | BIT_OTHERS, 0));
    }
    atomic_store(&both.over, true);
    atomic_store(&both.round, round + 1);
    CHECK_OK(ts_thread_join(&thread, patience()));
    tap_note("%u rounds", round);
    CHECK_EQUAL(lost, 0);
    ts_ring_destroy(&ring);
    pair_end(&pair);
}

static void rule_s04_one_waiter_takes_the_count(void)
{
    struct ts_ring_queue ring;
    struct ts_event event;
    ts_handle_t bell;
    uint64_t signals, count;
    CHECK_OK(ts_ring_create(&ring, 8, 8, 8));
    CHECK_OK(ts_event_create(0, &bell));
    for (uint64_t i = 0; i < 3; i++) {
        ts_prepare_wait(ts_ring_slot(&ring), bell, TS_SIGNAL_READABLE, TS_DEADLINE_NONE, i);
    }
    CHECK_OK(ts_ring_submit(&ring));
    CHECK_OK(ts_event_signal(bell, 5));
    CHECK_OK(ts_ring_enter(&ring, 1, patience()));
    CHECK(ts_ring_next(&ring, &event));
    CHECK(event.user_data == 0 && event.value == 5); // that came first
    CHECK_EQUAL(ts_ring_enter(&ring, 1, in_ms(10)), TS_ERR_TIMED_OUT);
    CHECK_OK(ts_get_u64(bell, TS_PROPERTY_SIGNALS, &signals));
    CHECK_EQUAL(signals & TS_SIGNAL_READABLE, 0);
    CHECK_OK(ts_event_signal(bell, 6));
    CHECK_OK(ts_event_signal(bell, 7));
    CHECK_OK(ts_ring_enter(&ring, 2, patience()));
    CHECK(ts_ring_next(&ring, &event) && event.user_data == 1 && event.value == 6);
    CHECK(ts_ring_next(&ring, &event) && event.user_data == 2 && event.value == 7);
    CHECK_OK(ts_event_signal(bell, UINT64_MAX)); // and it does not run over
    CHECK_OK(ts_event_signal(bell, UINT64_MAX));
    CHECK_OK(ts_event_wait(bell, patience(), &count));
    CHECK_EQUAL(count, UINT64_MAX);
    ts_ring_destroy(&ring);
    ts_close(bell);
}

// More than are told in one hold of the object's lock: each is told, and once.
static void rule_s05_all_of_many_observers_are_told(void)
{
    enum { OBSERVERS = 100 };
    struct ts_ring_queue ring;
    struct ts_event event;
    static bool told[OBSERVERS];
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_ring_create(&ring, 128, 128, 128));
    for (uint64_t i = 0; i < OBSERVERS; i++) {
        told[i] = false;
        ts_prepare_wait(ts_ring_slot(&ring), pair.object, TS_SIGNAL_READABLE, TS_DEADLINE_NONE, i);
    }
    CHECK_OK(ts_ring_submit(&ring));
    CHECK_OK(ts_port_signal(pair.port, 0, 0, TS_SIGNAL_READABLE));
    CHECK_OK(ts_ring_enter(&ring, OBSERVERS, patience()));
    while (ts_ring_next(&ring, &event)) {
        CHECK_OK(event.status);
        CHECK(event.user_data < OBSERVERS && !told[event.user_data]);
        told[event.user_data] = true;
    }
    for (uint64_t i = 0; i < OBSERVERS; i++) {
        CHECK(told[i]);
    }
    ts_ring_destroy(&ring);
    pair_end(&pair);
}

// A wait that outlives the handles keeps the object: no CLOSED, and its oid is not free.
static void begin_without_handles(unsigned multishot)
{
    pair_begin(&pair, PAIR_REQUESTS, 0);
    struct ts_submission *wait = ts_ring_slot(&pair.client);
    if (multishot) {
        ts_prepare_watch(wait, pair.object, TS_SIGNAL_READABLE, 1);
    } else {
        ts_prepare_wait(wait, pair.object, TS_SIGNAL_READABLE | TS_SIGNAL_CLOSED, TS_DEADLINE_NONE,
                        1);
    }
    pair_submit(&pair);
    ts_close(pair.object);
    pair.object = TS_HANDLE_NONE;
    pair_quiet(&pair);
    ts_handle_t next;
    CHECK_EQUAL(ts_port_mint(pair.port, 0, PAIR_TAG + 1, TS_RIGHTS_ALL, &next), TS_ERR_EXISTS);
}

// The wait is over: the server hears it, once, and the oid's next object has no part in it.
static void end_without_handles(void)
{
    struct ts_event closed = pair_event(&pair, TS_EVENT_CLOSED);
    CHECK(closed.oid == 0 && closed.tag == PAIR_TAG);
    CHECK_OK(ts_port_mint(pair.port, 0, PAIR_TAG + 1, TS_RIGHTS_ALL, &pair.object));
    CHECK_OK(ts_port_signal(pair.port, 0, 0, TS_SIGNAL_READABLE));
    pair_no_completion(&pair);
    pair_quiet(&pair);
    pair_end(&pair);
}

static void rule_s06_a_wait_keeps_its_object_until_a_signal(void)
{
    begin_without_handles(false);
    CHECK_OK(ts_port_signal(pair.port, 0, 0, TS_SIGNAL_READABLE));
    CHECK_EQUAL(pair_completion(&pair, 1).value, TS_SIGNAL_READABLE);
    end_without_handles();
}

static void rule_s06_a_watch_keeps_its_object_until_it_is_cancelled(void)
{
    begin_without_handles(true);
    CHECK_OK(ts_port_signal(pair.port, 0, 0, TS_SIGNAL_READABLE));
    struct ts_event event = pair_completion(&pair, 1);
    CHECK_EQUAL(event.value, TS_SIGNAL_READABLE);
    CHECK(event.flags & TS_EVENT_MORE);
    pair_quiet(&pair);
    pair_cancel(&pair, 1, 0, 2);
    CHECK_EQUAL(pair_completion(&pair, 1).status, TS_ERR_CANCELLED);
    CHECK_OK(pair_completion(&pair, 2).status);
    end_without_handles();
}

static void rule_s06_a_wait_keeps_its_object_until_it_is_revoked(void)
{
    begin_without_handles(false);
    CHECK_OK(ts_port_revoke(pair.port, 0));
    CHECK_EQUAL(pair_completion(&pair, 1).value, TS_SIGNAL_CLOSED);
    end_without_handles();
}

static void rule_s06_a_wait_keeps_its_object_until_its_ring_ends(void)
{
    begin_without_handles(true);
    ts_ring_destroy(&pair.client);
    pair.client.handle = TS_HANDLE_NONE;
    CHECK_EQUAL(pair_event(&pair, TS_EVENT_CLOSED).oid, 0);
    CHECK_OK(ts_port_mint(pair.port, 0, PAIR_TAG + 1, TS_RIGHTS_ALL, &pair.object));
    pair_quiet(&pair);
    pair_end(&pair);
}

struct sleeper {
    ts_handle_t object;
    ts_time_t deadline;
    ts_status_t status;
};

static void sleep_until(void *argument)
{
    struct sleeper *sleeper = argument;
    ts_signals_t seen;
    sleeper->status = ts_wait(sleeper->object, TS_SIGNAL_READABLE, sleeper->deadline, &seen);
}

// Whether the object's handle was closed after the thread had begun to wait; if so, it was kept.
static bool sleeps_without_handles(void)
{
    struct ts_thread thread;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    struct sleeper sleeper = {pair.object, in_ms(300), 1};
    CHECK_OK(ts_thread_start(&thread, sleep_until, &sleeper, 1u << 16, 0, TS_PRIORITY_NORMAL));
    pair_quiet(&pair); // it waits now, or the machine is busy
    ts_close(pair.object);
    CHECK_EQUAL(pair_event(&pair, TS_EVENT_CLOSED).oid, 0);
    ts_time_t closed = ts_clock_now();
    CHECK_OK(ts_thread_join(&thread, patience()));
    CHECK_OK(ts_port_mint(pair.port, 0, PAIR_TAG + 1, TS_RIGHTS_ALL, &pair.object));
    pair_end(&pair);
    if (sleeper.status == TS_ERR_HANDLE) {
        return false;
    }
    CHECK_EQUAL(sleeper.status, TS_ERR_TIMED_OUT);
    CHECK(closed >= sleeper.deadline);
    return true;
}

static void rule_s06_a_threads_wait_keeps_its_object_until_its_deadline(void)
{
    unsigned tries = 20;
    while (!sleeps_without_handles()) {
        CHECK(--tries > 0);
    }
}

// A thread looks at an object by a handle which another closes meanwhile, to mint its oid again
// with another signal: it sees the signal that belongs to its handle or TS_ERR_HANDLE.
#define LOOK_AFTER 64u // changes, one is seen

struct looks {
    _Atomic uint64_t now; // handle, and above it its signals
    atomic_bool over;
    _Atomic uint64_t seen;
    uint64_t wrong;
};

static void look_on(void *argument)
{
    struct looks *looks = argument;
    while (!atomic_load(&looks->over)) {
        uint64_t now = atomic_load(&looks->now), value = 0;
        ts_signals_t signals = 0;
        ts_status_t status = ts_wait((ts_handle_t)now, TS_SIGNALS_ALL, TS_DEADLINE_PAST, &signals);
        looks->seen += status == TS_OK;
        looks->wrong += status == TS_OK && signals != ts_pair_high(now);
        status = ts_get_u64((ts_handle_t)now, TS_PROPERTY_SIGNALS, &value);
        looks->wrong += status == TS_OK && value != ts_pair_high(now);
    }
}

static void rule_s06_nobody_hears_the_oids_next_object(void)
{
    static struct looks looks;
    struct ts_thread thread;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_port_signal(pair.port, 0, 0, 1u << 16));
    atomic_store(&looks.now, 1ull << 48 | pair.object);
    CHECK_OK(ts_thread_start(&thread, look_on, &looks, 1u << 16, 0, TS_PRIORITY_NORMAL));
    ts_time_t end = in_ms(400), limit = patience();
    for (unsigned i = 1; ts_clock_now() < end || i <= LOOK_AFTER; i++) {
        ts_close(pair.object);
        CHECK_EQUAL(pair_event(&pair, TS_EVENT_CLOSED).oid, 0);
        CHECK_OK(ts_port_mint(pair.port, 0, PAIR_TAG, TS_RIGHTS_ALL, &pair.object));
        ts_signals_t signal = 1u << (16 + i % 16);
        CHECK_OK(ts_port_signal(pair.port, 0, 0, signal));
        atomic_store(&looks.now, ts_pair(pair.object, signal));
        uint64_t seen = atomic_load(&looks.seen);
        while (i % LOOK_AFTER == 0 && atomic_load(&looks.seen) == seen && ts_clock_now() < limit) {
            ts_thread_yield(); // it has all the time that it needs
        }
    }
    atomic_store(&looks.over, true);
    CHECK_OK(ts_thread_join(&thread, patience()));
    CHECK(atomic_load(&looks.seen) != 0);
    CHECK_EQUAL(looks.wrong, 0);
    pair_end(&pair);
}

int main(void)
{
    static const struct tap_test tests[] = {
        TAP(rule_s01_no_server_delays_a_look),
        TAP(rule_s02_a_wait_for_what_is_set_is_over),
        TAP(rule_s04_a_gathered_count_does_not_wrap),
        TAP(rule_s03_a_watch_tells_each_rise),
        TAP(rule_s03_unread_reports_coalesce),
        TAP(rule_s03_two_signals_at_once_reach_every_watcher),
        TAP(rule_s04_one_waiter_takes_the_count),
        TAP(rule_s05_all_of_many_observers_are_told),
        TAP(rule_s06_a_wait_keeps_its_object_until_a_signal),
        TAP(rule_s06_a_watch_keeps_its_object_until_it_is_cancelled),
        TAP(rule_s06_a_wait_keeps_its_object_until_it_is_revoked),
        TAP(rule_s06_a_wait_keeps_its_object_until_its_ring_ends),
        TAP(rule_s06_a_threads_wait_keeps_its_object_until_its_deadline),
        TAP(rule_s06_nobody_hears_the_oids_next_object),
    };
    return TAP_RUN(tests);
}
