// SPDX-License-Identifier: MIT
// Rules H of docs/invariants.md: handles, rights, and what becomes of handles that are sent.
#include "lib/job.h"
#include "lib/pair.h"
#include "lib/tap.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>

static struct pair pair;

static struct ts_event call_delivered(struct ts_call *call, uint64_t user_data)
{
    ts_prepare_call(ts_ring_slot(&pair.client), pair.object, 1, call, TS_DEADLINE_NONE, user_data);
    pair_submit(&pair);
    return pair_event(&pair, TS_EVENT_REQUEST);
}

static void rule_h01_only_the_own_table_names_objects(void)
{
    uint64_t value;
    // Numbers that could name something elsewhere: every slot of a page, with usual generations.
    unsigned named = 0;
    for (ts_handle_t slot = TS_HANDLE_NONE; slot < 4096; slot++) {
        for (ts_handle_t generation = TS_HANDLE_NONE; generation < 2; generation++) {
            ts_handle_t handle = ts_handle_make(slot, generation);
            ts_status_t status =
                ts_op(handle,
                      &(struct ts_op){
                          .op = TS_OP_GET, .address = &value, .length = 8, .arg = TS_PROPERTY_KIND},
                      NULL);
            CHECK(status == TS_OK || status == TS_ERR_HANDLE);
            named += status == TS_OK;
        }
    }
    struct ts_process_statistics statistics;
    CHECK_OK(ts_process_statistics(ts_named_handle(TS_NAME_PROCESS), &statistics));
    CHECK(named > 0 && named <= statistics.handles);
}

static void rule_h02_a_closed_handle_stays_dead(void)
{
    ts_handle_t event, other;
    CHECK_OK(ts_event_create(0, &event));
    ts_close(event);
    for (int i = 0; i < 1000; i++) { // what is made next is never taken for it
        CHECK_OK(ts_event_create(0, &other));
        CHECK(other != event);
        CHECK_EQUAL(ts_event_signal(event, 1), TS_ERR_HANDLE);
        ts_close(other);
    }
    CHECK_EQUAL(ts_op(event, &(struct ts_op){.op = TS_OP_CLOSE}, NULL), TS_ERR_HANDLE);
}

// Without these rights of all that there are.
static void refused_without(enum ts_operation op, ts_rights_t rights)
{
    char buffer[64];
    ts_handle_t weak;
    const struct ts_op asked = {
        .op = op, .address = buffer, .length = sizeof(buffer), .arg = 1, .deadline = patience()};
    CHECK_OK(ts_duplicate(pair.object, TS_RIGHTS_ALL & ~rights, &weak));
    CHECK_EQUAL(ts_op(weak, &asked, NULL), TS_ERR_RIGHTS);
    ts_close(weak);
}

static void rule_h03_operations_need_their_rights(void)
{
    static const ts_rights_t needed[] = {
#define TS_OPERATION(NAME, name, number, rights, ...) [number] = (rights),
#include <tessera/abi/operation.def>
#undef TS_OPERATION
    };
    pair_begin(&pair, PAIR_REQUESTS, 64);
    for (unsigned op = 0; op < TS_OP_COUNT; op++) {
        for (unsigned right = 1; right <= TS_RIGHTS_ALL; right <<= 1) {
            if ((needed[op] & right) != 0) {
                refused_without((enum ts_operation)op, (ts_rights_t)right);
            }
        }
    }
    refused_without(TS_OP_SYNC, TS_RIGHT_READ | TS_RIGHT_WRITE); // one of them is enough
    refused_without(TS_OP_SET, TS_RIGHT_WRITE | TS_RIGHT_MANAGE);
    pair_quiet(&pair);
    pair_end(&pair);
}

