// SPDX-License-Identifier: MIT
// Requests between a client and a server, and the end of processes: design section 4. The server is
// a thread of this program, so that both sides are seen; processes without a program of their own
// show what becomes of those that fault and are killed.
#include "lib/tap.h"
#include "lib/wait.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/port.h>
#include <tessera/lib/process.h>
#include <tessera/lib/thread.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

#define INBOX 64u

enum { TAG = 0x7a6 };

// What the server does with a request follows from its offset (read, write) or method.
enum { ECHO, IGNORE, MINT_ONE, TAKE_AND_RETURN, STOP };

static struct {
    struct ts_ring_queue ring;
    ts_handle_t port, object;
    char *inbox;
    struct ts_thread thread;
    _Atomic uint64_t kept;            // id of the request that IGNORE keeps
    _Atomic uint32_t cancels, closed; // events seen
    ts_status_t late;                 // what answering a kept request said
} server;

static void reply_handle(uint64_t id, uint32_t result, uint32_t object)
{
    const struct ts_reply reply = {.id = id,
                                   .result = result,
                                   .object = object,
                                   .tag = TAG + 1,
                                   .rights = TS_RIGHTS_ALL,
                                   .value = 5};
    if (ts_port_reply(server.port, &reply) != TS_OK) {
        server.late = TS_ERR_PROTOCOL;
    }
}

static ts_status_t answer(const struct ts_event *event, bool *out_stop)
{
    uint64_t id = event->value;
    uint64_t what = event->op == TS_OP_CALL ? event->extra : event->offset;
    const char *inbox = server.inbox + ts_request_id_slot(id) * INBOX;
    struct ts_reply reply = {.id = id};
    ts_handle_t handle;
    struct ts_taken own;
    switch (what) {
    case IGNORE: server.kept = id; return TS_OK;
    case MINT_ONE: reply_handle(id, TS_REPLY_MINT, 1); return TS_OK;
    case TAKE_AND_RETURN:
        if (ts_port_take(server.port, id, 0, &handle, &own) != TS_OK) {
            break;
        }
        reply_handle(id, TS_REPLY_MOVE, handle);
        return TS_OK;
    case STOP: *out_stop = true; break;
    default:
        if (event->op == TS_OP_READ) { // length bytes of 'r', the first also pushed
            char page[4096];
            size_t bytes = event->room < sizeof(page) ? event->room : sizeof(page);
            memset(page, 'r', bytes);
            size_t pushed;
            for (uint64_t at = 0; at < event->room; at += bytes) {
                size_t part = event->room - at < bytes ? event->room - at : bytes;
                ts_status_t status = ts_port_push(server.port, id, page, part, at, &pushed);
                if (status != TS_OK) {
                    break; // the client's memory: the answer says so
                }
            }
            reply.value = event->room;
        } else {
            reply.value = event->length != 0 ? (unsigned char)inbox[0] : 0; // the test looks at it
        }
        break;
    }
    return ts_port_reply(server.port, &reply);
}

static void serve(void *argument)
{
    (void)argument;
    bool stop = false;
    while (!stop) {
        struct ts_event event;
        if (ts_ring_enter(&server.ring, 1, TS_DEADLINE_NONE) != TS_OK) {
            return;
        }
        while (!stop && ts_ring_next(&server.ring, &event)) {
            if (event.kind == TS_EVENT_REQUEST) {
                (void)answer(&event, &stop);
            }
            server.cancels += event.kind == TS_EVENT_CANCEL;
            server.closed += event.kind == TS_EVENT_CLOSED;
        }
    }
}

