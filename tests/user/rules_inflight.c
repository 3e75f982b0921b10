// SPDX-License-Identifier: MIT
// What is in flight while its sender dies or its port ends: rules H13 and D08 of
// docs/invariants.md. The program starts itself again, as the one that dies.
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdatomic.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/thread.h>

#define PROGRAM "test/rules_inflight"

#define COPIES 20000u // of one handle: to close them takes the dead one's teardown a while
#define SENT   0x1111u
#define OTHERS 300u

static struct pair pair;

// The one that dies. Its last handle, which is closed first, is the only one of an event, and is in
// transit in a request that nobody has taken.
static int send_and_wait(void)
{
    static struct ts_call call = {.in_handles = 1};
    struct ts_ring_queue ring;
    ts_handle_t filler, copy, ready = ts_named_handle("ready");
    if (ts_ring_create(&ring, 16, 16, 16) != TS_OK || ts_event_create(0, &filler) != TS_OK) {
        return 1;
    }
    for (unsigned i = 0; i < COPIES; i++) {
        if (ts_duplicate(filler, TS_RIGHTS_ALL, &copy) != TS_OK) {
            return 1;
        }
    }
    if (ts_event_create(SENT, &call.in_handle[0]) != TS_OK) {
        return 1;
    }
    ts_prepare_call(ts_ring_slot(&ring), ts_named_handle("target"), 1, &call, TS_DEADLINE_NONE, 7);
    if (ts_ring_submit(&ring) != TS_OK || ts_event_signal(ready, 1) != TS_OK) {
        return 1;
    }
    (void)ts_ring_enter(&ring, 1, TS_DEADLINE_NONE);
    return 2;
}

static ts_handle_t start(ts_handle_t ready)
{
    const char *arguments[] = {"rules_inflight", "send", NULL};
    struct ts_spawn_handle handles[] = {{"target", pair.object, TS_RIGHTS_ALL, false},
                                        {"ready", ready, TS_RIGHTS_ALL, false}};
    const struct ts_spawn spawn = {
        .name = "dies", .arguments = arguments, .handles = handles, .handle_count = 2};
    ts_handle_t process;
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &process));
    return process;
}

// Kills it and looks at the port as soon as its handles begin to go. True: the request came after.
static bool take_while_it_dies(ts_handle_t child, struct ts_event *event)
{
    struct ts_process_statistics statistics;
    CHECK_OK(ts_process_statistics(child, &statistics));
    uint64_t full = statistics.handles;
    CHECK_OK(ts_process_kill(child));
    do {
        CHECK_OK(ts_process_statistics(child, &statistics));
    } while (statistics.handles >= full);
    (void)ts_ring_enter(&pair.server, 0, TS_DEADLINE_NONE);
    return ts_ring_next(&pair.server, event) && event->kind == TS_EVENT_REQUEST;
}

// What was sent is what is taken, whatever has died since: made by nobody else, given to nobody
// else.
static void check_taken(uint64_t request)
{
    static ts_handle_t others[OTHERS];
    ts_handle_t taken;
    struct ts_taken own;
    uint64_t count;
    CHECK_OK(ts_port_take(pair.port, request, 0, &taken, &own));
    pair_no_completion(&pair); // time for a kernel that would free it
    for (uint64_t i = 0; i < OTHERS; i++) {
        CHECK_OK(ts_event_create(i, &others[i]));
    }
    CHECK_OK(ts_get_u64(taken, TS_PROPERTY_EVENT_COUNT, &count));
    CHECK_EQUAL(count, SENT);
    for (unsigned i = 0; i < OTHERS; i++) {
        bool same;
        CHECK_OK(ts_same(taken, others[i], &same));
        CHECK(!same);
    }
    ts_close(taken);
    for (uint64_t i = 0; i < OTHERS; i++) { // the others are not freed with it
        CHECK_OK(ts_get_u64(others[i], TS_PROPERTY_EVENT_COUNT, &count));
        CHECK_EQUAL(count, i);
        ts_close(others[i]);
    }
}

static void rule_h13_what_is_in_transit_outlives_its_senders_handles(void)
{
    unsigned came = 0;
    unsigned rounds = 0;
    for (; rounds < 4 || (came == 0 && rounds < 40); rounds++) { // they die fast, or we are slow
        ts_handle_t ready;
        struct ts_event event;
        uint64_t count;
        pair_begin(&pair, PAIR_REQUESTS, 0);
        CHECK_OK(ts_event_create(0, &ready));
        ts_handle_t child = start(ready);
        CHECK_OK(ts_event_wait(ready, patience(), &count));
        if (take_while_it_dies(child, &event)) {
            came++;
            check_taken(event.value);
            const struct ts_reply reply = {.id = event.value};
            (void)ts_port_reply(pair.port, &reply);
        }
        CHECK_OK(ts_process_wait(child, patience(), NULL));
        ts_close(child);
        ts_close(ready);
        pair_end(&pair);
    }
    tap_note("taken while its sender died: %u of %u", came, rounds);
    CHECK(came > 0); // else nothing was looked at
}

