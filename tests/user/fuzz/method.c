// SPDX-License-Identifier: MIT
// Methods of kernel objects, each with its argument structure. See shape.h.
#include "shape.h"

#include <tessera/abi/object.h>

static const struct method {
    uint8_t sort, number, words; // words of input, chosen by fill()
    bool gives;                  // a handle
} methods[] = {
    {SORT_MEMORY, TS_MEMORY_COMMIT, 2, false},
    {SORT_MEMORY, TS_MEMORY_VIEW, 2, true},
    {SORT_MEMORY, TS_MEMORY_VIEW, 2, true},
    {SORT_PORT, TS_PORT_BIND, 2, false},
    {SORT_PORT, TS_PORT_BIND, 2, false},
    {SORT_PORT, TS_PORT_UNBIND, 2, false},
    {SORT_PROCESS, TS_PROCESS_GIVE, 0, false},
    {SORT_PROCESS, TS_PROCESS_KILL, 0, false},
    {SORT_PROCESS, TS_PROCESS_READ, 2, false},
    {SORT_PROCESS, TS_PROCESS_WRITE, 8, false},
    {SORT_JOB, TS_JOB_KILL, 0, false},
    {SORT_OTHER, TS_LOG_RELEASE_SERIAL, 0, false},
    {SORT_OTHER, TS_LOG_RELEASE_SCREEN, 0, false},
};

static uint64_t some_pages(struct actor *actor)
{
    return below(actor, 4) * TS_PAGE_SIZE;
}

// The input of a method: a range, a binding, or an address of another process.
static void fill(struct actor *actor, const struct method *method, uint64_t *words)
{
    switch (method->sort) {
    case SORT_MEMORY:
        words[0] = one_in(actor, 4) ? some_number(actor) : some_pages(actor);
        words[1] = one_in(actor, 4) ? some_number(actor) : some_pages(actor) + TS_PAGE_SIZE;
        break;
    case SORT_PORT:
        words[0] =
            handle_like(actor, SORT_RING) | (one_in(actor, 16) ? actor_next(actor) << 32 : 0);
        words[1] = below(actor, 100);
        break;
    default:
        words[0] = some_address(actor);
        words[1] = one_in(actor, 2) ? below(actor, 48) : some_number(actor);
        break;
    }
}

void shape_method(struct actor *actor, struct ts_submission *out_shape)
{
    const struct method *method = &methods[below(actor, sizeof methods / sizeof *methods)];
    struct ts_call *call = area_place(actor, sizeof *call);
    uint64_t *words = area_place(actor, 64);
    fill(actor, method, words);
    *call = (struct ts_call){.in_address = (uintptr_t)words,
                             .in_length = method->words * 8u,
                             .out_address = some_address(actor),
                             .out_length = one_in(actor, 2) ? 0 : 4096,
                             .method = method->number,
                             .out_handles = method->gives};
    if (method->sort == SORT_PROCESS && method->number == TS_PROCESS_GIVE) {
        call->in_handles = 1;
        call->in_handle[0] = some_handle(actor);
    }
    out_shape->handle = handle_like(actor, (enum sort)method->sort);
    out_shape->address = (uintptr_t)call;
    out_shape->length = sizeof *call;
    out_shape->arg = method->number;
    if (method->sort == SORT_MEMORY && one_in(actor, 3))
        out_shape->handle = pool_pick(actor, SORT_INBOX);
    if (one_in(actor, 16))
        *(uint64_t *)area_place(actor, 8) = some_number(actor);
}
