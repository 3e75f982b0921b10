// SPDX-License-Identifier: MIT
// Rules P of docs/invariants.md: what a request lends to the thread that serves it. The server's
// thread is less important than everything else here; whether it is lent a priority shows in what
// gets to run beside it: threads of a priority between its own and its client's, two for each CPU.
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdatomic.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/thread.h>

#define PROGRAM "test/rules_priority"

#define SERVER  8u
#define BETWEEN 10u // clients are at TS_PRIORITY_NORMAL
#define CROWD   8u  // threads are placed on the CPUs in turn: two on each of four

static struct server {
    struct ts_ring_queue ring, client;
    ts_handle_t port, object;
    struct ts_thread thread;
    bool answers;          // or holds what it took
    atomic_uint entered;   // times
    _Atomic uint64_t held; // request id
    atomic_bool over;
} server;

// From now on the kernel knows who uses the ring, and so whom a request lends its priority to.
static void be_inside(struct ts_ring_queue *ring)
{
    CHECK_OK(ts_ring_enter(ring, 0, TS_DEADLINE_NONE));
}

// Takes requests; one that it holds it never answers, and goes on running.
static void serve(void *argument)
{
    (void)argument;
    struct ts_event event;
    be_inside(&server.ring);
    while (!atomic_load(&server.over)) {
        atomic_fetch_add(&server.entered, 1);
        if (!ts_ring_next(&server.ring, &event) &&
            (ts_ring_enter(&server.ring, 1, in_ms(200)) != TS_OK ||
             !ts_ring_next(&server.ring, &event))) {
            continue;
        }
        if (event.kind != TS_EVENT_REQUEST) {
            continue;
        }
        const struct ts_reply reply = {.id = event.value};
        if (server.answers && ts_port_reply(server.port, &reply) == TS_OK) {
            continue;
        }
        atomic_store(&server.held, event.value);
        while (!atomic_load(&server.over)) {
            ;
        }
    }
}

static void begin(bool answers)
{
    memset(&server, 0, sizeof(server));
    server.answers = answers;
    CHECK_OK(ts_ring_create(&server.ring, 8, 8, 8));
    CHECK_OK(ts_ring_create(&server.client, 8, 8, 8));
    CHECK_OK(ts_port_create(4, 4, TS_HANDLE_NONE, 0, &server.port));
    CHECK_OK(ts_port_bind(server.port, server.ring.handle, 0));
    CHECK_OK(ts_port_mint(server.port, 0, 0, TS_RIGHTS_ALL, &server.object));
    CHECK_OK(ts_thread_start(&server.thread, serve, NULL, 32768, 0, SERVER));
    while (atomic_load(&server.entered) == 0) {
        CHECK_EQUAL(ts_ring_enter(&server.client, 1, in_ms(1)), TS_ERR_TIMED_OUT);
    }
}

static void end(void)
{
    atomic_store(&server.over, true);
    CHECK_OK(ts_thread_join(&server.thread, patience()));
    if (server.client.handle != TS_HANDLE_NONE) {
        ts_ring_destroy(&server.client);
    }
    ts_ring_destroy(&server.ring);
    ts_close(server.object);
    ts_close(server.port);
}

static void ask(uint64_t user_data, ts_time_t deadline)
{
    ts_prepare_write(ts_ring_slot(&server.client), server.object, "x", 1, 0, deadline, user_data);
    CHECK_OK(ts_ring_submit(&server.client));
}

static uint64_t wait_held(void)
{
    ts_time_t limit = patience();
    struct ts_ring_queue quiet;
    CHECK_OK(ts_ring_create(&quiet, 8, 8, 8));
    while (atomic_load(&server.held) == 0 && ts_clock_now() < limit) {
        CHECK_EQUAL(ts_ring_enter(&quiet, 1, in_ms(1)), TS_ERR_TIMED_OUT);
    }
    ts_ring_destroy(&quiet);
    CHECK(atomic_load(&server.held) != 0);
    return atomic_load(&server.held);
}

