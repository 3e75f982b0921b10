// SPDX-License-Identifier: MIT
// Rules R of docs/invariants.md about what goes between a port, its rings and its clients.
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdatomic.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/process.h>
#include <tessera/lib/thread.h>

static struct pair pair;

// Posted: wait again, or not before it is let go.
#define GO_ON 1u
#define HOLD  2u

// Two rings of one port, each with a thread that answers with its number.
struct worker {
    struct ts_ring_queue ring;
    ts_handle_t port;
    struct ts_thread thread;
    uint64_t number;
    uint32_t held;
    atomic_uint waits; // how often it began to
};
static struct worker workers[2];

static void stay_away(struct worker *worker)
{
    atomic_store_explicit(TS_ATOMIC(&worker->held), 1, memory_order_release);
    while (atomic_load_explicit(TS_ATOMIC(&worker->held), memory_order_acquire) == 1) {
        if (ts_futex_wait(&worker->held, 1, patience()) == TS_ERR_TIMED_OUT) {
            return;
        }
    }
}

static void work(void *argument)
{
    struct worker *worker = argument;
    struct ts_event event;
    for (;;) {
        atomic_fetch_add(&worker->waits, 1);
        if (ts_ring_enter(&worker->ring, 1, patience()) != TS_OK ||
            !ts_ring_next(&worker->ring, &event)) {
            return;
        }
        if (event.kind == TS_EVENT_POST && event.value == GO_ON) {
            continue;
        }
        if (event.kind == TS_EVENT_POST && event.value == HOLD) {
            stay_away(worker);
            continue;
        }
        if (event.kind != TS_EVENT_REQUEST) {
            return; // a post tells it to end
        }
        const struct ts_reply reply = {.id = event.value, .value = worker->number};
        if (ts_port_reply(worker->port, &reply) != TS_OK) {
            return;
        }
    }
}

static void worker_start(struct worker *worker, uint64_t number)
{
    *worker = (struct worker){.port = pair.port, .number = number};
    CHECK_OK(ts_ring_create(&worker->ring, 8, 8, 8));
    CHECK_OK(ts_port_bind(pair.port, worker->ring.handle, 1));
    CHECK_OK(ts_thread_start(&worker->thread, work, worker, 16384, 0, TS_PRIORITY_NORMAL));
}

static void worker_post(const struct worker *worker, uint64_t value)
{
    CHECK_OK(ts_op(worker->ring.handle, &(struct ts_op){.op = TS_OP_POST, .arg = value}, NULL));
}

static void worker_end(struct worker *worker)
{
    worker_post(worker, 0);
    CHECK_OK(ts_thread_join(&worker->thread, patience()));
    ts_ring_destroy(&worker->ring);
}

static void worker_hold(struct worker *worker)
{
    ts_time_t until = patience();
    worker_post(worker, HOLD);
    while (atomic_load_explicit(TS_ATOMIC(&worker->held), memory_order_acquire) == 0 &&
           ts_clock_now() < until) {
        ts_thread_yield();
    }
    CHECK_EQUAL(worker->held, 1);
}

static void worker_release(struct worker *worker)
{
    atomic_store_explicit(TS_ATOMIC(&worker->held), 0, memory_order_release);
    ts_futex_wake(&worker->held, 1);
}

// On one CPU: until it waits for the so manyth time. When it was about to, it has its turn for
// that.
static void yield_to(struct worker *worker, unsigned waits)
{
    ts_time_t until = patience();
    while (atomic_load(&worker->waits) < waits && ts_clock_now() < until) {
        ts_thread_yield();
    }
    CHECK(atomic_load(&worker->waits) >= waits);
    for (unsigned i = 0; i < 4; i++) {
        ts_thread_yield();
    }
}

static void ask(unsigned times, uint64_t expected)
{
    for (unsigned i = 0; i < times; i++) {
        uint64_t who = 0;
        CHECK_OK(ts_op(
            pair.object,
            &(struct ts_op){.op = TS_OP_WRITE, .address = "x", .length = 1, .deadline = patience()},
            &who));
        CHECK_EQUAL(who, expected);
    }
}

static void rule_r06_an_idle_ring_gets_the_request(void)
{
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_port_unbind(pair.port, pair.server.handle));
    for (unsigned i = 0; i < 2; i++) {
        worker_start(&workers[i], i + 1);
    }
    // Each of them busy in turn: all that is asked meanwhile is the other's.
    for (unsigned turn = 0; turn < 8; turn++) {
        worker_hold(&workers[turn % 2]);
        ask(20, workers[(turn + 1) % 2].number);
        worker_release(&workers[turn % 2]);
    }
    // One of them gone, the other serves on: nothing was left with the one that went.
    worker_end(&workers[0]);
    ask(20, 2);
    worker_end(&workers[1]);
    pair_end(&pair);
}