// What a call's or open's reply grants, by what the handle used has and what was asked.
static ts_rights_t opened_with(ts_rights_t used, ts_rights_t asked, ts_rights_t granted)
{
    ts_handle_t weak;
    ts_rights_t rights;
    CHECK_OK(ts_duplicate(pair.object, used | TS_RIGHT_OPEN, &weak));
    ts_prepare_open(ts_ring_slot(&pair.client), weak, "name", 4, 0, asked, TS_DEADLINE_NONE, 1);
    pair_submit(&pair);
    struct ts_event request = pair_event(&pair, TS_EVENT_REQUEST);
    CHECK_EQUAL(request.rights, asked & (used | TS_RIGHT_OPEN)); // the server sees no more
    const struct ts_reply reply = {
        .id = request.value, .result = TS_REPLY_MINT, .object = 1, .tag = 1, .rights = granted};
    CHECK_OK(ts_port_reply(pair.port, &reply));
    struct ts_event done = pair_completion(&pair, 1);
    CHECK_OK(done.status);
    CHECK_OK(ts_rights((ts_handle_t)done.value, &rights));
    ts_close((ts_handle_t)done.value);
    (void)pair_event(&pair, TS_EVENT_CLOSED);
    ts_close(weak);
    return rights;
}

static void rule_h04_results_have_the_common_rights(void)
{
    pair_begin(&pair, PAIR_REQUESTS, 64);
    const ts_rights_t rw = TS_RIGHT_READ | TS_RIGHT_WRITE;
    CHECK_EQUAL(opened_with(rw, TS_RIGHTS_ALL, TS_RIGHTS_ALL), rw | TS_RIGHT_OPEN);
    CHECK_EQUAL(opened_with(TS_RIGHTS_ALL, TS_RIGHT_READ, TS_RIGHTS_ALL), TS_RIGHT_READ);
    CHECK_EQUAL(opened_with(TS_RIGHTS_ALL, rw, TS_RIGHT_WRITE | TS_RIGHT_MAP), TS_RIGHT_WRITE);
    CHECK_EQUAL(opened_with(TS_RIGHT_READ, TS_RIGHT_WRITE, TS_RIGHTS_ALL), 0);
    pair_end(&pair);
}

static void rule_h05_a_sent_handle_is_in_transit(void)
{
    ts_handle_t event, weak;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_event_create(0, &event));
    CHECK_OK(ts_duplicate(event, TS_RIGHTS_ALL & ~TS_RIGHT_TRANSFER, &weak));
    struct ts_call call = {.in_handles = 1, .in_handle = {weak}};
    CHECK_EQUAL(ts_call(pair.object, 1, &call, patience(), NULL), TS_ERR_RIGHTS);
    call.in_handle[0] = event;
    ts_prepare_call(ts_ring_slot(&pair.client), pair.object, 1, &call, TS_DEADLINE_NONE, 1);
    pair_submit(&pair); // parked
    CHECK_EQUAL(ts_event_signal(event, 1), TS_ERR_HANDLE);
    CHECK_EQUAL(ts_op(event, &(struct ts_op){.op = TS_OP_CLOSE}, NULL), TS_ERR_BUSY);
    pair_cancel(&pair, 1, 0, 2);
    CHECK_EQUAL(pair_completion(&pair, 1).status, TS_ERR_CANCELLED);
    CHECK_OK(pair_completion(&pair, 2).status);
    CHECK_OK(ts_event_signal(event, 1)); // it is back
    uint64_t id = call_delivered(&call, 3).value;
    pair_cancel(&pair, 3, TS_FLAG_FORCE, 4);
    CHECK_EQUAL(pair_completion(&pair, 3).status, TS_ERR_ABANDONED);
    CHECK_OK(pair_completion(&pair, 4).status);
    CHECK_EQUAL(ts_event_signal(event, 1), TS_ERR_HANDLE); // from delivery on it is gone
    const struct ts_reply reply = {.id = id};
    CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_GONE);
    ts_close(weak);
    pair_end(&pair);
}

static void rule_h06_what_is_not_taken_is_closed(void)
{
    static struct pair other;
    struct ts_process_statistics before, after;
    ts_handle_t self = ts_named_handle(TS_NAME_PROCESS);
    pair_begin(&pair, PAIR_REQUESTS, 0);
    pair_begin(&other, PAIR_REQUESTS, 0);
    CHECK_OK(ts_process_statistics(self, &before));
    struct ts_call call = {.in_handles = 1, .in_handle = {other.object}};
    other.object = TS_HANDLE_NONE;
    uint64_t id = call_delivered(&call, 1).value;
    CHECK_OK(ts_process_statistics(self, &after));
    CHECK_EQUAL(after.handles, before.handles - 1); // gone from the client, and not in the server
    pair_quiet(&other);
    pair_reply(&pair, id, TS_OK, 0);
    CHECK_EQUAL(pair_event(&other, TS_EVENT_CLOSED).oid, 0);
    CHECK_OK(pair_completion(&pair, 1).status);
    pair_end(&other);
    pair_end(&pair);
}

