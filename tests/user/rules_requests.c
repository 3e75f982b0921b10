// SPDX-License-Identifier: MIT
// Rules Q of docs/invariants.md that are about a request's life up to its answer. rules_endings.c
// has those about other ends.
#include "lib/pair.h"
#include "lib/tap.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>

static struct pair pair;
static char buffer[16384] __attribute__((aligned(4096)));

static void one_exchange(uint64_t user_data)
{
    pair_write(&pair, "x", 1, 0, user_data);
    struct ts_event request = pair_event(&pair, TS_EVENT_REQUEST);
    pair_reply(&pair, request.value, TS_OK, 1);
    CHECK_EQUAL(pair_completion(&pair, user_data).status, TS_OK);
}

// Calls of this thread, whose record is the thread's: of bytes, pieces, a name and a handle. Nobody
// answers, so that the kernel takes everything back.
static void calls_in_vain(ts_handle_t event)
{
    static const struct ts_segment pieces[2] = {{(uintptr_t)buffer, 8}, {(uintptr_t)buffer, 9}};
    struct ts_call call = {.in_handles = 1, .in_handle = {event}, .out_handles = 1};
    CHECK_EQUAL(
        ts_op(pair.object,
              &(struct ts_op){.op = TS_OP_WRITE, .address = "x", .length = 1, .deadline = in_ms(1)},
              NULL),
        TS_ERR_TIMED_OUT);
    CHECK_EQUAL(ts_op(pair.object,
                      &(struct ts_op){.op = TS_OP_READ,
                                      .flags = TS_FLAG_VECTOR,
                                      .address = pieces,
                                      .length = 2,
                                      .deadline = in_ms(1)},
                      NULL),
                TS_ERR_TIMED_OUT);
    CHECK_EQUAL(ts_op(pair.object,
                      &(struct ts_op){.op = TS_OP_OPEN,
                                      .rights = TS_RIGHTS_ALL,
                                      .address = "a",
                                      .length = 1,
                                      .deadline = in_ms(1)},
                      NULL),
                TS_ERR_TIMED_OUT);
    CHECK_EQUAL(ts_call(pair.object, 1, &call, in_ms(1), NULL), TS_ERR_TIMED_OUT);
    CHECK_EQUAL(ts_wait(event, TS_SIGNAL_READABLE, in_ms(1), NULL), TS_ERR_TIMED_OUT);
}

// What the kernel answers itself, and what it gives up.
static void waits_and_a_cancel(ts_handle_t event)
{
    ts_prepare_timeout(ts_ring_slot(&pair.client), in_ms(1), 1);
    pair_submit(&pair);
    CHECK_OK(pair_completion(&pair, 1).status);
    ts_prepare_watch(ts_ring_slot(&pair.client), event, TS_SIGNAL_READABLE, 2);
    pair_submit(&pair);
    pair_cancel(&pair, 2, 0, 3);
    CHECK_EQUAL(pair_completion(&pair, 2).status, TS_ERR_CANCELLED);
    CHECK_OK(pair_completion(&pair, 3).status);
}

static void ask_in_every_way(ts_handle_t event, unsigned times)
{
    for (uint64_t i = 0; i < times; i++) {
        one_exchange(i);
    }
    calls_in_vain(event);
    waits_and_a_cancel(event);
}

static uint64_t allocations_left(void)
{
    uint64_t left;
    CHECK_OK(ts_get_u64(ts_named_handle(TS_NAME_PROCESS), TS_PROPERTY_ALLOCATION_FAILURE, &left));
    return left;
}

// The debug kernel counts the allocations of this process down, to one that is never reached: also
// those that are given back at once.
static void rule_q01_asking_allocates_nothing(void)
{
    const uint64_t many = UINT64_C(1) << 40;
    ts_handle_t event, self = ts_named_handle(TS_NAME_PROCESS);
    pair_begin(&pair, PAIR_REQUESTS, 64);
    CHECK_OK(ts_event_create(0, &event));
    ask_in_every_way(event, 1); // what is touched the first time is there afterwards
    CHECK_OK(ts_set_u64(self, TS_PROPERTY_ALLOCATION_FAILURE, many));
    ask_in_every_way(event, 200);
    CHECK_EQUAL(allocations_left(), many);
    ts_handle_t other;
    CHECK_OK(ts_event_create(0, &other)); // which does, and is seen
    ts_close(other);
    CHECK(allocations_left() < many);
    CHECK_OK(ts_set_u64(self, TS_PROPERTY_ALLOCATION_FAILURE, 0));
    ts_close(event);
    pair_end(&pair);
}