// On one processor the ring that waited last is asked, as often as that is; what was asked while
// none waited is for the next one that does.
static void rule_r06_the_ring_that_went_idle_last_comes_first(void)
{
    struct ts_system_statistics system;
    uint64_t who;
    CHECK_OK(ts_system_statistics(ts_named_handle("system"), &system));
    if (system.cpus != 1) {
        tap_skip("needs one CPU");
    }
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_port_unbind(pair.port, pair.server.handle));
    pair_write(&pair, "x", 1, 0, 7); // nobody is there
    worker_start(&workers[0], 1);
    CHECK_EQUAL(pair_completion(&pair, 7).value, 1);
    worker_start(&workers[1], 2);
    yield_to(&workers[1], 1);
    for (unsigned i = 0; i < 40; i++) {
        struct worker *last = &workers[i / 4 % 2];
        if (i % 4 == 0) {
            uint32_t waits = atomic_load(&last->waits);
            worker_post(last, GO_ON);
            yield_to(last, waits + 1);
        }
        CHECK_OK(ts_op(
            pair.object,
            &(struct ts_op){.op = TS_OP_WRITE, .address = "x", .length = 1, .deadline = patience()},
            &who));
        CHECK_EQUAL(who, last->number);
    }
    for (unsigned i = 0; i < 2; i++) {
        worker_end(&workers[i]);
    }
    pair_end(&pair);
}

static void rule_r07_no_ring_sleeps_beside_work(void)
{
    struct ts_event event;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    pair_write(&pair, "x", 1, 0, 1); // parked: nobody is idle
    ts_time_t limit = patience();
    CHECK_OK(ts_ring_enter(&pair.server, 1, limit));
    CHECK(ts_clock_now() < limit); // it did not sleep until then
    CHECK(ts_ring_next(&pair.server, &event));
    pair_reply(&pair, event.value, TS_OK, 1);
    CHECK_OK(pair_completion(&pair, 1).status);
    pair_end(&pair);
}

static void rule_r10_memory_is_seen_in_order(void)
{
    static char from[3000], to[3000];
    size_t bytes;
    pair_begin(&pair, PAIR_REQUESTS, 64);
    for (int round = 0; round < 50; round++) {
        memset(from, 'a' + round % 26, sizeof(from));
        pair_write(&pair, from, sizeof(from), 0, 1);
        uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
        CHECK_EQUAL(pair.inbox[ts_request_id_slot(id) * 64 + 63], from[63]);
        CHECK_OK(ts_port_pull(pair.port, id, to, sizeof(to), 0, &bytes));
        CHECK(memcmp(from, to, sizeof(to)) == 0);
        pair_reply(&pair, id, TS_OK, sizeof(from));
        CHECK_OK(pair_completion(&pair, 1).status);
        memset(to, 0, sizeof(to));
        pair_read(&pair, to, sizeof(to), 2);
        id = pair_event(&pair, TS_EVENT_REQUEST).value;
        CHECK_OK(ts_port_push(pair.port, id, from, sizeof(from), 0, &bytes));
        pair_reply(&pair, id, TS_OK, sizeof(from));
        CHECK_OK(pair_completion(&pair, 2).status);
        CHECK(memcmp(from, to, sizeof(to)) == 0);
    }
    pair_end(&pair);
}

static void rule_r11_signals_come_before_the_answer(void)
{
    uint64_t signals;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    for (int round = 0; round < 20; round++) {
        ts_signals_t set = round % 2 == 0 ? TS_SIGNAL_READABLE : 0;
        pair_write(&pair, "x", 1, 0, 1);
        uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
        CHECK_OK(ts_port_signal(pair.port, 0, TS_SIGNAL_READABLE, set));
        pair_reply(&pair, id, TS_OK, 1);
        CHECK_OK(pair_completion(&pair, 1).status);
        CHECK_OK(ts_get_u64(pair.object, TS_PROPERTY_SIGNALS, &signals));
        CHECK_EQUAL(signals & TS_SIGNAL_READABLE, set);
    }
    pair_end(&pair);
}