static void rule_h07_closed_comes_once_at_zero(void)
{
    ts_handle_t copy;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_duplicate(pair.object, TS_RIGHTS_ALL, &copy));
    struct ts_call call = {.in_handles = 1, .in_handle = {copy}};
    pair_write(&pair, "x", 1, 0, 1); // three that count: the handle, the request, one in transit
    ts_prepare_call(ts_ring_slot(&pair.client), pair.object, 1, &call, TS_DEADLINE_NONE, 2);
    pair_submit(&pair);
    ts_close(pair.object);
    uint64_t first = pair_event(&pair, TS_EVENT_REQUEST).value;
    uint64_t second = pair_event(&pair, TS_EVENT_REQUEST).value;
    pair_quiet(&pair); // the handle that was sent is there
    pair_reply(&pair, second, TS_OK, 0);
    struct ts_event closed = pair_event(&pair, TS_EVENT_CLOSED);
    CHECK(closed.oid == 0 && closed.tag == PAIR_TAG);
    pair_quiet(&pair);
    pair_reply(&pair, first, TS_OK, 1);
    CHECK_OK(ts_port_mint(pair.port, 0, PAIR_TAG, TS_RIGHTS_ALL, &pair.object));
    CHECK_OK(pair_completion(&pair, 2).status);
    CHECK_OK(pair_completion(&pair, 1).status);
    pair_end(&pair);
}

static void rule_h08_an_own_handle_comes_home_unwrapped(void)
{
    ts_handle_t copy, handle;
    struct ts_taken own;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_duplicate(pair.object, TS_RIGHT_READ | TS_RIGHT_TRANSFER, &copy));
    struct ts_call call = {.in_handles = 1, .in_handle = {copy}};
    uint64_t id = call_delivered(&call, 1).value;
    CHECK_OK(ts_port_take(pair.port, id, 0, &handle, &own));
    CHECK_EQUAL(handle, TS_HANDLE_NONE);
    CHECK(own.oid == 0 && own.tag == PAIR_TAG);
    CHECK_EQUAL(own.rights, TS_RIGHT_READ | TS_RIGHT_TRANSFER);
    CHECK_EQUAL(ts_port_take(pair.port, id, 0, &handle, &own), TS_ERR_NOT_FOUND); // once
    CHECK_EQUAL(ts_port_take(pair.port, id, 4, &handle, &own), TS_ERR_ARGUMENT);
    pair_reply(&pair, id, TS_OK, 0);
    CHECK_OK(pair_completion(&pair, 1).status);
    pair_end(&pair);
}

static void rule_h09_revoked_handles_are_dead(void)
{
    ts_handle_t copy;
    char byte;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_duplicate(pair.object, TS_RIGHTS_ALL, &copy));
    pair_write(&pair, "x", 1, 0, 1);
    uint64_t delivered = pair_event(&pair, TS_EVENT_REQUEST).value;
    pair_write(&pair, "x", 1, 0, 2); // parked
    CHECK_OK(ts_port_revoke(pair.port, 0));
    CHECK_EQUAL(ts_op(copy,
                      &(struct ts_op){
                          .op = TS_OP_READ, .address = &byte, .length = 1, .deadline = patience()},
                      NULL),
                TS_ERR_PEER_CLOSED);
    CHECK_OK(ts_wait(copy, TS_SIGNAL_CLOSED, patience(), NULL));
    pair_quiet(&pair);
    CHECK_EQUAL(pair_completion(&pair, 2).status, TS_ERR_PEER_CLOSED);
    pair_reply(&pair, delivered, TS_OK, 1); // what was in its hands is still answered
    CHECK_OK(pair_completion(&pair, 1).status);
    ts_close(copy);
    ts_close(pair.object);
    pair.object = TS_HANDLE_NONE;
    (void)pair_event(&pair, TS_EVENT_CLOSED);
    pair_end(&pair);
}

