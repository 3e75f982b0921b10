// SPDX-License-Identifier: MIT
// A system call on a served object, and the answer that waits again, mean the same whether the
// kernel's fast path carries them or it hands them to the general one: rules Q and R of
// docs/invariants.md at each condition that decides it. Every case is made in turn with a plain
// call, which the fast path carries when both threads are on one CPU.
#include "lib/pair.h"
#include "lib/tap.h"

#include <string.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/thread.h>

#define PAGE   4096u
#define INBOX  64u
#define ROUNDS 25
#define LIMIT  (patience())

// What the server shall do with the next requests. Set while it waits.
static struct {
    ts_status_t status;
    uint64_t value;
    uint32_t length; // bytes of `answer` that come with it
} order;

static struct pair pair;
static struct ts_thread server;
static struct ts_event seen; // the last request
static char inbox[INBOX], answer[3 * PAGE], buffer[3 * PAGE] __attribute__((aligned(PAGE)));
static uint32_t client;      // our number, whichever way it comes
static ts_status_t answered; // what its first answer came back with
static _Atomic uint64_t served;

static void serve(void *argument)
{
    uint64_t id = 0;
    struct ts_event event;
    (void)argument;
    for (;;) {
        if (id == 0) {
            if (ts_ring_enter(&pair.server, 1, LIMIT) != TS_OK) {
                return;
            }
        } else {
            ts_status_t status = ts_ring_reply_wait(&pair.server, pair.port, id, order.status,
                                                    order.value, answer, order.length);
            if (status != TS_OK) {
                answered = status;
                const struct ts_reply again = {.id = id, .status = status};
                (void)ts_port_reply(pair.port, &again); // GONE if it was answered
            }
        }
        for (id = 0; id == 0 && ts_ring_next(&pair.server, &event);) {
            if (event.kind != TS_EVENT_REQUEST) {
                continue;
            }
            if (event.offset == UINT64_MAX) { // the end
                const struct ts_reply last = {.id = event.value};
                (void)ts_port_reply(pair.port, &last);
                return;
            }
            id = event.value;
            seen = event;
            memcpy(inbox, pair.inbox + (size_t)ts_request_id_slot(id) * INBOX, INBOX);
            served++;
        }
    }
}

static void begin(unsigned priority)
{
    pair_begin(&pair, PAIR_REQUESTS, INBOX);
    for (size_t i = 0; i < sizeof(answer); i++) {
        answer[i] = (char)(i % 251);
    }
    order.status = TS_OK;
    order.length = 0;
    CHECK_OK(ts_thread_start(&server, serve, NULL, 16384, 0, priority));
}

static void end(void)
{
    CHECK_OK(ts_op(pair.object,
                   &(struct ts_op){.op = TS_OP_WRITE, .offset = UINT64_MAX, .deadline = LIMIT},
                   NULL));
    CHECK_OK(ts_thread_join(&server, LIMIT));
    pair_end(&pair);
}

static void write_as(unsigned flags, const char *bytes, uint32_t length, ts_time_t deadline)
{
    uint64_t value = 0, before = served;
    order.value = before * 3 + length;
    memset(inbox, 0, sizeof(inbox));
    CHECK_OK(ts_op(pair.object,
                   &(struct ts_op){.op = TS_OP_WRITE,
                                   .flags = flags,
                                   .address = bytes,
                                   .length = length,
                                   .offset = before,
                                   .arg = 0x1234567890 + before,
                                   .deadline = deadline},
                   &value));
    CHECK_EQUAL(value, before * 3 + length);
    CHECK_EQUAL(served, before + 1);
    client = client == 0 ? seen.client : client;
    CHECK(seen.client != 0 && seen.client == client);
    CHECK(seen.op == TS_OP_WRITE && seen.user_data == PAIR_COOKIE);
    CHECK_EQUAL(seen.flags, ts_event_request_flags(flags));
    CHECK(seen.length == length && seen.room == 0 && seen.offset == before);
    CHECK(seen.extra == 0x1234567890 + before && seen.tag == PAIR_TAG && seen.oid == 0);
    CHECK(seen.in_handles == 0 && seen.out_handles == 0);
    CHECK(memcmp(inbox, bytes, length < INBOX ? length : INBOX) == 0);
}

static void plain(void)
{
    write_as(0, "plain", 5, TS_DEADLINE_NONE);
}

// A read that is answered with so many bytes, into `at`, which has room for `room`.
static void read_to(char *at, uint32_t room, uint32_t length, ts_time_t deadline)
{
    uint64_t value = 0;
    order.length = length;
    order.value = length;
    CHECK_OK(ts_op(
        pair.object,
        &(struct ts_op){
            .op = TS_OP_READ, .address = at, .length = room, .offset = 7, .deadline = deadline},
        &value));
    order.length = 0;
    CHECK_EQUAL(value, length);
    CHECK(seen.op == TS_OP_READ && seen.length == 0 && seen.room == room && seen.offset == 7);
    CHECK(memcmp(at, answer, length) == 0);
}