static void rule_r12_an_oid_in_use_is_not_minted(void)
{
    ts_handle_t handle;
    struct ts_call call = {.out_handles = 1};
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_EQUAL(ts_port_mint(pair.port, 0, 1, TS_RIGHTS_ALL, &handle), TS_ERR_EXISTS);
    CHECK_EQUAL(ts_port_mint(pair.port, PAIR_OBJECTS, 1, TS_RIGHTS_ALL, &handle), TS_ERR_ARGUMENT);
    ts_prepare_call(ts_ring_slot(&pair.client), pair.object, 3, &call, TS_DEADLINE_NONE, 1);
    pair_submit(&pair);
    struct ts_event request = pair_event(&pair, TS_EVENT_REQUEST);
    struct ts_reply reply = {.id = request.value,
                             .result = TS_REPLY_MINT,
                             .object = 0,
                             .tag = 5,
                             .rights = TS_RIGHTS_ALL};
    CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_EXISTS);
    reply.object = PAIR_OBJECTS;
    CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_ARGUMENT);
    reply.object = 1; // the same reply, made again
    CHECK_OK(ts_port_reply(pair.port, &reply));
    CHECK_OK(pair_completion(&pair, 1).status);
    CHECK(call.out_handle[0] != TS_HANDLE_NONE);
    ts_close(call.out_handle[0]);
    struct ts_event closed = pair_event(&pair, TS_EVENT_CLOSED);
    CHECK(closed.oid == 1 && closed.tag == 5);
    pair_end(&pair);
}

// Nobody sees it without them, and no other answer has any.
static void rule_r12_a_minted_object_has_its_signals(void)
{
    uint64_t signals;
    struct ts_call call = {.out_handles = 1};
    pair_begin(&pair, PAIR_REQUESTS, 0);
    ts_prepare_call(ts_ring_slot(&pair.client), pair.object, 3, &call, TS_DEADLINE_NONE, 1);
    pair_submit(&pair);
    struct ts_reply reply = {.id = pair_event(&pair, TS_EVENT_REQUEST).value,
                             .result = TS_REPLY_OWN,
                             .object = 0,
                             .rights = TS_RIGHTS_ALL,
                             .signals = TS_SIGNAL_READABLE | TS_SIGNAL_PRIORITY};
    CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_ARGUMENT);
    reply.result = TS_REPLY_MINT;
    reply.object = 1;
    reply.signals |= 1u << 15; // there is no such signal
    CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_ARGUMENT);
    reply.signals &= TS_SIGNALS_ALL;
    CHECK_OK(ts_port_reply(pair.port, &reply));
    CHECK_OK(pair_completion(&pair, 1).status);
    CHECK_OK(ts_get_u64(call.out_handle[0], TS_PROPERTY_SIGNALS, &signals));
    CHECK_EQUAL(signals, TS_SIGNAL_READABLE | TS_SIGNAL_PRIORITY);
    ts_close(call.out_handle[0]);
    pair_end(&pair);
}

// A client that opens by system call, one after the other; the test is its server and answers with
// the system call with which it waits again.
#define OPENS 6u

static struct opener {
    struct ts_thread thread;
    const char *path;
    bool keeps; // what it opened, else closes it at once
    ts_status_t status[OPENS];
    ts_handle_t handle[OPENS];
    uint64_t signals[OPENS];
} opener;

static void open_some(void *argument)
{
    struct opener *self = argument;
    for (unsigned i = 0; i < OPENS; i++) {
        uint64_t value = 0;
        const struct ts_op open = {.op = TS_OP_OPEN,
                                   .rights = TS_RIGHT_READ | TS_RIGHT_WAIT,
                                   .address = self->path,
                                   .length = 5};
        self->status[i] = ts_op(pair.object, &open, &value);
        self->handle[i] = (ts_handle_t)value;
        if (self->status[i] == TS_OK) {
            CHECK_OK(ts_get_u64(self->handle[i], TS_PROPERTY_SIGNALS, &self->signals[i]));
        }
        if (!self->keeps) {
            ts_close(self->handle[i]);
        }
    }
}

static void opener_start(const char *path, bool keeps)
{
    opener = (struct opener){.path = path, .keeps = keeps};
    CHECK_OK(ts_thread_start(&opener.thread, open_some, &opener, 16384, 0, TS_PRIORITY_NORMAL));
}