static void rule_q02_checks_come_before_effects(void)
{
    ts_handle_t free_to_go, bound;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_event_create(0, &free_to_go));
    CHECK_OK(ts_duplicate(free_to_go, TS_RIGHT_WRITE | TS_RIGHT_WAIT, &bound)); // no TRANSFER
    struct ts_call call = {.in_handles = 2, .in_handle = {free_to_go, bound}};
    CHECK_EQUAL(ts_call(pair.object, 1, &call, patience(), NULL), TS_ERR_RIGHTS);
    CHECK_OK(ts_event_signal(free_to_go, 1)); // the first one is not in transit
    call = (struct ts_call){.in_handles = 1, .in_handle = {free_to_go}, .in_length = 8};
    call.in_address = 0xffff800000000000;
    CHECK_EQUAL(ts_call(pair.object, 1, &call, patience(), NULL), TS_ERR_FAULT);
    CHECK_OK(ts_event_signal(free_to_go, 1));
    pair_quiet(&pair); // and the server has heard nothing
    ts_close(free_to_go);
    ts_close(bound);
    pair_end(&pair);
}

static void rule_q03_each_completes_once(void)
{
    uint64_t ids[PAIR_REQUESTS];
    pair_begin(&pair, PAIR_REQUESTS, 0);
    for (uint64_t i = 0; i < PAIR_REQUESTS; i++) {
        pair_write(&pair, "x", 1, 0, i);
    }
    for (uint64_t i = 0; i < PAIR_REQUESTS; i++) {
        ids[i] = pair_event(&pair, TS_EVENT_REQUEST).value;
    }
    for (uint64_t i = 0; i < PAIR_REQUESTS; i += 2) { // every second one is cancelled first
        pair_cancel(&pair, i, 0, 100 + i);
        CHECK_EQUAL(pair_completion(&pair, 100 + i).status, TS_ERR_BUSY);
    }
    for (uint64_t i = 0; i < PAIR_REQUESTS; i++) {
        const struct ts_reply again = {.id = ids[i]};
        pair_reply(&pair, ids[i], TS_OK, i);
        CHECK_EQUAL(ts_port_reply(pair.port, &again), TS_ERR_GONE);
        struct ts_event event = pair_completion(&pair, i);
        CHECK_EQUAL(event.value, i);
        CHECK_EQUAL(event.flags & TS_EVENT_MORE, 0);
    }
    pair_no_completion(&pair);
    pair_end(&pair);
}

static void rule_q11_nothing_changes_after_completion(void)
{
    size_t bytes;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    memset(buffer, 'a', sizeof(buffer));
    pair_read(&pair, buffer, sizeof(buffer), 1);
    uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
    CHECK_OK(ts_port_push(pair.port, id, "bbbb", 4, 0, &bytes));
    pair_cancel(&pair, 1, TS_FLAG_FORCE, 2);
    CHECK_EQUAL(pair_completion(&pair, 1).status, TS_ERR_ABANDONED);
    CHECK_OK(pair_completion(&pair, 2).status);
    CHECK_EQUAL(ts_port_push(pair.port, id, "cccc", 4, 8, &bytes), TS_ERR_GONE);
    const struct ts_reply late = {.id = id, .address = (uintptr_t) "dddd", .length = 4, .value = 4};
    CHECK_EQUAL(ts_port_reply(pair.port, &late), TS_ERR_GONE);
    CHECK(memcmp(buffer, "bbbbaaaaaaaa", 12) == 0);
    pair_end(&pair);
}