static void rule_r13_any_length_arrives_as_the_same_event(void)
{
    static const uint32_t lengths[] = {0, 1, INBOX - 1, INBOX, INBOX + 1, PAGE, 2 * PAGE + 5};
    begin(TS_PRIORITY_NORMAL);
    for (size_t i = 0; i < sizeof(buffer); i++) {
        buffer[i] = (char)(i * 7);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            write_as(0, buffer + round, lengths[i], TS_DEADLINE_NONE);
            write_as(0, buffer + PAGE - 9, lengths[i] % (2 * PAGE), TS_DEADLINE_NONE);
            plain();
        }
    }
    end();
}

static void rule_r10_flags_and_deadlines_change_no_answer(void)
{
    begin(TS_PRIORITY_NORMAL);
    for (int round = 0; round < ROUNDS; round++) {
        write_as(TS_FLAG_NOWAIT, "nowait", 6, TS_DEADLINE_NONE);
        write_as(TS_FLAG_CURRENT, "current", 7, TS_DEADLINE_NONE);
        write_as(0, "late", 4, LIMIT);
        plain();
        read_to(buffer, 10, 10, LIMIT);
        read_to(buffer, 10, 10, TS_DEADLINE_NONE);
    }
    end();
}

// Memory that no page is there for yet, on either way.
static void rule_r10_pages_that_are_not_present_change_no_answer(void)
{
    begin(TS_PRIORITY_NORMAL);
    for (int round = 0; round < ROUNDS; round++) {
        static const char zeros[INBOX];
        ts_handle_t memory;
        void *at;
        CHECK_OK(ts_memory_allocate(4 * PAGE, 0, &memory, &at));
        char *bytes = at;
        write_as(0, bytes, INBOX, TS_DEADLINE_NONE);
        CHECK(memcmp(inbox, zeros, INBOX) == 0);
        read_to(bytes + PAGE, 100, 100, TS_DEADLINE_NONE);
        read_to(bytes + 3 * PAGE - 50, 100, 100, TS_DEADLINE_NONE); // into the next page
        read_to(bytes + 3 * PAGE - 50, 100, 100, TS_DEADLINE_NONE); // which is there now
        plain();
        CHECK_OK(ts_memory_unmap(at, 4 * PAGE));
        ts_close(memory);
    }
    end();
}

static void rule_q12_an_answer_is_as_long_as_the_room(void)
{
    begin(TS_PRIORITY_NORMAL);
    for (int round = 0; round < ROUNDS; round++) {
        memset(buffer, 'z', sizeof(buffer));
        read_to(buffer, 100, 0, TS_DEADLINE_NONE);
        CHECK_EQUAL(buffer[0], 'z');
        read_to(buffer, 100, 99, TS_DEADLINE_NONE);
        CHECK_EQUAL(buffer[99], 'z');
        read_to(buffer, 2 * PAGE + 9, 2 * PAGE + 9, TS_DEADLINE_NONE);
        CHECK_EQUAL(buffer[2 * PAGE + 9], 'z');
        memset(buffer, 'z', sizeof(buffer));
        order.length = 101; // a byte too much: no answer, and nothing written
        answered = TS_OK;
        CHECK_EQUAL(ts_op(pair.object,
                          &(struct ts_op){.op = TS_OP_READ, .address = buffer, .length = 100},
                          NULL),
                    TS_ERR_RANGE);
        order.length = 0;
        CHECK_EQUAL(answered, TS_ERR_RANGE);
        for (unsigned i = 0; i < 200; i++) {
            CHECK_EQUAL(buffer[i], 'z');
        }
        plain();
    }
    end();
}

static void rule_r14_an_answer_that_fails_leaves_the_request(void)
{
    begin(TS_PRIORITY_NORMAL);
    for (int round = 0; round < ROUNDS; round++) {
        answered = TS_OK;
        order.status = 1; // no status
        CHECK_EQUAL(ts_op(pair.object,
                          &(struct ts_op){.op = TS_OP_WRITE, .address = "x", .length = 1}, NULL),
                    TS_ERR_ARGUMENT);
        CHECK_EQUAL(answered, TS_ERR_ARGUMENT);
        order.status = TS_ERR_NO_SPACE;
        CHECK_EQUAL(ts_op(pair.object,
                          &(struct ts_op){.op = TS_OP_WRITE, .address = "x", .length = 1}, NULL),
                    TS_ERR_NO_SPACE);
        order.status = TS_OK;
        plain();
    }
    end();
}