static void server_starts(void)
{
    ts_handle_t inbox;
    void *at;
    CHECK_OK(ts_memory_allocate(8 * INBOX, 0, &inbox, &at));
    server.inbox = at;
    CHECK_OK(ts_port_create(8, 4, inbox, INBOX, &server.port));
    CHECK_OK(ts_ring_create(&server.ring, 8, 16, 8));
    CHECK_OK(ts_port_bind(server.port, server.ring.handle, 42));
    CHECK_EQUAL(ts_port_bind(server.port, server.ring.handle, 42), TS_ERR_EXISTS);
    CHECK_OK(ts_port_mint(server.port, 0, TAG, TS_RIGHTS_ALL, &server.object));
    CHECK_EQUAL(ts_port_mint(server.port, 0, TAG, TS_RIGHTS_ALL, &inbox), TS_ERR_EXISTS);
    CHECK_EQUAL(ts_port_mint(server.port, 4, TAG, TS_RIGHTS_ALL, &inbox), TS_ERR_ARGUMENT);
    CHECK_OK(ts_thread_start(&server.thread, serve, NULL, 32768, 0, TS_PRIORITY_NORMAL));
}

static void port_cannot_leave_its_process(void)
{
    ts_handle_t other;
    CHECK_EQUAL(ts_duplicate(server.port, TS_RIGHTS_SAME, &other), TS_ERR_RIGHTS);
    struct ts_call call = {.in_handles = 1, .in_handle = {server.port}};
    CHECK_EQUAL(ts_call(server.object, ECHO, &call, TS_DEADLINE_NONE, NULL), TS_ERR_RIGHTS);
}

// A write whose value is what the server chose to say (ts_write takes it for a count of bytes).
static ts_status_t ask(ts_handle_t object, const char *byte, uint64_t what, uint64_t *out_value)
{
    return ts_op(object,
                 &(struct ts_op){.op = TS_OP_WRITE,
                                 .address = byte,
                                 .length = 1,
                                 .offset = what,
                                 .deadline = patience()},
                 out_value);
}

static void write_arrives_in_the_inbox(void)
{
    uint64_t value;
    for (int i = 0; i < 500; i++) {
        char byte = (char)('a' + i % 26);
        CHECK_OK(ask(server.object, &byte, ECHO, &value));
        CHECK_EQUAL(value, byte);
    }
}

static void read_is_pushed_across_pages(void)
{
    static char buffer[10000];
    size_t bytes;
    memset(buffer, 0, sizeof(buffer));
    CHECK_OK(ts_read(server.object, buffer + 1, 9000, ECHO, patience(), &bytes));
    CHECK_EQUAL(bytes, 9000);
    CHECK_EQUAL(buffer[0], 0);
    for (int i = 1; i <= 9000; i++) {
        CHECK_EQUAL(buffer[i], 'r');
    }
    CHECK_EQUAL(buffer[9001], 0);
}

static void vector_is_one_range(void)
{
    static char a[10], b[5000];
    struct ts_segment segments[2] = {{(uintptr_t)a, sizeof(a)}, {(uintptr_t)b, sizeof(b)}};
    uint64_t bytes;
    CHECK_OK(ts_op(server.object,
                   &(struct ts_op){.op = TS_OP_READ,
                                   .flags = TS_FLAG_VECTOR,
                                   .address = segments,
                                   .length = 2,
                                   .offset = ECHO,
                                   .deadline = patience()},
                   &bytes));
    CHECK_EQUAL(bytes, 5010);
    CHECK_EQUAL(a[0], 'r');
    CHECK_EQUAL(b[4999], 'r');
    CHECK_EQUAL(ts_op(server.object,
                      &(struct ts_op){.op = TS_OP_READ,
                                      .flags = TS_FLAG_VECTOR,
                                      .address = segments,
                                      .length = 17,
                                      .offset = ECHO},
                      NULL),
                TS_ERR_ARGUMENT);
}

static void client_fault_is_the_clients(void)
{
    ts_handle_t memory;
    void *at;
    size_t bytes;
    CHECK_OK(ts_memory_allocate(8192, 0, &memory, &at));
    CHECK_OK(ts_memory_unmap((char *)at + 4096, 4096));
    CHECK_EQUAL(ts_read(server.object, at, 8192, ECHO, patience(), &bytes), TS_ERR_FAULT);
    CHECK_EQUAL(
        ts_read(server.object, (void *)0xffff800000000000, 8, ECHO, TS_DEADLINE_NONE, &bytes),
        TS_ERR_FAULT);
    write_arrives_in_the_inbox(); // the server lives on
    ts_close(memory);
}

