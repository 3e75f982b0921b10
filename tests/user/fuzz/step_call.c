// SPDX-License-Identifier: MIT
// Every system call with arguments of every class. See step.h.
#include "lane.h"
#include "step.h"

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
    uint64_t kind = below(actor, 16);
    uint64_t flags = one_in(actor, 4) ? below(actor, 8) : 0;
    uint64_t handle = one_in(actor, 2) ? 0 : some_handle(actor);
    (void)pool_keep_result(actor, sort_of_kind(kind),
                           ts_sys_create(ts_create_word(kind, flags, handle), some_number(actor),
                                         some_number(actor), some_number(actor)));
}

static void raw_thread(struct actor *actor)
{
    // In one that is not there: of another process, or with rights that say no.
    (void)pool_keep_result(actor, SORT_THREAD,
                           ts_sys_thread_start(handle_like(actor, SORT_PROCESS) | 1,
                                               some_address(actor), some_address(actor),
                                               some_number(actor), some_address(actor),
                                               some_number(actor)));
}

static void raw_op(struct actor *actor)
{
    uint64_t word = ts_op_word(below(actor, TS_OP_COUNT + 8), actor_next(actor) & 0xff,
                               actor_next(actor) & 0xffff, some_handle(actor));
    (void)actor_saw(actor, ts_sys_op(word, some_address(actor), some_number(actor),
                                     some_number(actor), some_number(actor), some_deadline(actor)));
}

// With arguments of any class these would soon end the program, or keep it waiting: they have
// functions above.
static bool needs_care(enum ts_syscall number)
{
    switch (number) {
    case TS_SYS_op:
    case TS_SYS_enter:
    case TS_SYS_reply_wait:
    case TS_SYS_unmap:
    case TS_SYS_protect:
    case TS_SYS_thread_start:
    case TS_SYS_futex_wait: return true;
    default: return false;
    }
}

static uint64_t some_argument(struct actor *actor)
{
    switch (below(actor, 4)) {
    case 0: return some_address(actor);
    case 1: return some_handle(actor);
    case 2: return ts_pair(some_handle(actor), some_handle(actor));
    default: return some_number(actor);
    }
}

#define ARGUMENTS_0
#define ARGUMENTS_1         some_argument(actor)
#define ARGUMENTS_2         ARGUMENTS_1, some_argument(actor)
#define ARGUMENTS_3         ARGUMENTS_2, some_argument(actor)
#define ARGUMENTS_4         ARGUMENTS_3, some_argument(actor)
#define ARGUMENTS_5         ARGUMENTS_4, some_argument(actor)
#define ARGUMENTS_6         ARGUMENTS_5, some_argument(actor)
#define RESULT(name, count) (void)actor_saw(actor, ts_sys_##name(ARGUMENTS_##count))
#define NEVER(name, count)  (void)0 // comes back

// Any system call, the newest one too.
static void raw_any(struct actor *actor)
{
    enum ts_syscall number = (enum ts_syscall)below(actor, TS_SYS_COUNT);
    if (needs_care(number)) {
        return;
    }
    switch (number) {
#define TS_SYSCALL(name, number, count, parameters, returns, meaning) \
    case TS_SYS_##name:                                               \
        returns(name, count);                                         \
        break;
#include <tessera/abi/syscall.def>
#undef TS_SYSCALL
    default: break;
    }
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
    case 6: raw_thread(actor); break;
    case 7:
    case 8: raw_any(actor); break;
    default: raw_op(actor); break;
    }
}
