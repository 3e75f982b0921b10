// SPDX-License-Identifier: MIT
// Rules S of docs/invariants.md: signals and those who wait for them.
#include "lib/pair.h"
#include "lib/tap.h"

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
    CHECK_OK(ts_wait(pair.object, 1u << 20, in_ms(1000), &seen));
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
                    0, 1);
    pair_submit(&pair);
    struct ts_event done = pair_completion(&pair, 1);
    CHECK_OK(done.status);
    CHECK_EQUAL(done.value & TS_SIGNAL_READABLE, TS_SIGNAL_READABLE);
    pair_no_completion(&pair); // one-shot
    pair_end(&pair);
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
    for (uint64_t i = 0; i < 8; i++)
        ts_prepare_nop(ts_ring_slot(&ring), 100 + i);
    CHECK_OK(ts_ring_enter(&ring, 8, in_ms(1000))); // full
    for (int i = 0; i < 50; i++)
        CHECK_OK(ts_event_signal(bell, 2));
    for (int i = 0; i < 8; i++)
        CHECK(ts_ring_next(&ring, &event));
    CHECK_OK(ts_ring_enter(&ring, 1, in_ms(1000)));
    CHECK(ts_ring_next(&ring, &event));
    CHECK_EQUAL(event.user_data, 1);
    CHECK_EQUAL(event.value, 100);
    CHECK(!ts_ring_next(&ring, &event));
    ts_ring_destroy(&ring);
    ts_close(bell);
}

static void rule_s04_one_waiter_takes_the_count(void)
{
    struct ts_ring_queue ring;
    struct ts_event event;
    ts_handle_t bell;
    uint64_t signals, count;
    CHECK_OK(ts_ring_create(&ring, 8, 8, 8));
    CHECK_OK(ts_event_create(0, &bell));
    for (uint64_t i = 0; i < 3; i++)
        ts_prepare_wait(ts_ring_slot(&ring), bell, TS_SIGNAL_READABLE, 0, i);
    CHECK_OK(ts_ring_submit(&ring));
    CHECK_OK(ts_event_signal(bell, 5));
    CHECK_OK(ts_ring_enter(&ring, 1, in_ms(1000)));
    CHECK(ts_ring_next(&ring, &event));
    CHECK(event.user_data == 0 && event.value == 5); // who came first
    CHECK_EQUAL(ts_ring_enter(&ring, 1, in_ms(10)), TS_ERR_TIMED_OUT);
    CHECK_OK(ts_get_u64(bell, TS_PROPERTY_SIGNALS, &signals));
    CHECK_EQUAL(signals & TS_SIGNAL_READABLE, 0);
    CHECK_OK(ts_event_signal(bell, 6));
    CHECK_OK(ts_event_signal(bell, 7));
    CHECK_OK(ts_ring_enter(&ring, 2, in_ms(1000)));
    CHECK(ts_ring_next(&ring, &event) && event.user_data == 1 && event.value == 6);
    CHECK(ts_ring_next(&ring, &event) && event.user_data == 2 && event.value == 7);
    CHECK_OK(ts_event_signal(bell, UINT64_MAX)); // and it does not run over
    CHECK_OK(ts_event_signal(bell, UINT64_MAX));
    CHECK_OK(ts_event_wait(bell, in_ms(1000), &count));
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
        ts_prepare_wait(ts_ring_slot(&ring), pair.object, TS_SIGNAL_READABLE, 0, i);
    }
    CHECK_OK(ts_ring_submit(&ring));
    CHECK_OK(ts_port_signal(pair.port, 0, 0, TS_SIGNAL_READABLE));
    CHECK_OK(ts_ring_enter(&ring, OBSERVERS, in_ms(2000)));
    while (ts_ring_next(&ring, &event)) {
        CHECK_OK(event.status);
        CHECK(event.user_data < OBSERVERS && !told[event.user_data]);
        told[event.user_data] = true;
    }
    for (uint64_t i = 0; i < OBSERVERS; i++)
        CHECK(told[i]);
    ts_ring_destroy(&ring);
    pair_end(&pair);
}

int main(void)
{
    static const struct tap_test tests[] = {
        TAP(rule_s01_no_server_delays_a_look),    TAP(rule_s02_a_wait_for_what_is_set_is_over),
        TAP(rule_s03_a_watch_tells_each_rise),    TAP(rule_s03_unread_reports_coalesce),
        TAP(rule_s04_one_waiter_takes_the_count), TAP(rule_s05_all_of_many_observers_are_told),
    };
    return TAP_RUN(tests);
}