static void rule_h10_consumers_take_kernel_kinds(void)
{
    enum ts_kind kind;
    void *address;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_kind(pair.object, &kind)); // the kernel tells, the server is not asked
    CHECK_EQUAL(kind, TS_KIND_SERVED);
    CHECK_EQUAL(ts_memory_map(pair.object, NULL, 4096, 0, TS_MAP_READ, &address), TS_ERR_KIND);
    CHECK_EQUAL(ts_port_bind(pair.port, pair.object, 0), TS_ERR_KIND);
    CHECK_EQUAL(ts_sys_thread_start(pair.object, 0x10000, 0, 0, 0, 0).status, TS_ERR_KIND);
    CHECK_EQUAL(ts_sys_enter(pair.object, 0, TS_DEADLINE_NONE, 0).status, TS_ERR_KIND);
    ts_handle_t made;
    CHECK_EQUAL(ts_port_create(8, 8, pair.object, 64, &made), TS_ERR_KIND);
    CHECK_EQUAL(ts_process_create(pair.object, "x", &made), TS_ERR_KIND);
    pair_end(&pair);
}

static void rule_h11_same_tells_one_object(void)
{
    ts_handle_t a, b, copy;
    bool same;
    CHECK_OK(ts_event_create(0, &a));
    CHECK_OK(ts_event_create(0, &b));
    CHECK_OK(ts_duplicate(a, TS_RIGHT_WAIT, &copy));
    CHECK_OK(ts_same(a, copy, &same));
    CHECK(same);
    CHECK_OK(ts_same(a, b, &same));
    CHECK(!same);
    ts_close(copy);
    CHECK_EQUAL(ts_same(a, copy, &same), TS_ERR_HANDLE);
    ts_close(a);
    ts_close(b);
}

static void rule_h12_the_results_slot_is_reserved_at_issue(void)
{
    struct ts_process_statistics before, issued, after;
    ts_handle_t self = ts_named_handle(TS_NAME_PROCESS);
    pair_begin(&pair, PAIR_REQUESTS, 64);
    CHECK_OK(ts_process_statistics(self, &before));
    ts_prepare_open(ts_ring_slot(&pair.client), pair.object, "a", 1, 0, TS_RIGHTS_ALL,
                    TS_DEADLINE_NONE, 1);
    pair_submit(&pair);
    CHECK_OK(ts_process_statistics(self, &issued));
    CHECK_EQUAL(issued.handles, before.handles + 1);
    uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
    pair_reply(&pair, id, TS_ERR_NOT_FOUND, 0);
    CHECK_EQUAL(pair_completion(&pair, 1).status, TS_ERR_NOT_FOUND);
    CHECK_OK(ts_process_statistics(self, &after));
    CHECK_EQUAL(after.handles, before.handles); // and given back
    pair_end(&pair);
}

// Duplicates until there is no room for one more. Returns how many, or UINT32_MAX.
static uint32_t table_fill(ts_handle_t handle, ts_handle_t *copies, uint32_t most)
{
    uint32_t count = 0;
    ts_status_t status = TS_OK;
    while (count < most &&
           (status = ts_duplicate(handle, TS_RIGHT_READ, &copies[count])) == TS_OK) {
        count++;
    }
    return status == TS_ERR_LIMIT ? count : UINT32_MAX;
}

// Whether the ring's next event is a completion with this user_data and status.
static bool completed(struct ts_ring_queue *ring, uint64_t user_data, ts_status_t status,
                      uint64_t *out_value)
{
    struct ts_event event;
    if (ts_ring_unread(ring) == 0 && ts_ring_enter(ring, 1, patience()) != TS_OK) {
        return false;
    }
    if (!ts_ring_next(ring, &event)) {
        return false;
    }
    *out_value = event.value;
    return event.kind == TS_EVENT_COMPLETION && event.user_data == user_data &&
           event.status == status;
}

#define NEED(condition)      \
    do {                     \
        if (!(condition))    \
            return __LINE__; \
    } while (0)