static ts_status_t status_of(uint64_t user_data)
{
    struct ts_event event;
    while (!ts_ring_next(&server.client, &event)) {
        CHECK_OK(ts_ring_enter(&server.client, 1, patience()));
    }
    CHECK_EQUAL(event.user_data, user_data);
    return event.status;
}

static void expect(uint64_t user_data, ts_status_t status)
{
    CHECK_EQUAL(status_of(user_data), status);
}

static void cancel(uint64_t target)
{
    ts_prepare_cancel(ts_ring_slot(&server.client), target, TS_FLAG_FORCE | TS_FLAG_QUIET, 99);
    CHECK_OK(ts_ring_submit(&server.client));
}

static void nothing(void *argument)
{
    (void)argument;
}

// The server's thread runs for ever at its own priority: those that are more important get past it
// on each CPU. If one does not, the server still has what it was lent.
static void check_nothing_is_lent(void)
{
    static struct ts_thread crowd[CROWD];
    ts_status_t status = TS_OK;
    for (unsigned i = 0; i < CROWD; i++) {
        CHECK_OK(ts_thread_start(&crowd[i], nothing, NULL, 16384, 0, BETWEEN));
    }
    ts_time_t limit = patience();
    for (unsigned i = 0; i < CROWD && status == TS_OK; i++) {
        status = ts_thread_join(&crowd[i], limit);
    }
    if (status != TS_OK) { // let them go before the test fails
        atomic_store(&server.over, true);
        for (unsigned i = 0; i < CROWD; i++) {
            (void)ts_thread_join(&crowd[i], patience());
        }
    }
    CHECK_OK(status);
}

static void rule_p01_an_answer_by_another_thread_returns_the_priority(void)
{
    begin(false);
    ask(1, TS_DEADLINE_NONE);
    const struct ts_reply reply = {.id = wait_held()};
    CHECK_OK(ts_port_reply(server.port, &reply));
    expect(1, TS_OK);
    check_nothing_is_lent();
    end();
}

static void rule_p01_a_deadline_returns_the_priority(void)
{
    ts_status_t status = TS_ERR_TIMED_OUT;
    begin(false);
    for (int64_t ms = 30; status == TS_ERR_TIMED_OUT && ms < 10000; ms *= 2) {
        ask(1, in_ms(ms)); // until it is taken in time
        status = status_of(1);
    }
    CHECK_EQUAL(status, TS_ERR_ABANDONED);
    wait_held();
    check_nothing_is_lent();
    end();
}

static void rule_p01_a_cancel_returns_the_priority(void)
{
    begin(false);
    ask(1, TS_DEADLINE_NONE);
    wait_held();
    cancel(1);
    expect(1, TS_ERR_ABANDONED);
    check_nothing_is_lent();
    end();
}

static void rule_p01_the_rings_end_returns_the_priority(void)
{
    begin(false);
    ask(1, TS_DEADLINE_NONE);
    wait_held();
    ts_ring_destroy(&server.client);
    server.client.handle = TS_HANDLE_NONE;
    check_nothing_is_lent();
    end();
}

static void rule_p01_the_clients_death_returns_the_priority(void)
{
    const char *arguments[] = {"rules_priority", "ask", NULL};
    ts_handle_t child;
    begin(false);
    struct ts_spawn_handle handles[] = {{"target", server.object, TS_RIGHTS_ALL, false}};
    const struct ts_spawn spawn = {
        .name = "asks", .arguments = arguments, .handles = handles, .handle_count = 1};
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &child));
    wait_held();
    CHECK_OK(ts_process_kill(child));
    CHECK_OK(ts_process_wait(child, patience(), NULL));
    ts_close(child);
    check_nothing_is_lent();
    end();
}

static void rule_p01_the_ports_end_returns_the_priority(void)
{
    begin(false);
    ask(1, TS_DEADLINE_NONE);
    wait_held();
    ts_close(server.port);
    server.port = TS_HANDLE_NONE;
    expect(1, TS_ERR_PEER_CLOSED);
    check_nothing_is_lent();
    end();
}

// The server is busy with a request of long ago; what is parked behind it lends while it is there.
static void begin_parked(void)
{
    begin(false);
    ask(1, TS_DEADLINE_NONE);
    wait_held();
    cancel(1);
    expect(1, TS_ERR_ABANDONED);
    ask(2, TS_DEADLINE_NONE);
}

