// SPDX-License-Identifier: MIT
// Steps with ports. See step.h.
#include "lane.h"
#include "shape.h"
#include "step.h"

#include <tessera/abi/kind.h>
#include <tessera/abi/object.h>

#define OBJECTS 4u

static void bind(struct actor *actor, ts_handle_t port)
{
    struct ts_port_binding *binding = area_place(actor, sizeof(*binding));
    *binding = (struct ts_port_binding){
        .ring = lane_handle(LANE_CLIENTS + (unsigned)below(actor, LANES - LANE_CLIENTS)),
        .cookie = port};
    struct ts_call *call = area_place(actor, sizeof(*call));
    *call = (struct ts_call){
        .in_address = (uintptr_t)binding, .in_length = sizeof(*binding), .method = TS_PORT_BIND};
    (void)actor_saw(actor, ts_sys_op(ts_op_word(TS_OP_CALL, 0, 0, port), (uintptr_t)call,
                                     sizeof(*call), 0, TS_PORT_BIND, some_deadline(actor)));
}

static void mint(struct actor *actor, ts_handle_t port)
{
    ts_rights_t rights =
        one_in(actor, 4) ? (ts_rights_t)(actor_next(actor) & TS_RIGHTS_ALL) : TS_RIGHTS_ALL;
    (void)pool_keep_result(actor, SORT_SERVED,
                           ts_sys_op(ts_op_word(TS_OP_MINT, 0, rights, port), 0, 0,
                                     actor_next(actor), below(actor, OBJECTS), TS_DEADLINE_NONE));
}

static uint64_t size_of(struct actor *actor, ts_handle_t memory)
{
    uint64_t size = 0;
    (void)actor_saw(actor, ts_sys_op(ts_op_word(TS_OP_GET, 0, 0, memory), (uintptr_t)&size,
                                     sizeof(size), 0, TS_PROPERTY_SIZE, TS_DEADLINE_NONE));
    return size;
}

// A port, mostly with an inbox: memory that is just large enough, or not quite, and that may be
// another port's already.
void step_inbox(struct actor *actor)
{
    static const uint16_t rooms[] = {64, 100, 512, 1024, 4095, 4096, 4096, 4096};
    ts_handle_t memory = TS_HANDLE_NONE;
    uint64_t room = 0, requests = 1 + below(actor, 32);
    if (!one_in(actor, 4)) {
        memory = handle_like(actor, one_in(actor, 2) ? SORT_INBOX : SORT_MEMORY);
        room = ONE_OF(actor, rooms);
        requests = size_of(actor, memory) / room + (one_in(actor, 8) ? below(actor, 3) - 1 : 0);
        requests = requests > 64 && !one_in(actor, 16) ? 64 : requests;
    }
    struct ts_result made = actor_saw(
        actor, ts_sys_create(ts_create_word(TS_KIND_PORT, 0, memory), requests, OBJECTS, room));
    if (made.status != TS_OK) {
        return;
    }
    ts_handle_t port = (ts_handle_t)made.value;
    bind(actor, port);
    if (one_in(actor, 4)) {
        bind(actor, port);
    }
    for (uint64_t i = below(actor, 3); i < 3; i++) {
        mint(actor, port);
    }
    pool_keep(actor, SORT_PORT, port);
    if (memory != TS_HANDLE_NONE && one_in(actor, 2)) {
        struct ts_result copy =
            actor_saw(actor, ts_sys_op(ts_op_word(TS_OP_DUPLICATE, 0, TS_RIGHTS_ALL, memory), 0, 0,
                                       0, 0, TS_DEADLINE_NONE));
        if (copy.status == TS_OK) {
            pool_keep(actor, SORT_INBOX, (ts_handle_t)copy.value);
        }
    }
}

// Requests to one object, side by side, most with bytes, some with handles.
void step_ask(struct actor *actor)
{
    static const uint8_t ops[] = {TS_OP_WRITE, TS_OP_WRITE, TS_OP_WRITE, TS_OP_READ, TS_OP_CALL,
                                  TS_OP_CALL,  TS_OP_SHARE, TS_OP_OPEN,  TS_OP_SET};
    ts_handle_t object = handle_like(actor, SORT_SERVED);
    unsigned lane = (unsigned)below(actor, LANE_CLIENTS);
    uint32_t count = 1 + (uint32_t)below(actor, 12);
    for (uint32_t i = 0; i < count; i++) {
        struct ts_submission shape, *slot = lane_slot(lane, i);
        shape_operation(actor, (enum ts_operation)ONE_OF(actor, ops), &shape);
        shape.handle = object;
        if (!one_in(actor, 4)) {
            shape.deadline = TS_DEADLINE_NONE;
        }
        if (slot != NULL) {
            *slot = shape;
        }
    }
    lane_submit(actor, lane, count);
}

static void answer(struct actor *actor, const struct ts_event *event)
{
    static const uint8_t ops[] = {TS_OP_REPLY, TS_OP_REPLY, TS_OP_PULL, TS_OP_PUSH, TS_OP_TAKE};
    struct ts_submission shape;
    do {
        shape_operation(actor, (enum ts_operation)ONE_OF(actor, ops), &shape);
        shape.handle = (ts_handle_t)event->user_data;
        shape.arg = event->value;
        shape_call(actor, &shape);
    } while (shape.op != TS_OP_REPLY && !one_in(actor, 4));
}

// Takes what came to a serving ring; a part is answered at once, the rest perhaps later.
void step_serve(struct actor *actor)
{
    unsigned lane = LANE_CLIENTS + (unsigned)below(actor, LANES - LANE_CLIENTS);
    struct ts_event event;
    lane_enter(actor, lane, 0, below(actor, 2));
    for (unsigned i = 0; i < LANE_SLOTS && lane_event(actor, lane, &event); i++) {
        if (event.kind != TS_EVENT_REQUEST) {
            continue;
        }
        request_keep(actor, event.value);
        if (one_in(actor, 2)) {
            answer(actor, &event);
        }
    }
}