// What the server sees of what it was told already, maybe a little later than others do.
static void wait_until_counted(const _Atomic uint32_t *count, uint32_t expected)
{
    ts_time_t limit = patience();
    while (*count < expected && ts_clock_now() < limit) {
        ts_thread_yield();
    }
    CHECK_EQUAL(*count, expected);
}

static void deadline_is_polite_then_detaches(void)
{
    size_t bytes;
    uint32_t before = server.cancels;
    ts_status_t status = TS_ERR_TIMED_OUT;
    for (int64_t ms = 10; status == TS_ERR_TIMED_OUT && ms < 10000; ms *= 2) { // until it is taken
        status = ts_write(server.object, "x", 1, IGNORE, in_ms(ms), &bytes);
    }
    CHECK_EQUAL(status, TS_ERR_ABANDONED);
    wait_until_counted(&server.cancels, before + 1);
    struct ts_reply reply = {.id = server.kept};
    CHECK_EQUAL(ts_port_reply(server.port, &reply), TS_ERR_GONE); // frees the slot
    CHECK_EQUAL(ts_port_reply(server.port, &reply), TS_ERR_GONE);
}

static void forged_request_ids_are_gone(void)
{
    struct ts_reply reply = {.id = UINT64_C(0x1234567800000000)};
    size_t bytes;
    char byte;
    CHECK_EQUAL(ts_port_reply(server.port, &reply), TS_ERR_GONE);
    CHECK_EQUAL(ts_port_pull(server.port, 7, &byte, 1, 0, &bytes), TS_ERR_GONE);
    CHECK_EQUAL(ts_port_push(server.port, UINT64_MAX, &byte, 1, 0, &bytes), TS_ERR_GONE);
}

static void minted_object_closes_once(void)
{
    uint32_t before = server.closed;
    struct ts_call call = {.out_handles = 1};
    uint64_t value;
    CHECK_OK(ts_call(server.object, MINT_ONE, &call, patience(), &value));
    CHECK_EQUAL(value, 5);
    ts_handle_t object = call.out_handle[0], copy;
    CHECK_OK(ask(object, "q", ECHO, &value));
    CHECK_OK(ts_duplicate(object, TS_RIGHTS_SAME, &copy));
    ts_close(object);
    CHECK_OK(ask(copy, "q", ECHO, &value));
    CHECK_EQUAL(server.closed, before);
    ts_close(copy);
    // Notices come before requests of other objects are taken, and are counted by then.
    CHECK_OK(ask(server.object, "q", ECHO, &value));
    CHECK_OK(ask(server.object, "q", ECHO, &value));
    CHECK_EQUAL(server.closed, before + 1);
}

static void handle_is_moved_and_comes_back(void)
{
    ts_handle_t event;
    uint64_t count;
    CHECK_OK(ts_event_create(3, &event));
    struct ts_call call = {.in_handles = 1, .out_handles = 1, .in_handle = {event}};
    CHECK_OK(ts_call(server.object, TAKE_AND_RETURN, &call, patience(), NULL));
    CHECK_EQUAL(ts_event_signal(event, 1), TS_ERR_HANDLE);
    CHECK_OK(ts_event_wait(call.out_handle[0], patience(), &count));
    CHECK_EQUAL(count, 3);
    ts_close(call.out_handle[0]);
}