static void rule_p02_a_parked_requests_cancel_returns_the_priority(void)
{
    begin_parked();
    cancel(2);
    expect(2, TS_ERR_CANCELLED);
    check_nothing_is_lent();
    end();
}

static void rule_p02_what_is_revoked_lends_no_more_than_what_is_parked(void)
{
    begin_parked();
    CHECK_OK(ts_port_revoke(server.port, 0)); // it ends when it would be delivered
    CHECK_OK(ts_port_unbind(server.port, server.ring.handle));
    check_nothing_is_lent();
    end();
}

static void rule_p02_the_ports_end_returns_what_was_parked(void)
{
    begin_parked();
    ts_close(server.port);
    server.port = TS_HANDLE_NONE;
    expect(2, TS_ERR_PEER_CLOSED);
    check_nothing_is_lent();
    end();
}

static atomic_bool hogs_over;

static void hog(void *argument)
{
    (void)argument;
    while (!atomic_load(&hogs_over)) {
        ;
    }
}

// On every CPU a thread runs that is more important than the server and less than the client: only
// with the client's priority does the server come to answer.
static void rule_p01_a_request_lends_its_priority(void)
{
    static struct ts_thread hogs[CROWD];
    begin(true);
    atomic_store(&hogs_over, false);
    for (unsigned i = 0; i < CROWD; i++) {
        CHECK_OK(ts_thread_start(&hogs[i], hog, NULL, 16384, 0, BETWEEN));
    }
    ts_status_t status = TS_OK;
    for (unsigned i = 0; i < 20 && status == TS_OK; i++) { // by system call, and by ring
        status = ts_op(
            server.object,
            &(struct ts_op){.op = TS_OP_WRITE, .address = "x", .length = 1, .deadline = patience()},
            NULL);
    }
    ask(1, patience());
    struct ts_event event = {.status = TS_ERR_TIMED_OUT};
    if (status == TS_OK && ts_ring_enter(&server.client, 1, patience()) == TS_OK) {
        (void)ts_ring_next(&server.client, &event);
    }
    atomic_store(&hogs_over, true);
    for (unsigned i = 0; i < CROWD; i++) {
        CHECK_OK(ts_thread_join(&hogs[i], patience()));
    }
    CHECK_OK(status);
    CHECK_OK(event.status);
    end();
}

// ---- A thread that was lent a priority asks by its ring

static struct middle {
    struct ts_ring_queue ring, client; // that it serves, and that it asks by
    ts_handle_t port, object, bell;
    atomic_uint inside; // threads that have been inside their rings
    atomic_bool between_ran;
    bool seen; // the server below found that it has run before
} middle;

static void wait_for_bell(void *argument)
{
    ts_signals_t seen;
    (void)argument;
    CHECK_OK(ts_wait(middle.bell, TS_SIGNAL_READABLE, TS_DEADLINE_NONE, &seen));
    atomic_store(&middle.between_ran, true);
}

static void serve_once(void *argument)
{
    struct ts_event event;
    (void)argument;
    be_inside(&server.ring);
    atomic_fetch_add(&middle.inside, 1);
    CHECK_OK(ts_ring_enter(&server.ring, 1, TS_DEADLINE_NONE));
    middle.seen = atomic_load(&middle.between_ran);
    CHECK(ts_ring_next(&server.ring, &event) && event.kind == TS_EVENT_REQUEST);
    const struct ts_reply reply = {.id = event.value};
    CHECK_OK(ts_port_reply(server.port, &reply));
}

// Takes a request, which lends it its priority, wakes a thread of a priority between, and asks.
static void serve_and_ask(void *argument)
{
    struct ts_event asked, event;
    (void)argument;
    be_inside(&middle.client);
    be_inside(&middle.ring);
    atomic_fetch_add(&middle.inside, 1);
    CHECK_OK(ts_ring_enter(&middle.ring, 1, TS_DEADLINE_NONE));
    CHECK(ts_ring_next(&middle.ring, &asked) && asked.kind == TS_EVENT_REQUEST);
    CHECK_OK(ts_event_signal(middle.bell, 1));
    ts_prepare_write(ts_ring_slot(&middle.client), server.object, "x", 1, 0, TS_DEADLINE_NONE, 1);
    CHECK_OK(ts_ring_enter(&middle.client, 1, TS_DEADLINE_NONE));
    CHECK(ts_ring_next(&middle.client, &event));
    CHECK_OK(event.status);
    const struct ts_reply reply = {.id = asked.value};
    CHECK_OK(ts_port_reply(middle.port, &reply));
}

