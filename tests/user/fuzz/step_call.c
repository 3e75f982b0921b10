// SPDX-License-Identifier: MIT
// Every system call with arguments of every class. See step.h.
#include "lane.h"
#include "step.h"

#include <tessera/abi/kind.h>

// Most are whole pages, so that they reach what lies behind the first look.
static uint64_t page_like(struct actor *actor, uint64_t value)
{
    return one_in(actor, 4) ? value : value & ~(uint64_t)(TS_PAGE_SIZE - 1);
}

// A range to unmap or to protect: seldom one in which the program itself may lie.
static uint64_t range_length(struct actor *actor)
{
    return one_in(actor, 256) ? some_number(actor) : TS_PAGE_SIZE * below(actor, 6);
}

static void raw_memory(struct actor *actor)
{
    uint64_t at = page_like(actor, one_in(actor, 64) ? some_address(actor) : mapping_pick(actor));
    struct ts_result mapped;
    switch (below(actor, 6)) {
    case 0: (void)actor_saw(actor, ts_sys_unmap(0, at, range_length(actor))); break;
    case 1:
        (void)actor_saw(actor, ts_sys_protect(0, at, range_length(actor), below(actor, 9)));
        break;
    case 2:
        (void)actor_saw(actor, ts_sys_protect(some_handle(actor), some_address(actor),
                                              some_number(actor), some_number(actor)));
        break;
    default:
        mapped = actor_saw(
            actor, ts_sys_map(ts_pair(one_in(actor, 32) ? some_handle(actor) : 0,
                                      handle_like(actor, SORT_MEMORY)),
                              one_in(actor, 2) ? 0 : page_like(actor, at),
                              page_like(actor, some_size(actor)),
                              one_in(actor, 2) ? 0 : page_like(actor, some_number(actor)),
                              one_in(actor, 8) ? some_number(actor) : 1 + below(actor, 31)));
        if (mapped.status == TS_OK) {
            mapping_keep(actor, mapped.value);
        }
        break;
    }
}

// It waits without a deadline: a timeout in the same ring ends it.
static void raw_reply_wait(struct actor *actor)
{
    unsigned lane = some_lane(actor);
    struct ts_submission *slot = lane_slot(lane, 0);
    if (slot == NULL) {
        return;
    }
    *slot = (struct ts_submission){.op = TS_OP_TIMEOUT, .deadline = some_deadline(actor)};
    lane_submit(actor, lane, 1);
    (void)actor_saw(actor,
                    ts_sys_reply_wait(ts_pair(lane_handle(lane), handle_like(actor, SORT_PORT)),
                                      request_pick(actor) | 1, some_number(actor),
                                      some_number(actor), some_address(actor), some_number(actor)));
}

static void raw_ring(struct actor *actor)
{
    if (one_in(actor, 3)) {
        raw_reply_wait(actor);
        return;
    }
    (void)actor_saw(
        actor, ts_sys_enter(ts_pair(handle_like(actor, SORT_RING), (uint32_t)some_number(actor)),
                            some_number(actor), some_deadline(actor),
                            one_in(actor, 4) ? some_number(actor) : 0));
}

static void raw_futex(struct actor *actor)
{
    uint64_t address = some_address(actor);
    if (one_in(actor, 2)) {
        (void)actor_saw(actor, ts_sys_futex_wake(address, some_number(actor)));
    } else {
        (void)actor_saw(actor, ts_sys_futex_wait(address, one_in(actor, 2) ? 0 : some_number(actor),
                                                 some_deadline(actor)));
    }
}

static void raw_create(struct actor *actor)
{
    static const enum sort sorts[] = {
        [TS_KIND_PROCESS] = SORT_PROCESS, [TS_KIND_JOB] = SORT_JOB,
        [TS_KIND_MEMORY] = SORT_MEMORY,   [TS_KIND_RING] = SORT_RING,
        [TS_KIND_PORT] = SORT_PORT,       [TS_KIND_EVENT] = SORT_EVENT};
    uint64_t kind = below(actor, 16);
    enum sort sort = kind < sizeof(sorts) / sizeof(*sorts) && sorts[kind] != SORT_MEMORY
                         ? sorts[kind]
                         : SORT_MEMORY;
    uint64_t flags = one_in(actor, 4) ? below(actor, 8) : 0;
    uint64_t handle = one_in(actor, 2) ? 0 : some_handle(actor);
    (void)pool_keep_result(actor, sort,
                           ts_sys_create(ts_create_word(kind, flags, handle), some_number(actor),
                                         some_number(actor), some_number(actor)));
}

void step_raw(struct actor *actor)
{
    switch (below(actor, 10)) {
    case 0:
    case 1:
    case 2: raw_memory(actor); break;
    case 3: raw_ring(actor); break;
    case 4: raw_futex(actor); break;
    case 5: raw_create(actor); break;
    case 6: // one that is not there: of another process, or with rights that say no
        (void)pool_keep_result(actor, SORT_THREAD,
                               ts_sys_thread_start(handle_like(actor, SORT_PROCESS) | 1,
                                                   some_address(actor), some_address(actor),
                                                   some_number(actor), some_address(actor),
                                                   some_number(actor)));
        break;
    case 7: (void)actor_saw(actor, ts_sys_upcall_return(some_address(actor))); break;
    case 8: (void)actor_saw(actor, ts_sys_process_clone(some_number(actor))); break;
    default: {
        uint64_t word = ts_op_word(below(actor, 40), actor_next(actor) & 0xff,
                                   actor_next(actor) & 0xffff, some_handle(actor));
        (void)actor_saw(actor,
                        ts_sys_op(word, some_address(actor), some_number(actor), some_number(actor),
                                  some_number(actor), some_deadline(actor)));
        break;
    }
    }
}