static void rule_q12_copies_stay_inside_the_range(void)
{
    char data[8];
    size_t bytes;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    memset(buffer, 'a', sizeof(buffer));
    pair_read(&pair, buffer + 100, 50, 1);
    uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
    CHECK_EQUAL(ts_port_push(pair.port, id, "xx", 2, 49, &bytes), TS_ERR_RANGE);
    CHECK_EQUAL(ts_port_push(pair.port, id, "x", 1, 50, &bytes), TS_ERR_RANGE);
    CHECK_EQUAL(ts_port_push(pair.port, id, "x", 1, UINT64_MAX, &bytes), TS_ERR_RANGE);
    CHECK_EQUAL(ts_port_pull(pair.port, id, data, 1, 0, &bytes), TS_ERR_RANGE); // the other way
    CHECK_OK(ts_port_push(pair.port, id, "z", 1, 49, &bytes));
    pair_reply(&pair, id, TS_OK, 50);
    CHECK_OK(pair_completion(&pair, 1).status);
    CHECK_EQUAL(buffer[99], 'a');
    CHECK_EQUAL(buffer[148], 'a');
    CHECK_EQUAL(buffer[149], 'z');
    CHECK_EQUAL(buffer[150], 'a');
    pair_write(&pair, "abcd", 4, 0, 2);
    id = pair_event(&pair, TS_EVENT_REQUEST).value;
    CHECK_EQUAL(ts_port_push(pair.port, id, "x", 1, 0, &bytes), TS_ERR_RANGE);
    CHECK_EQUAL(ts_port_pull(pair.port, id, data, 5, 0, &bytes), TS_ERR_RANGE);
    CHECK_OK(ts_port_pull(pair.port, id, data, 2, 2, &bytes));
    CHECK(bytes == 2 && data[0] == 'c' && data[1] == 'd');
    pair_reply(&pair, id, TS_OK, 4);
    CHECK_OK(pair_completion(&pair, 2).status);
    pair_end(&pair);
}

static void rule_q13_a_fault_is_told_to_both(void)
{
    ts_handle_t memory;
    void *at;
    size_t bytes;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_memory_allocate(8192, 0, &memory, &at));
    CHECK_OK(ts_memory_unmap((char *)at + 4096, 4096));
    pair_read(&pair, at, 8192, 1);
    uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
    CHECK_EQUAL(ts_port_push(pair.port, id, buffer, 8192, 0, &bytes), TS_ERR_CLIENT_FAULT);
    CHECK_EQUAL(bytes, 4096);
    pair_reply(&pair, id, TS_OK, 8192);
    CHECK_EQUAL(pair_completion(&pair, 1).status, TS_ERR_FAULT);
    // An answer that did not arrive is over, and says so: what it would have taken is still there.
    pair_read(&pair, at, 8192, 3);
    struct ts_reply reply = {.id = pair_event(&pair, TS_EVENT_REQUEST).value,
                             .value = 8192,
                             .address = (uintptr_t)buffer,
                             .length = 8192};
    CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_CLIENT_FAULT);
    CHECK_EQUAL(pair_completion(&pair, 3).status, TS_ERR_FAULT);
    CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_GONE);
    // The server's own fault is the server's alone.
    pair_read(&pair, buffer, 16, 2);
    id = pair_event(&pair, TS_EVENT_REQUEST).value;
    CHECK_EQUAL(ts_port_push(pair.port, id, (char *)at + 4096, 16, 0, &bytes), TS_ERR_FAULT);
    pair_reply(&pair, id, TS_OK, 0);
    CHECK_OK(pair_completion(&pair, 2).status);
    CHECK_OK(ts_memory_unmap(at, 4096));
    ts_close(memory);
    pair_end(&pair);
}

// Of all slots, and 8 requests that may be parked beside them, one client takes what leaves as
// many.
static void rule_q15_a_client_leaves_half(void)
{
    enum { SLOTS = 24, SHARE = (SLOTS + 8) / 2 + 1, ALL = 30 };
    uint64_t ids[ALL];
    pair_begin(&pair, SLOTS, 0);
    for (uint64_t i = 0; i < ALL; i++) {
        pair_write(&pair, "x", 1, i, i);
        if (i < SHARE) {
            ids[i] = pair_event(&pair, TS_EVENT_REQUEST).value;
        }
    }
    pair_quiet(&pair);
    // Each one that is over admits one that waits, in order.
    for (uint64_t i = SHARE; i < ALL; i++) {
        pair_reply(&pair, ids[i - SHARE], TS_OK, 1);
        struct ts_event next = pair_event(&pair, TS_EVENT_REQUEST);
        CHECK_EQUAL(next.offset, i);
        ids[i] = next.value;
        CHECK_OK(pair_completion(&pair, i - SHARE).status);
    }
    pair_quiet(&pair);
    for (uint64_t i = ALL - SHARE; i < ALL; i++) {
        pair_reply(&pair, ids[i], TS_OK, 1);
        CHECK_OK(pair_completion(&pair, i).status);
    }
    pair_end(&pair);
}