// The next request, which brings the path. CLOSED events may come before; they are counted.
static uint64_t next_open(unsigned *closed)
{
    struct ts_event event = {0};
    do {
        if (!ts_ring_next(&pair.server, &event)) {
            CHECK_OK(ts_ring_enter(&pair.server, 1, patience()));
            continue;
        }
        *closed += event.kind == TS_EVENT_CLOSED;
    } while (event.kind != TS_EVENT_REQUEST);
    CHECK(event.op == TS_OP_OPEN && event.length == 5 && event.out_handles == 1);
    CHECK_EQUAL(event.rights, TS_RIGHT_READ | TS_RIGHT_WAIT);
    CHECK(memcmp(pair.inbox + ts_request_id_slot(event.value) * 64, "a/b/c", 5) == 0);
    return event.value;
}

// The id that the slot's next request will have.
static uint64_t next_generation(uint64_t id)
{
    return ts_request_id(ts_request_id_slot(id), ts_request_id_generation(id) + 1);
}

static ts_status_t mint_wait(uint64_t id, uint32_t oid, uint64_t tag, ts_rights_t rights,
                             uint16_t signals)
{
    return ts_ring_mint_wait(&pair.server, pair.port, id, tag,
                             ts_reply_object(oid, rights, signals));
}

static void rule_r12_reply_wait_mints_too(void)
{
    unsigned closed = 0;
    pair_begin(&pair, PAIR_REQUESTS, 64);
    opener_start("a/b/c", false);
    for (unsigned i = 0; i < OPENS; i++) {
        uint64_t id = next_open(&closed);
        // None of these waits, and the request is still there.
        CHECK_EQUAL(mint_wait(id, 0, 7, TS_RIGHTS_ALL, 0), TS_ERR_EXISTS);
        CHECK_EQUAL(mint_wait(id, PAIR_OBJECTS, 7, TS_RIGHTS_ALL, 0), TS_ERR_ARGUMENT);
        CHECK_EQUAL(mint_wait(id, 1, 7, 0xffff, 0), TS_ERR_ARGUMENT);
        CHECK_EQUAL(mint_wait(id, 1, 7, TS_RIGHTS_ALL, 1u << 15), TS_ERR_ARGUMENT);
        CHECK_EQUAL(mint_wait(next_generation(id), 1, 7, TS_RIGHTS_ALL, 0), TS_ERR_GONE);
        // CLOSED is what it waits for: the oid is free with it, not before.
        CHECK_OK(mint_wait(id, 1, 7, TS_RIGHTS_ALL, TS_SIGNAL_READABLE));
        struct ts_event event = pair_event(&pair, TS_EVENT_CLOSED);
        CHECK(event.oid == 1 && event.tag == 7);
    }
    CHECK_OK(ts_thread_join(&opener.thread, patience()));
    for (unsigned i = 0; i < OPENS; i++) {
        CHECK_OK(opener.status[i]);
        CHECK_EQUAL(opener.signals[i], TS_SIGNAL_READABLE);
    }
    CHECK_EQUAL(closed, 0);
    pair_end(&pair);
}

// A client that keeps what it opens comes to its share of the port's objects.
static void rule_q15_reply_wait_mints_no_more_than_the_share(void)
{
    unsigned minted = 0, closed = 0;
    pair_begin(&pair, PAIR_REQUESTS, 64);
    opener_start("a/b/c", true);
    for (unsigned i = 0; i < OPENS; i++) {
        uint64_t id = next_open(&closed);
        if (minted < 2) { // of 3, of which one is left to others then
            minted++;
            CHECK_OK(mint_wait(id, minted, minted, TS_RIGHTS_ALL, 0));
            continue;
        }
        CHECK_EQUAL(mint_wait(id, minted + 1, 9, TS_RIGHTS_ALL, 0), TS_ERR_LIMIT);
        pair_reply(&pair, id, TS_ERR_LIMIT, 0);
    }
    CHECK_OK(ts_thread_join(&opener.thread, patience()));
    for (unsigned i = 0; i < OPENS; i++) {
        CHECK_EQUAL(opener.status[i], i < 2 ? TS_OK : TS_ERR_LIMIT);
        ts_close(opener.handle[i]);
    }
    CHECK_EQUAL(closed, 0);
    pair_end(&pair);
}