// A port ends while a thread takes from it and answers with new objects: each request ends, and
// the holder of an object of the port hears that it is closed.
static struct end {
    _Atomic ts_handle_t port; // 0: the round is over
    atomic_uint round, done;
    struct ts_ring_queue ring;
} ending;

static void answer(const struct ts_event *event)
{
    const struct ts_reply reply = {.id = event->value,
                                   .result = TS_REPLY_MINT,
                                   .object = 1 + ts_request_id_slot(event->value),
                                   .rights = TS_RIGHTS_ALL};
    (void)ts_port_reply(atomic_load(&ending.port), &reply);
}

static void serve(void *argument)
{
    (void)argument;
    for (unsigned round = 1;; round++) {
        struct ts_event event;
        while (atomic_load(&ending.round) < round) {
            ts_thread_yield();
        }
        if (atomic_load(&ending.port) == TS_HANDLE_NONE) {
            break;
        }
        for (unsigned i = 0; i < 4; i++) {
            (void)ts_ring_enter(&ending.ring, 0, TS_DEADLINE_NONE);
            while (ts_ring_next(&ending.ring, &event)) {
                if (event.kind == TS_EVENT_REQUEST) {
                    answer(&event);
                }
            }
        }
        atomic_store(&ending.done, round);
    }
}

// Each of the `count` calls has ended; what they brought is closed, or will be.
static void check_ended(struct ts_ring_queue *client, struct ts_call *calls, unsigned count)
{
    struct ts_event event;
    ts_signals_t seen;
    for (unsigned i = 0; i < count; i++) {
        while (!ts_ring_next(client, &event)) {
            CHECK_OK(ts_ring_enter(client, 1, patience()));
        }
        CHECK(event.user_data < count);
        if (event.status != TS_OK) {
            CHECK_EQUAL(event.status, TS_ERR_PEER_CLOSED);
            continue;
        }
        ts_handle_t object = calls[event.user_data].out_handle[0];
        CHECK_OK(ts_wait(object, TS_SIGNAL_CLOSED, patience(), &seen));
        ts_close(object);
    }
}

static void rule_d08_a_port_that_ends_leaves_nobody_waiting(void)
{
    enum { CALLS = 6 };
    static struct ts_call calls[CALLS];
    struct ts_ring_queue client;
    struct ts_thread thread;
    memset(&ending, 0, sizeof(ending));
    CHECK_OK(ts_ring_create(&ending.ring, 16, 16, 16));
    CHECK_OK(ts_ring_create(&client, 16, 16, 16));
    CHECK_OK(ts_thread_start(&thread, serve, NULL, 32768, 0, TS_PRIORITY_NORMAL));
    ts_time_t end = in_ms(800);
    unsigned round = 0;
    while (ts_clock_now() < end) {
        ts_handle_t port, object;
        CHECK_OK(ts_port_create(CALLS, CALLS + 1, TS_HANDLE_NONE, 0, &port));
        CHECK_OK(ts_port_bind(port, ending.ring.handle, 0));
        CHECK_OK(ts_port_mint(port, 0, 0, TS_RIGHTS_ALL, &object));
        for (uint64_t i = 0; i < CALLS; i++) {
            calls[i] = (struct ts_call){.out_handles = 1};
            ts_prepare_call(ts_ring_slot(&client), object, 1, &calls[i], TS_DEADLINE_NONE, i);
        }
        CHECK_OK(ts_ring_submit(&client));
        atomic_store(&ending.port, port);
        atomic_store(&ending.round, ++round);
        for (unsigned spin = 0; spin < round % 64 * 100; spin++) {
            atomic_load(&ending.done);
        }
        ts_close(port);
        check_ended(&client, calls, CALLS);
        while (atomic_load(&ending.done) < round) {
            ts_thread_yield();
        }
        ts_close(object);
    }
    atomic_store(&ending.port, TS_HANDLE_NONE);
    atomic_store(&ending.round, round + 1);
    CHECK_OK(ts_thread_join(&thread, patience()));
    ts_ring_destroy(&client);
    ts_ring_destroy(&ending.ring);
    tap_note("%u ports", round);
}

int main(int argc, char **argv)
{
    (void)argv;
    static const struct tap_test tests[] = {
        TAP(rule_h13_what_is_in_transit_outlives_its_senders_handles),
        TAP(rule_d08_a_port_that_ends_leaves_nobody_waiting),
    };
    return argc > 1 ? send_and_wait() : TAP_RUN(tests);
}