// A request that was cut off keeps its slot until it is answered, and counts as long.
static void rule_q15_what_is_cut_off_counts(void)
{
    enum { SLOTS = 24, SHARE = (SLOTS + 8) / 2 + 1 };
    uint64_t ids[SHARE];
    pair_begin(&pair, SLOTS, 0);
    for (uint64_t i = 0; i < SHARE; i++) {
        pair_write(&pair, "x", 1, i, i);
        ids[i] = pair_event(&pair, TS_EVENT_REQUEST).value;
    }
    pair_write(&pair, "x", 1, SHARE, SHARE);
    pair_cancel(&pair, 0, 0, 1000);
    (void)pair_event(&pair, TS_EVENT_CANCEL);
    CHECK_EQUAL(pair_completion(&pair, 1000).status, TS_ERR_BUSY);
    CHECK_EQUAL(pair_completion(&pair, 0).status, TS_ERR_ABANDONED); // when the grace is over
    pair_quiet(&pair);
    const struct ts_reply late = {.id = ids[0]};
    CHECK_EQUAL(ts_port_reply(pair.port, &late), TS_ERR_GONE);
    CHECK_EQUAL(pair_event(&pair, TS_EVENT_REQUEST).offset, SHARE);
    pair_end(&pair);
}

static void rule_q16_nowait_is_answered_at_once(void)
{
    ts_handle_t event;
    uint64_t value;
    CHECK_OK(ts_event_create(0, &event));
    CHECK_EQUAL(
        ts_op(event,
              &(struct ts_op){.op = TS_OP_WAIT, .flags = TS_FLAG_NOWAIT, .arg = TS_SIGNAL_READABLE},
              &value),
        TS_ERR_AGAIN);
    CHECK_OK(ts_event_signal(event, 7));
    CHECK_OK(
        ts_op(event,
              &(struct ts_op){.op = TS_OP_WAIT, .flags = TS_FLAG_NOWAIT, .arg = TS_SIGNAL_READABLE},
              &value));
    CHECK_EQUAL(value, 7);
    ts_close(event);
    // A server is told of the flag, and it is the server that keeps it.
    pair_begin(&pair, PAIR_REQUESTS, 0);
    ts_prepare_write(ts_ring_slot(&pair.client), pair.object, "x", 1, 0, TS_DEADLINE_NONE, 1);
    pair.client.submissions[(pair.client.staged_tail - 1) & pair.client.submission_mask].flags =
        TS_FLAG_NOWAIT;
    pair_submit(&pair);
    struct ts_event request = pair_event(&pair, TS_EVENT_REQUEST);
    CHECK_EQUAL(ts_event_op_flags(request.flags), TS_FLAG_NOWAIT);
    pair_reply(&pair, request.value, TS_ERR_AGAIN, 0);
    CHECK_EQUAL(pair_completion(&pair, 1).status, TS_ERR_AGAIN);
    pair_end(&pair);
}

static void rule_q17_reserved_fields_are_zero(void)
{
    pair_begin(&pair, PAIR_REQUESTS, 0);
    struct ts_call call = {.reserved = 1};
    CHECK_EQUAL(ts_call(pair.object, 1, &call, patience(), NULL), TS_ERR_ARGUMENT);
    call = (struct ts_call){.in_handles = TS_CALL_HANDLES + 1};
    CHECK_EQUAL(ts_call(pair.object, 1, &call, patience(), NULL), TS_ERR_ARGUMENT);
    const struct ts_reply reply = {.signals = 1};
    CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_ARGUMENT);
    CHECK_EQUAL(ts_op(pair.object,
                      &(struct ts_op){
                          .op = TS_OP_READ, .flags = TS_FLAG_QUIET, .address = buffer, .length = 1},
                      NULL),
                TS_ERR_ARGUMENT);
    CHECK_EQUAL(
        ts_op(pair.object,
              &(struct ts_op){.op = TS_OP_READ, .flags = 0x80, .address = buffer, .length = 1},
              NULL),
        TS_ERR_ARGUMENT);
    pair_quiet(&pair);
    pair_end(&pair);
}