static void make_service(struct ts_ring_queue *ring, ts_handle_t *out_port, ts_handle_t *out_object)
{
    CHECK_OK(ts_ring_create(ring, 8, 8, 8));
    CHECK_OK(ts_port_create(4, 4, TS_HANDLE_NONE, 0, out_port));
    CHECK_OK(ts_port_bind(*out_port, ring->handle, 0));
    CHECK_OK(ts_port_mint(*out_port, 0, 0, TS_RIGHTS_ALL, out_object));
}

// Its request has the priority that it was lent, so the server below runs before what it has woken.
static void rule_p01_what_is_lent_is_lent_on_by_a_ring(void)
{
    struct ts_system_statistics system;
    struct ts_thread threads[3];
    CHECK_OK(ts_system_statistics(ts_named_handle("system"), &system));
    if (system.cpus != 1) {
        tap_skip("needs one CPU");
    }
    memset(&middle, 0, sizeof(middle));
    make_service(&server.ring, &server.port, &server.object);
    make_service(&middle.ring, &middle.port, &middle.object);
    CHECK_OK(ts_ring_create(&middle.client, 8, 8, 8));
    CHECK_OK(ts_event_create(0, &middle.bell));
    CHECK_OK(ts_thread_start(&threads[0], wait_for_bell, NULL, 32768, 0, BETWEEN));
    CHECK_OK(ts_thread_start(&threads[1], serve_once, NULL, 32768, 0, SERVER));
    CHECK_OK(ts_thread_start(&threads[2], serve_and_ask, NULL, 32768, 0, SERVER));
    ts_time_t until = patience();
    while (atomic_load(&middle.inside) < 2 && ts_clock_now() < until) {
        ts_sleep_until(in_ms(1));
    }
    CHECK_OK(ts_op(
        middle.object,
        &(struct ts_op){.op = TS_OP_WRITE, .address = "x", .length = 1, .deadline = patience()},
        NULL));
    for (unsigned i = 0; i < 3; i++) {
        CHECK_OK(ts_thread_join(&threads[i], patience()));
    }
    CHECK(!middle.seen);
    ts_ring_destroy(&middle.client);
    ts_ring_destroy(&middle.ring);
    ts_ring_destroy(&server.ring);
    ts_close(middle.bell);
    ts_close(middle.object);
    ts_close(middle.port);
    ts_close(server.object);
    ts_close(server.port);
}

// The child: asks once and waits for ever.
static int ask_for_ever(void)
{
    (void)ts_op(ts_named_handle("target"),
                &(struct ts_op){.op = TS_OP_WRITE, .address = "x", .length = 1}, NULL);
    return 1;
}

int main(int argc, char **argv)
{
    (void)argv;
    static const struct tap_test tests[] = {
        TAP(rule_p01_a_request_lends_its_priority),
        TAP(rule_p01_an_answer_by_another_thread_returns_the_priority),
        TAP(rule_p01_a_deadline_returns_the_priority),
        TAP(rule_p01_a_cancel_returns_the_priority),
        TAP(rule_p01_the_rings_end_returns_the_priority),
        TAP(rule_p01_the_clients_death_returns_the_priority),
        TAP(rule_p01_the_ports_end_returns_the_priority),
        TAP(rule_p02_a_parked_requests_cancel_returns_the_priority),
        TAP(rule_p02_what_is_revoked_lends_no_more_than_what_is_parked),
        TAP(rule_p02_the_ports_end_returns_what_was_parked),
        TAP(rule_p01_what_is_lent_is_lent_on_by_a_ring),
    };
    return argc > 1 ? ask_for_ever() : TAP_RUN(tests);
}