static void signals_of_a_served_object(void)
{
    ts_signals_t signals;
    CHECK_EQUAL(ts_wait(server.object, TS_SIGNAL_READABLE, in_ms(5), &signals), TS_ERR_TIMED_OUT);
    CHECK_OK(ts_port_signal(server.port, 0, 0, TS_SIGNAL_READABLE));
    CHECK_OK(ts_wait(server.object, TS_SIGNAL_READABLE, patience(), &signals));
    CHECK_EQUAL(signals & TS_SIGNAL_READABLE, TS_SIGNAL_READABLE);
    CHECK_OK(ts_port_signal(server.port, 0, TS_SIGNAL_READABLE, 0));
}

static struct ts_ring_queue client;

static void ring_requests_are_answered(void)
{
    static char bytes[8];
    CHECK_OK(ts_ring_create(&client, 8, 8, 8));
    for (uint64_t round = 0; round < 50; round++) {
        for (uint64_t i = 0; i < 8; i++) {
            struct ts_submission *slot = ts_ring_slot(&client);
            CHECK(slot != NULL);
            bytes[i] = (char)('A' + i);
            ts_prepare_write(slot, server.object, &bytes[i], 1, ECHO, TS_DEADLINE_NONE, i);
        }
        CHECK_OK(ts_ring_enter(&client, 8, patience()));
        struct ts_event event;
        uint64_t seen = 0;
        while (ts_ring_next(&client, &event)) {
            CHECK_EQUAL(event.status, 0);
            CHECK_EQUAL(event.value, 'A' + event.user_data);
            seen |= UINT64_C(1) << event.user_data;
        }
        CHECK_EQUAL(seen, 0xff);
    }
}

static void ring_forced_cancel_abandons(void)
{
    struct ts_event event;
    ts_time_t limit = patience();
    server.kept = 0;
    ts_prepare_write(ts_ring_slot(&client), server.object, "x", 1, IGNORE, TS_DEADLINE_NONE, 50);
    CHECK_OK(ts_ring_submit(&client));
    while (server.kept == 0 && ts_clock_now() < limit) {
        ts_thread_yield(); // until it is taken
    }
    CHECK_EQUAL(ts_ring_enter(&client, 1, in_ms(20)), TS_ERR_TIMED_OUT);
    ts_prepare_cancel(ts_ring_slot(&client), 50, TS_FLAG_FORCE, 51);
    CHECK_OK(ts_ring_enter(&client, 2, patience()));
    CHECK(ts_ring_next(&client, &event));
    CHECK_EQUAL(event.user_data, 50);
    CHECK_EQUAL(event.status, TS_ERR_ABANDONED);
    CHECK(ts_ring_next(&client, &event));
    CHECK_EQUAL(event.user_data, 51);
    struct ts_reply reply = {.id = server.kept};
    CHECK_EQUAL(ts_port_reply(server.port, &reply), TS_ERR_GONE);
}

static void port_close_ends_requests(void)
{
    size_t bytes;
    (void)ts_write(server.object, "x", 1, STOP, patience(), &bytes);
    CHECK_OK(ts_thread_join(&server.thread, patience()));
    ts_prepare_write(ts_ring_slot(&client), server.object, "x", 1, ECHO, TS_DEADLINE_NONE,
                     60); // stays parked
    CHECK_OK(ts_ring_submit(&client));
    ts_close(server.port);
    struct ts_event event;
    CHECK_OK(ts_ring_enter(&client, 1, patience()));
    CHECK(ts_ring_next(&client, &event));
    CHECK_EQUAL(event.status, TS_ERR_PEER_CLOSED);
    CHECK_EQUAL(ts_write(server.object, "x", 1, ECHO, patience(), &bytes), TS_ERR_PEER_CLOSED);
    CHECK_OK(ts_wait(server.object, TS_SIGNAL_CLOSED, patience(), NULL));
    ts_close(server.object);
    ts_ring_destroy(&client);
    ts_ring_destroy(&server.ring);
}

// ---- Processes

static ts_handle_t process_make(void)
{
    ts_handle_t process;
    CHECK_OK(ts_process_create(ts_named_handle(TS_NAME_JOB), "test", &process));
    return process;
}