// LINK is known, and not offered.
static ts_status_t refusal(uint8_t flags)
{
    return (flags & TS_FLAG_LINK) != 0 ? TS_ERR_UNSUPPORTED : TS_ERR_ARGUMENT;
}

static void refused_by_call(enum ts_operation op, ts_handle_t handle, uint8_t flag)
{
    const struct ts_op asked = {
        .op = op, .flags = flag, .address = buffer, .length = 1, .deadline = patience()};
    CHECK_EQUAL(ts_op(handle, &asked, NULL), refusal(flag));
}

static void refused_on_ring(enum ts_operation op, ts_handle_t handle, uint8_t flags)
{
    const struct ts_op asked = {.op = op, .flags = flags, .address = buffer, .length = 1};
    ts_prepare(ts_ring_slot(&pair.client), handle, &asked, op);
    pair_submit(&pair);
    CHECK_EQUAL(pair_completion(&pair, op).status, refusal(flags));
}

// Each operation, with each flag that it cannot have: by system call and on a ring, without effect.
static void rule_q17_no_operation_takes_a_flag_that_is_not_its_own(void)
{
    static const struct {
        uint8_t answers, flags, ring_flags;
    } table[] = {
#define TS_OPERATION(NAME, name, number, rights, answers, flags, ring_flags, ...) \
    [number] = {TS_ANSWERS_##answers, flags, ring_flags},
#include <tessera/abi/operation.def>
#undef TS_OPERATION
    };
    pair_begin(&pair, PAIR_REQUESTS, 0);
    for (unsigned i = 0; i < 8 * TS_OP_COUNT; i++) {
        enum ts_operation op = (enum ts_operation)(i / 8);
        uint8_t flag = (uint8_t)(1u << i % 8), own = table[op].flags | TS_FLAG_NOWAIT;
        ts_handle_t handle = table[op].answers == TS_ANSWERS_PORT ? pair.port : pair.object;
        if ((flag & own) == 0 && table[op].answers != TS_ANSWERS_RING) {
            refused_by_call(op, handle, flag);
        }
        own |= table[op].ring_flags | TS_FLAG_QUIET;
        if ((flag & own) == 0) {
            refused_on_ring(op, handle, flag);
            refused_on_ring(op, handle, flag | TS_FLAG_QUIET);
        }
    }
    pair_quiet(&pair);
    pair_write(&pair, "x", 1, 0, 99); // nothing was closed or revoked
    pair_reply(&pair, pair_event(&pair, TS_EVENT_REQUEST).value, TS_OK, 1);
    CHECK_OK(pair_completion(&pair, 99).status);
    pair_end(&pair);
}

static void rule_q18_a_failed_reply_moves_nothing(void)
{
    ts_handle_t event;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_event_create(0, &event));
    pair_write(&pair, "x", 1, 0, 1);
    uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
    struct ts_reply reply = {
        .id = id, .result = TS_REPLY_MOVE, .object = event, .rights = TS_RIGHTS_ALL};
    CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_ARGUMENT); // a write has no handle's room
    CHECK_OK(ts_event_signal(event, 1));
    reply.id = ts_request_id(ts_request_id_slot(id), ts_request_id_generation(id) + 1);
    CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_GONE);
    CHECK_OK(ts_event_signal(event, 1));
    pair_reply(&pair, id, TS_OK, 1); // it can be answered all the same
    CHECK_OK(pair_completion(&pair, 1).status);
    ts_close(event);
    pair_end(&pair);
}

static void ask(ts_handle_t object, uint64_t user_data)
{
    ts_prepare_write(ts_ring_slot(&pair.client), object, "x", 1, 0, TS_DEADLINE_NONE, user_data);
    pair_submit(&pair);
}

// Three slots of four are taken, and more requests are parked and wait.
static ts_handle_t begin_with_reserve(void)
{
    ts_handle_t reserved;
    pair_begin(&pair, 4, 0);
    CHECK_OK(ts_port_mint_reserve(pair.port, 1, 1, TS_RIGHTS_ALL, &reserved));
    for (uint64_t i = 0; i < 8; i++) {
        ask(pair.object, i);
    }
    for (uint64_t i = 0; i < 3; i++) {
        CHECK_EQUAL(pair_event(&pair, TS_EVENT_REQUEST).oid, 0);
    }
    pair_quiet(&pair);
    return reserved;
}