// What the kernel refuses, no server sees.
static void rule_q02_a_refused_call_reaches_nobody(void)
{
    ts_handle_t reader, closed;
    begin(TS_PRIORITY_NORMAL);
    CHECK_OK(ts_duplicate(pair.object, TS_RIGHT_READ, &reader));
    CHECK_OK(ts_duplicate(pair.object, TS_RIGHTS_ALL, &closed));
    ts_close(closed);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t before = served;
        CHECK_EQUAL(
            ts_op(reader, &(struct ts_op){.op = TS_OP_WRITE, .address = "x", .length = 1}, NULL),
            TS_ERR_RIGHTS);
        CHECK_EQUAL(
            ts_op(closed, &(struct ts_op){.op = TS_OP_WRITE, .address = "x", .length = 1}, NULL),
            TS_ERR_HANDLE);
        CHECK_EQUAL(
            ts_op(pair.object,
                  &(struct ts_op){
                      .op = TS_OP_WRITE, .flags = TS_FLAG_QUIET, .address = "x", .length = 1},
                  NULL),
            TS_ERR_ARGUMENT);
        CHECK_EQUAL(
            ts_op(pair.object,
                  &(struct ts_op){.op = TS_OP_WRITE, .flags = 0x80, .address = "x", .length = 1},
                  NULL),
            TS_ERR_ARGUMENT);
        CHECK_EQUAL(served, before);
        plain();
    }
    ts_close(reader);
    end();
}

// An event that is in the server's ring already is not lost, nor is the call beside it.
static void rule_r02_other_events_come_beside_a_call(void)
{
    begin(TS_PRIORITY_NORMAL);
    for (int round = 0; round < ROUNDS; round++) {
        CHECK_OK(ts_op(pair.server.handle, &(struct ts_op){.op = TS_OP_POST}, NULL));
        plain();
        plain();
    }
    end();
}

static void rule_r10_priorities_change_no_answer(void)
{
    static const unsigned priorities[] = {TS_PRIORITY_IDLE, TS_PRIORITY_NORMAL / 2,
                                          TS_PRIORITY_NORMAL};
    for (unsigned i = 0; i < sizeof(priorities) / sizeof(priorities[0]); i++) {
        begin(priorities[i]);
        for (int round = 0; round < 4 * ROUNDS; round++) {
            plain();
            read_to(buffer, 64, 33, TS_DEADLINE_NONE);
        }
        end();
    }
}

// Timers that end while calls are made: each goes off, not before its time, and no call suffers.
static _Atomic bool stop;
static _Atomic unsigned early, slept;

static void sleeper(void *argument)
{
    (void)argument;
    while (!stop) {
        ts_time_t until = ts_deadline_in(200000);
        ts_sleep_until(until);
        early += ts_clock_now() < until;
        slept++;
    }
}

static void rule_r10_timers_change_no_answer(void)
{
    struct ts_thread thread;
    stop = false;
    early = slept = 0;
    begin(TS_PRIORITY_NORMAL);
    CHECK_OK(ts_thread_start(&thread, sleeper, NULL, 16384, 0, TS_PRIORITY_NORMAL));
    ts_time_t until = LIMIT;
    while (slept < 50 && ts_clock_now() < until) {
        plain();
    }
    stop = true;
    CHECK_OK(ts_thread_join(&thread, LIMIT));
    CHECK(early == 0 && slept >= 50);
    end();
}

// The port ends while a client waits for its answer, or before it asks.
static void close_port(void *argument)
{
    struct ts_event event;
    (void)argument;
    if (ts_ring_enter(&pair.server, 1, LIMIT) == TS_OK && ts_ring_next(&pair.server, &event)) {
        ts_close(pair.port);
    }
}

static void rule_d02_a_closing_port_ends_a_call(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        pair_begin(&pair, PAIR_REQUESTS, INBOX);
        CHECK_OK(ts_thread_start(&server, close_port, NULL, 16384, 0, TS_PRIORITY_NORMAL));
        if (round % 2 == 0) {
            ts_sleep_until(in_ms(1)); // it waits already
        }
        for (int i = 0; i < 2; i++) {
            CHECK_EQUAL(ts_op(pair.object,
                              &(struct ts_op){.op = TS_OP_WRITE, .address = "x", .length = 1},
                              NULL),
                        TS_ERR_PEER_CLOSED);
        }
        CHECK_OK(ts_thread_join(&server, LIMIT));
        pair.port = TS_HANDLE_NONE;
        pair_end(&pair);
    }
}

int main(void)
{
    static const struct tap_test tests[] = {
        TAP(rule_r13_any_length_arrives_as_the_same_event),
        TAP(rule_r10_flags_and_deadlines_change_no_answer),
        TAP(rule_r10_pages_that_are_not_present_change_no_answer),
        TAP(rule_q12_an_answer_is_as_long_as_the_room),
        TAP(rule_r14_an_answer_that_fails_leaves_the_request),
        TAP(rule_q02_a_refused_call_reaches_nobody),
        TAP(rule_r02_other_events_come_beside_a_call),
        TAP(rule_r10_priorities_change_no_answer),
        TAP(rule_r10_timers_change_no_answer),
        TAP(rule_d02_a_closing_port_ends_a_call),
    };
    return TAP_RUN(tests);
}