// In a job with few handles; returns 0 or the line at which something was not as it must be.
// Without room the client hears so at once and the server nothing; with the last slot reserved the
// answer cannot fail, however full the table became meanwhile.
static int full_table(void)
{
    static ts_handle_t copies[4096];
    struct ts_ring_queue client, server;
    struct ts_event event;
    ts_handle_t port, object;
    uint64_t value;
    NEED(ts_ring_create(&client, 8, 8, 8) == TS_OK && ts_ring_create(&server, 8, 8, 8) == TS_OK);
    NEED(ts_port_create(4, 4, TS_HANDLE_NONE, 0, &port) == TS_OK);
    NEED(ts_port_bind(port, server.handle, 0) == TS_OK);
    NEED(ts_port_mint(port, 0, 0, TS_RIGHTS_ALL, &object) == TS_OK);
    uint32_t count = table_fill(object, copies, 4096);
    NEED(count != UINT32_MAX && count > 0);
    ts_prepare_open(ts_ring_slot(&client), object, "a", 1, 0, TS_RIGHTS_ALL, TS_DEADLINE_NONE, 1);
    NEED(completed(&client, 1, TS_ERR_LIMIT, &value));
    NEED(ts_op(object,
               &(struct ts_op){.op = TS_OP_OPEN,
                               .rights = TS_RIGHTS_ALL,
                               .address = "a",
                               .length = 1,
                               .deadline = patience()},
               &value) == TS_ERR_LIMIT);
    NEED(ts_ring_enter(&server, 1, in_ms(20)) == TS_ERR_TIMED_OUT);
    ts_close(copies[--count]);
    ts_prepare_open(ts_ring_slot(&client), object, "a", 1, 0, TS_RIGHTS_ALL, TS_DEADLINE_NONE, 2);
    NEED(ts_ring_submit(&client) == TS_OK);
    NEED(table_fill(object, copies + count, 4096 - count) == 0);
    NEED(ts_ring_enter(&server, 1, patience()) == TS_OK && ts_ring_next(&server, &event));
    const struct ts_reply reply = {
        .id = event.value, .result = TS_REPLY_MINT, .object = 1, .tag = 5, .rights = TS_RIGHTS_ALL};
    NEED(ts_port_reply(port, &reply) == TS_OK);
    NEED(completed(&client, 2, TS_OK, &value));
    enum ts_kind kind;
    NEED(ts_kind((ts_handle_t)value, &kind) == TS_OK && kind == TS_KIND_SERVED);
    return 0;
}

static void rule_h12_no_answer_fails_for_want_of_a_slot(void)
{
    const char *arguments[] = {"rules_handles", "full", NULL};
    struct ts_spawn spawn = {.name = "full", .arguments = arguments};
    struct ts_process_report report;
    ts_handle_t child;
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &(struct ts_job_limits){.handles = 200},
                           &spawn.job));
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), "test/rules_handles", &child));
    CHECK_OK(ts_process_wait(child, patience(), &report));
    CHECK_EQUAL(report.reason, TS_EXIT_STATUS);
    CHECK_EQUAL(report.status, 0);
    ts_close(child);
    job_check_empty(spawn.job);
    ts_close(spawn.job);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(rule_h01_only_the_own_table_names_objects),
        TAP(rule_h02_a_closed_handle_stays_dead),
        TAP(rule_h03_operations_need_their_rights),
        TAP(rule_h04_results_have_the_common_rights),
        TAP(rule_h05_a_sent_handle_is_in_transit),
        TAP(rule_h06_what_is_not_taken_is_closed),
        TAP(rule_h07_closed_comes_once_at_zero),
        TAP(rule_h08_an_own_handle_comes_home_unwrapped),
        TAP(rule_h09_revoked_handles_are_dead),
        TAP(rule_h10_consumers_take_kernel_kinds),
        TAP(rule_h11_same_tells_one_object),
        TAP(rule_h12_the_results_slot_is_reserved_at_issue),
        TAP(rule_h12_no_answer_fails_for_want_of_a_slot),
    };
    return argc > 1 && strcmp(argv[1], "full") == 0 ? full_table() : TAP_RUN(tests);
}
