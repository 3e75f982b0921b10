// SPDX-License-Identifier: MIT
// Rules R of docs/invariants.md about rings and the order of events; rules_ports.c has those about
// what goes between a port and its rings.
#include "lib/pair.h"
#include "lib/tap.h"

#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/thread.h>

static struct pair pair;

static void wait_in_ring(void *argument)
{
    while (ts_ring_enter(argument, 1, patience()) == TS_ERR_BUSY) {
        ts_thread_yield(); // the test was inside at this moment
    }
}

// Kinds that alternate, answers with bytes and without, and no-ops of which all bits are 0.
static void rule_q03_each_of_many_kinds_in_a_row_completes(void)
{
    char bytes[8];
    uint64_t ids[4];
    struct ts_event event;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    for (uint64_t i = 0; i < 4; i++) {
        pair_read(&pair, bytes, sizeof(bytes), i);
    }
    for (uint64_t i = 0; i < 4; i++) {
        ids[i] = pair_event(&pair, TS_EVENT_REQUEST).value;
    }
    for (uint64_t i = 0; i < 4; i++) {
        ts_prepare_reply(ts_ring_slot(&pair.server), pair.port, ids[i], TS_OK, 100 + i, "answer",
                         i % 2 == 0 ? 6 : 0, 0);
        ts_prepare_nop(ts_ring_slot(&pair.server), 0);
    }
    CHECK_OK(ts_ring_enter(&pair.server, 4, patience()));
    for (uint64_t i = 0; i < 4; i++) {
        CHECK(ts_ring_next(&pair.server, &event));
        CHECK_EQUAL(event.op, TS_OP_NOP);
        CHECK_EQUAL(pair_completion(&pair, i).value, 100 + i);
    }
    CHECK(!ts_ring_next(&pair.server, &event));
    pair_end(&pair);
}

static void rule_r01_a_ring_is_one_threads(void)
{
    static struct ts_ring_queue ring;
    struct ts_thread thread;
    ts_handle_t handle;
    CHECK_OK(ts_ring_create(&ring, 8, 8, 8));
    handle = ring.handle;
    CHECK_OK(ts_thread_start(&thread, wait_in_ring, &ring, 16384, 0, TS_PRIORITY_NORMAL));
    ts_time_t until = patience();
    struct ts_result result;
    do { // once it is inside
        ts_thread_yield();
        result = ts_sys_enter(handle, 0, TS_DEADLINE_NONE, 0);
    } while (result.status == TS_OK && ts_clock_now() < until);
    CHECK_EQUAL(result.status, TS_ERR_BUSY);
    CHECK_EQUAL(ts_sys_reply_wait(ts_pair(handle, handle), 0, 0, 0, 0, 0).status, TS_ERR_BUSY);
    CHECK_OK(ts_op(handle, &(struct ts_op){.op = TS_OP_POST, .offset = 5, .arg = 6},
                   NULL)); // anyone may post
    CHECK_OK(ts_thread_join(&thread, patience()));
    ts_ring_destroy(&ring);
}

static void rule_r02_events_are_not_lost(void)
{
    struct ts_ring_queue ring;
    struct ts_event event;
    CHECK_OK(ts_ring_create(&ring, 32, 8, 64));
    for (uint64_t i = 0; i < 30; i++) { // of which eight have room
        ts_prepare_nop(ts_ring_slot(&ring), i);
    }
    CHECK_OK(ts_ring_enter(&ring, 8, patience()));
    CHECK_EQUAL(ts_ring_unread(&ring), 8);
    CHECK(ts_ring_pending(&ring));
    for (uint64_t i = 0; i < 30; i++) {
        if (ts_ring_unread(&ring) == 0) {
            CHECK_OK(ts_ring_enter(&ring, 1, patience()));
        }
        CHECK(ts_ring_next(&ring, &event));
        CHECK_EQUAL(event.user_data, i);
    }
    CHECK_EQUAL(ts_ring_enter(&ring, 0, patience()), TS_OK);
    CHECK(!ts_ring_pending(&ring));
    ts_ring_destroy(&ring);
}

static void rule_r03_submission_stops_without_a_record(void)
{
    struct ts_ring_queue ring;
    ts_handle_t never;
    CHECK_OK(ts_event_create(0, &never));
    CHECK_OK(ts_ring_create(&ring, 8, 8, 2));
    for (uint64_t i = 0; i < 4; i++) {
        ts_prepare_wait(ts_ring_slot(&ring), never, TS_SIGNAL_READABLE, TS_DEADLINE_NONE, i);
    }
    CHECK_EQUAL(ts_ring_submit(&ring), TS_ERR_AGAIN);
    CHECK_EQUAL(ts_ring_staged(&ring), 2); // two were taken, the head says so
    CHECK_OK(ts_event_signal(never, 1));
    CHECK_OK(ts_ring_enter(&ring, 1, patience()));
    struct ts_event event;
    CHECK(ts_ring_next(&ring, &event));
    CHECK_EQUAL(event.user_data, 0);
    CHECK_OK(ts_ring_enter(&ring, 0, TS_DEADLINE_NONE));
    CHECK(ts_ring_staged(&ring) < 2); // there was room for another one
    ts_ring_destroy(&ring);
    ts_close(never);
}