// A path that cannot be read is the client's fault: no server hears of it, and the slot for its
// handle is free again.
static void rule_q13_a_path_that_is_not_there(void)
{
    struct ts_event event;
    void *page;
    CHECK_OK(ts_memory_allocate(TS_PAGE_SIZE, 0, NULL, &page));
    CHECK_OK(ts_memory_protect(page, TS_PAGE_SIZE, 0)); // nobody else gets the place
    pair_begin(&pair, PAIR_REQUESTS, 64);
    opener_start(page, false);
    CHECK_EQUAL(ts_ring_enter(&pair.server, 1, in_ms(50)), TS_ERR_TIMED_OUT);
    CHECK_OK(ts_thread_join(&opener.thread, patience()));
    CHECK(!ts_ring_next(&pair.server, &event));
    for (unsigned i = 0; i < OPENS; i++) {
        CHECK_EQUAL(opener.status[i], TS_ERR_FAULT);
    }
    CHECK_OK(ts_memory_unmap(page, TS_PAGE_SIZE));
    opener_start("a/b/c", false); // the port and its slots are as before
    unsigned closed = 0;
    for (unsigned i = 0; i < OPENS; i++) {
        pair_reply(&pair, next_open(&closed), TS_ERR_NOT_FOUND, 0);
    }
    CHECK_OK(ts_thread_join(&opener.thread, patience()));
    CHECK_EQUAL(opener.status[OPENS - 1], TS_ERR_NOT_FOUND);
    pair_end(&pair);
}

static void rule_r13_the_inbox_has_the_first_bytes(void)
{
    static char text[200];
    struct ts_event events[3];
    memset(text, 'q', sizeof(text));
    pair_begin(&pair, 4, 64);
    for (uint64_t i = 0; i < 3; i++) {
        text[0] = (char)('0' + i);
        pair_write(&pair, text, i == 0 ? 1 : i == 1 ? 64 : 200, 0, i);
        events[i] = pair_event(&pair, TS_EVENT_REQUEST); // copied when it is published
    }
    for (uint64_t i = 0; i < 3; i++) { // each has its own, until it is answered
        const char *inbox = pair.inbox + ts_request_id_slot(events[i].value) * 64;
        CHECK_EQUAL(inbox[0], '0' + (char)i);
        CHECK_EQUAL(events[i].length, i == 0 ? 1 : i == 1 ? 64 : 200);
        if (i > 0) {
            CHECK_EQUAL(inbox[63], 'q');
        }
        pair_reply(&pair, events[i].value, TS_OK, 1);
        CHECK_OK(pair_completion(&pair, i).status);
    }
    pair_end(&pair);
}

static void rule_r14_a_failed_reply_does_not_wait(void)
{
    pair_begin(&pair, PAIR_REQUESTS, 0);
    // It would wait for ever: nothing comes to this ring.
    CHECK_EQUAL(ts_ring_reply_wait(&pair.server, pair.port, ts_request_id(0, 5), TS_OK, 0, NULL, 0),
                TS_ERR_GONE);
    CHECK_EQUAL(ts_ring_reply_wait(&pair.server, pair.object, 1, TS_OK, 0, NULL, 0), TS_ERR_KIND);
    CHECK_EQUAL(ts_ring_reply_wait(&pair.server, 0x12345, 1, TS_OK, 0, NULL, 0), TS_ERR_HANDLE);
    pair_write(&pair, "x", 1, 0, 1);
    uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
    CHECK_EQUAL(ts_ring_reply_wait(&pair.server, pair.port, id, 1, 0, NULL, 0), TS_ERR_ARGUMENT);
    pair_write(&pair, "y", 1, 0, 2); // what it finds when the answer is good
    CHECK_OK(ts_ring_reply_wait(&pair.server, pair.port, id, TS_OK, 1, NULL, 0));
    CHECK_OK(pair_completion(&pair, 1).status);
    pair_reply(&pair, pair_event(&pair, TS_EVENT_REQUEST).value, TS_OK, 1);
    CHECK_OK(pair_completion(&pair, 2).status);
    pair_end(&pair);
}

int main(void)
{
    static const struct tap_test tests[] = {
        TAP(rule_r06_an_idle_ring_gets_the_request),
        TAP(rule_r06_the_ring_that_went_idle_last_comes_first),
        TAP(rule_r07_no_ring_sleeps_beside_work),
        TAP(rule_r10_memory_is_seen_in_order),
        TAP(rule_r11_signals_come_before_the_answer),
        TAP(rule_r12_an_oid_in_use_is_not_minted),
        TAP(rule_r12_a_minted_object_has_its_signals),
        TAP(rule_r12_reply_wait_mints_too),
        TAP(rule_q15_reply_wait_mints_no_more_than_the_share),
        TAP(rule_q13_a_path_that_is_not_there),
        TAP(rule_r13_the_inbox_has_the_first_bytes),
        TAP(rule_r14_a_failed_reply_does_not_wait),
    };
    return TAP_RUN(tests);
}