static void thread_begin(ts_handle_t process, uint64_t entry, uint64_t stack)
{
    struct ts_result started = ts_sys_thread_start(process, entry, stack, 0, 0, TS_PRIORITY_NORMAL);
    CHECK_OK(started.status);
    ts_close((ts_handle_t)started.value);
}

static void fault_ends_a_process_with_a_report(void)
{
    ts_handle_t process = process_make();
    struct ts_process_report report;
    thread_begin(process, 0x123000, 0x200000);
    CHECK_OK(ts_process_wait(process, patience(), &report));
    CHECK_EQUAL(report.reason, TS_EXIT_FAULT);
    CHECK_EQUAL(report.fault_address, 0x123000);
    CHECK_EQUAL(ts_report_pc(&report), 0x123000);
    ts_close(process);
}

static void kill_ends_an_endless_loop(void)
{
    static const unsigned char loop[] = {0xeb, 0xfe};
    ts_handle_t process = process_make(), memory;
    uint64_t at;
    struct ts_process_report report;
    size_t bytes;
    CHECK_OK(ts_memory_create(4096, 0, &memory));
    CHECK_OK(ts_write(memory, loop, sizeof(loop), 0, TS_DEADLINE_NONE, &bytes));
    CHECK_OK(ts_process_map(process, memory, 0x400000, 4096, 0,
                            TS_MAP_READ | TS_MAP_EXECUTE | TS_MAP_FIXED, &at));
    for (int i = 0; i < 2; i++) {
        thread_begin(process, at, 0);
    }
    CHECK_EQUAL(ts_wait(process, TS_SIGNAL_EXITED, in_ms(30), NULL), TS_ERR_TIMED_OUT);
    CHECK_OK(ts_process_kill(process));
    CHECK_OK(ts_process_wait(process, patience(), &report));
    CHECK_EQUAL(report.reason, TS_EXIT_KILLED);
    CHECK_OK(ts_process_kill(process)); // again: no harm
    ts_close(process);
    ts_close(memory);
}

static uint64_t pages_used(void)
{
    struct ts_job_statistics statistics;
    CHECK_OK(ts_job_statistics(ts_named_handle(TS_NAME_JOB), &statistics));
    return statistics.used.pages;
}

static void death_gives_everything_back(void)
{
    kill_ends_an_endless_loop(); // what is cached is there now
    uint64_t before = pages_used();
    for (int i = 0; i < 10; i++) {
        kill_ends_an_endless_loop();
        fault_ends_a_process_with_a_report();
    }
    ts_time_t until = patience();
    while (pages_used() > before && ts_clock_now() < until) {
        ts_thread_yield();
    }
    CHECK(pages_used() <= before); // less, if what was kept in advance went back
}

static void unstarted_process_goes_with_its_handle(void)
{
    uint64_t before = pages_used();
    ts_close(process_make());
    ts_time_t until = patience();
    while (pages_used() > before && ts_clock_now() < until) {
        ts_thread_yield();
    }
    CHECK(pages_used() <= before);
}

int main(void)
{
    static const struct tap_test tests[] = {
        TAP(server_starts),
        TAP(port_cannot_leave_its_process),
        TAP(write_arrives_in_the_inbox),
        TAP(read_is_pushed_across_pages),
        TAP(vector_is_one_range),
        TAP(client_fault_is_the_clients),
        TAP(deadline_is_polite_then_detaches),
        TAP(forged_request_ids_are_gone),
        TAP(minted_object_closes_once),
        TAP(handle_is_moved_and_comes_back),
        TAP(signals_of_a_served_object),
        TAP(ring_requests_are_answered),
        TAP(ring_forced_cancel_abandons),
        TAP(port_close_ends_requests),
        TAP(fault_ends_a_process_with_a_report),
        TAP(kill_ends_an_endless_loop),
        TAP(death_gives_everything_back),
        TAP(unstarted_process_goes_with_its_handle),
    };
    return TAP_RUN(tests);
}