static void rule_r04_forged_indices_are_not_believed(void)
{
    struct ts_ring_queue ring;
    CHECK_OK(ts_ring_create(&ring, 8, 8, 8));
    struct ts_ring *header = ring.header;
    header->submit_tail = header->submit_head + 9; // more than there are slots
    CHECK_EQUAL(ts_sys_enter(ts_pair(ring.handle, 100), 0, TS_DEADLINE_NONE, 0).status, 0);
    header->submit_tail = header->submit_head - 1;
    CHECK_EQUAL(ts_sys_enter(ts_pair(ring.handle, 100), 0, TS_DEADLINE_NONE, 0).status, 0);
    header->submit_tail = header->submit_head;
    header->event_head = header->event_tail + 5; // has read what was never there
    header->event_tail = 12345;
    header->submit_head = 54321;
    ts_prepare_nop(&ring.submissions[0], 7);
    struct ts_result result = ts_sys_enter(ring.handle, 0, TS_DEADLINE_NONE, 0);
    CHECK(result.status == 0 && result.value == 0);
    CHECK_EQUAL(header->event_tail, 0); // what the kernel says is the kernel's
    ts_ring_destroy(&ring);
}

static void rule_r05_the_headers_version_counts(void)
{
    struct ts_ring_queue ring;
    CHECK_OK(ts_ring_create(&ring, 8, 8, 8));
    ring.header->version = TS_RING_VERSION + 1;
    CHECK_EQUAL(ts_sys_enter(ring.handle, 0, TS_DEADLINE_NONE, 0).status, TS_ERR_VERSION);
    CHECK_EQUAL(ts_sys_reply_wait(ts_pair(ring.handle, ring.handle), 0, 0, 0, 0, 0).status,
                TS_ERR_VERSION);
    ring.header->version = TS_RING_VERSION;
    CHECK_EQUAL(ts_sys_enter(ring.handle, 0, TS_DEADLINE_NONE, 0).status, 0);
    ts_ring_destroy(&ring);
}

static void rule_r08_one_source_is_served_in_order(void)
{
    pair_begin(&pair, 32, 0);
    for (uint64_t i = 0; i < 20; i++) {
        ts_prepare_write(ts_ring_slot(&pair.client), pair.object, "x", 1, i, TS_DEADLINE_NONE, i);
    }
    pair_submit(&pair);
    for (uint64_t i = 0; i < 20; i++) {
        struct ts_event request = pair_event(&pair, TS_EVENT_REQUEST);
        CHECK_EQUAL(request.offset, i);
        pair_reply(&pair, request.value, TS_OK, 1);
    }
    for (uint64_t i = 0; i < 20; i++) { // and the events of one ring as they were published
        CHECK_OK(pair_completion(&pair, i).status);
    }
    pair_end(&pair);
}

static void rule_r09_request_cancel_closed(void)
{
    pair_begin(&pair, PAIR_REQUESTS, 0);
    pair_write(&pair, "x", 1, 1, 1);
    uint64_t first = pair_event(&pair, TS_EVENT_REQUEST).value;
    pair_cancel(&pair, 1, 0, 2);
    pair_write(&pair, "x", 1, 2, 3); // parked when the last handle goes
    ts_close(pair.object);
    pair.object = TS_HANDLE_NONE;
    CHECK_EQUAL(pair_event(&pair, TS_EVENT_CANCEL).value, first);
    struct ts_event second = pair_event(&pair, TS_EVENT_REQUEST);
    CHECK_EQUAL(second.offset, 2);
    struct ts_event closed = pair_event(&pair, TS_EVENT_CLOSED);
    CHECK_EQUAL(closed.tag, PAIR_TAG);
    CHECK_EQUAL(closed.oid, 0);
    // What was delivered is still answered, and the oid can be used again.
    CHECK_OK(ts_port_mint(pair.port, 0, PAIR_TAG, TS_RIGHTS_ALL, &pair.object));
    pair_reply(&pair, first, TS_OK, 1);
    pair_reply(&pair, second.value, TS_OK, 1);
    CHECK_EQUAL(pair_completion(&pair, 2).status, TS_ERR_BUSY);
    CHECK_OK(pair_completion(&pair, 1).status);
    CHECK_OK(pair_completion(&pair, 3).status);
    pair_end(&pair);
}

static void rule_r15_quiet_hides_success_alone(void)
{
    struct ts_ring_queue ring;
    struct ts_event event;
    CHECK_OK(ts_ring_create(&ring, 8, 8, 8));
    for (uint64_t i = 0; i < 3; i++) {
        struct ts_submission *slot = ts_ring_slot(&ring);
        if (i == 1) {
            ts_prepare(slot, 0x12345, &(struct ts_op){.op = TS_OP_READ}, i); // no such handle
        } else {
            ts_prepare_nop(slot, i);
        }
        slot->flags = TS_FLAG_QUIET;
    }
    CHECK_OK(ts_ring_enter(&ring, 1, patience()));
    CHECK(ts_ring_next(&ring, &event));
    CHECK_EQUAL(event.user_data, 1);
    CHECK_EQUAL(event.status, TS_ERR_HANDLE);
    CHECK(!ts_ring_next(&ring, &event));
    ts_ring_destroy(&ring);
}

int main(void)
{
    static const struct tap_test tests[] = {
        TAP(rule_q03_each_of_many_kinds_in_a_row_completes),
        TAP(rule_r01_a_ring_is_one_threads),
        TAP(rule_r02_events_are_not_lost),
        TAP(rule_r03_submission_stops_without_a_record),
        TAP(rule_r04_forged_indices_are_not_believed),
        TAP(rule_r05_the_headers_version_counts),
        TAP(rule_r08_one_source_is_served_in_order),
        TAP(rule_r09_request_cancel_closed),
        TAP(rule_r15_quiet_hides_success_alone),
    };
    return TAP_RUN(tests);
}
