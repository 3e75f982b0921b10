// SPDX-License-Identifier: MIT
// See step.h.
#include "step.h"

#include "lane.h"
#include "shape.h"

#include <string.h>
#include <tessera/abi/kind.h>
#include <tessera/abi/object.h>

static void step_memory(struct actor *actor)
{
    uint64_t flags = one_in(actor, 8) ? below(actor, 4) : 0;
    (void)pool_keep_result(actor, SORT_MEMORY,
                           ts_sys_create(ts_create_word(TS_KIND_MEMORY, flags, TS_HANDLE_NONE),
                                         some_size(actor), 0, 0));
}

static void step_resize(struct actor *actor)
{
    uint64_t *size = area_place(actor, 8);
    *size = some_size(actor);
    ts_handle_t memory = handle_like(actor, one_in(actor, 2) ? SORT_INBOX : SORT_MEMORY);
    (void)actor_saw(actor, ts_sys_op(ts_op_word(TS_OP_SET, 0, 0, memory), (uintptr_t)size,
                                     sizeof(*size), 0, TS_PROPERTY_SIZE, TS_DEADLINE_NONE));
}

static void step_event(struct actor *actor)
{
    (void)pool_keep_result(
        actor, SORT_EVENT,
        ts_sys_create(ts_create_word(TS_KIND_EVENT, 0, TS_HANDLE_NONE), below(actor, 3), 0, 0));
}

static void step_lane(struct actor *actor)
{
    lane_make(actor, some_lane(actor));
}

static void step_operation(struct actor *actor)
{
    struct ts_submission shape;
    shape_any(actor, &shape);
    shape_call(actor, &shape);
}

static void step_batch(struct actor *actor)
{
    unsigned lane = some_lane(actor);
    uint32_t count = 1 + (uint32_t)below(actor, 24);
    for (uint32_t i = 0; i < count; i++) {
        struct ts_submission shape, *slot = lane_slot(lane, i);
        shape_any(actor, &shape);
        if (slot != NULL) {
            *slot = shape;
        }
    }
    lane_submit(actor, lane, count);
}

static void step_fill(struct actor *actor)
{
    uint64_t *words = area_place(actor, 64);
    for (unsigned i = 0; i < 8; i++) {
        words[i] = one_in(actor, 2)   ? some_number(actor)
                   : one_in(actor, 2) ? some_address(actor)
                                      : some_handle(actor);
    }
}

static void step_close(struct actor *actor)
{
    pool_close(actor, (enum sort)below(actor, SORT_OTHER));
}

static void step_yield(struct actor *actor)
{
    (void)actor_saw(actor, ts_sys_yield());
}

static const struct step {
    uint16_t weight;
    void (*run)(struct actor *actor);
} steps[] = {
    {300, step_operation}, {240, step_batch}, {160, step_raw},    {60, step_memory},
    {60, step_resize},     {60, step_inbox},  {100, step_ask},    {100, step_serve},
    {40, step_fill},       {30, step_close},  {20, step_event},   {10, step_lane},
    {20, step_yield},      {12, step_thread}, {8, step_process},  {8, step_job},
    {4, step_spawn},       {6, step_kill},    {120, step_device},
};
// What hurts others that are in the middle of something.
static const struct step wrecks[] = {
    {100, step_resize}, {100, step_close}, {60, step_raw}, {60, step_operation}, {40, step_yield},
    {20, step_inbox},   {8, step_process}, {2, step_lane}, {60, step_device},
};

static void run_one(struct actor *actor, const struct step *list, unsigned count)
{
    unsigned total = 0;
    for (unsigned i = 0; i < count; i++) {
        total += list[i].weight;
    }
    uint64_t at = below(actor, total);
    while (at >= list->weight) {
        at -= (list++)->weight;
    }
    list->run(actor);
}

void step_any(struct actor *actor)
{
    run_one(actor, steps, sizeof(steps) / sizeof(*steps));
}

void step_wreck(struct actor *actor)
{
    run_one(actor, wrecks, sizeof(wrecks) / sizeof(*wrecks));
}