// However full a port is, one request to the object that has its reserve is taken, and no second
// one until that is answered: nor while it is cut off. It brings no object that counts for nobody.
static void rule_q20_a_reserve_takes_one_objects_requests(void)
{
    ts_handle_t reserved = begin_with_reserve();
    struct ts_call call = {.out_handles = 1};
    ts_prepare_call(ts_ring_slot(&pair.client), reserved, 1, &call, TS_DEADLINE_NONE, 100);
    pair_submit(&pair);
    struct ts_event event = pair_event(&pair, TS_EVENT_REQUEST);
    CHECK_EQUAL(event.oid, 1);
    ask(reserved, 101);
    CHECK_EQUAL(pair_completion(&pair, 101).status, TS_ERR_LIMIT);
    const struct ts_reply mint = {
        .id = event.value, .result = TS_REPLY_MINT, .object = 2, .rights = TS_RIGHTS_ALL};
    CHECK_EQUAL(ts_port_reply(pair.port, &mint), TS_ERR_LIMIT);
    pair_cancel(&pair, 100, TS_FLAG_FORCE, 102);
    CHECK_EQUAL(pair_completion(&pair, 100).status, TS_ERR_ABANDONED);
    CHECK_OK(pair_completion(&pair, 102).status);
    CHECK_EQUAL(pair_event(&pair, TS_EVENT_CANCEL).value, event.value);
    ask(reserved, 103);
    CHECK_EQUAL(pair_completion(&pair, 103).status, TS_ERR_LIMIT);
    const struct ts_reply late = {.id = event.value};
    CHECK_EQUAL(ts_port_reply(pair.port, &late), TS_ERR_GONE);
    pair_quiet(&pair); // and its slot is nobody else's
    ask(reserved, 104);
    pair_reply(&pair, pair_event(&pair, TS_EVENT_REQUEST).value, TS_OK, 9);
    CHECK_EQUAL(pair_completion(&pair, 104).value, 9);
    pair_quiet(&pair);
    ts_close(reserved);
    pair_end(&pair);
}

static void rule_q20_a_port_has_one_reserve(void)
{
    ts_handle_t reserved = begin_with_reserve(), next;
    CHECK_EQUAL(ts_port_mint_reserve(pair.port, 2, 2, TS_RIGHTS_ALL, &next), TS_ERR_LIMIT);
    ts_close(reserved);
    CHECK_EQUAL(pair_event(&pair, TS_EVENT_CLOSED).oid, 1);
    pair_quiet(&pair); // kept for the next one
    CHECK_OK(ts_port_mint_reserve(pair.port, 2, 2, TS_RIGHTS_ALL, &next));
    ask(next, 100);
    CHECK_EQUAL(pair_event(&pair, TS_EVENT_REQUEST).oid, 2);
    ts_close(next);
    pair_end(&pair);
    pair_begin(&pair, 1, 0); // the only slot is for all
    CHECK_EQUAL(ts_port_mint_reserve(pair.port, 1, 1, TS_RIGHTS_ALL, &next), TS_ERR_LIMIT);
    CHECK_OK(ts_port_mint(pair.port, 1, 1, TS_RIGHTS_ALL, &next));
    ts_close(next);
    pair_end(&pair);
}

int main(void)
{
    static const struct tap_test tests[] = {
        TAP(rule_q01_asking_allocates_nothing),
        TAP(rule_q02_checks_come_before_effects),
        TAP(rule_q03_each_completes_once),
        TAP(rule_q11_nothing_changes_after_completion),
        TAP(rule_q12_copies_stay_inside_the_range),
        TAP(rule_q13_a_fault_is_told_to_both),
        TAP(rule_q15_a_client_leaves_half),
        TAP(rule_q15_what_is_cut_off_counts),
        TAP(rule_q16_nowait_is_answered_at_once),
        TAP(rule_q17_reserved_fields_are_zero),
        TAP(rule_q17_no_operation_takes_a_flag_that_is_not_its_own),
        TAP(rule_q18_a_failed_reply_moves_nothing),
        TAP(rule_q20_a_reserve_takes_one_objects_requests),
        TAP(rule_q20_a_port_has_one_reserve),
    };
    return TAP_RUN(tests);
}
