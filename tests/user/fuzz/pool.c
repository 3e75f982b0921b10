// SPDX-License-Identifier: MIT
// See pool.h.
#include "pool.h"

#include <tessera/abi/kind.h>
#include <tessera/lib/op.h>

#define PLACES   8u
#define MAPPINGS 16u
#define REQUESTS 16u

static _Atomic ts_handle_t pool[SORT_COUNT][PLACES];
static _Atomic uint64_t mappings[MAPPINGS];
static _Atomic uint64_t requests[REQUESTS];

ts_handle_t pool_pick(struct actor *actor, enum sort sort)
{
    uint64_t at = below(actor, PLACES);
    for (unsigned i = 0; i < PLACES; i++) {
        ts_handle_t handle = pool[sort][(at + i) % PLACES];
        if (handle != TS_HANDLE_NONE) {
            return handle;
        }
    }
    return TS_HANDLE_NONE;
}

ts_handle_t some_handle(struct actor *actor)
{
    switch (below(actor, 16)) {
    case 0: return (ts_handle_t)actor_next(actor);
    case 1: return ts_handle_make((uint32_t)below(actor, 64), 1);
    case 2: return pool_pick(actor, SORT_STALE);
    default: return pool_pick(actor, (enum sort)below(actor, SORT_STALE));
    }
}

ts_handle_t handle_like(struct actor *actor, enum sort sort)
{
    return one_in(actor, 12) ? some_handle(actor) : pool_pick(actor, sort);
}

static void handle_close(struct actor *actor, ts_handle_t handle)
{
    if (handle == TS_HANDLE_NONE) {
        return;
    }
    (void)actor_saw(actor,
                    ts_sys_op(ts_op_word(TS_OP_CLOSE, 0, 0, handle), 0, 0, 0, 0, TS_DEADLINE_NONE));
    pool[SORT_STALE][below(actor, PLACES)] = handle;
}

void pool_keep(struct actor *actor, enum sort sort, ts_handle_t handle)
{
    uint64_t at = below(actor, PLACES);
    for (unsigned i = 0; i < PLACES && pool[sort][at] != TS_HANDLE_NONE; i++) {
        at = (at + 1) % PLACES;
    }
    ts_handle_t old = atomic_exchange_explicit(&pool[sort][at], handle, memory_order_relaxed);
    if (!one_in(actor, 64)) { // a few are held for ever, until the limit is reached
        handle_close(actor, old);
    }
}

enum sort sort_of_kind(uint64_t kind)
{
    static const uint8_t sorts[] = {
        [TS_KIND_SERVED] = SORT_SERVED, [TS_KIND_PROCESS] = SORT_PROCESS,
        [TS_KIND_THREAD] = SORT_THREAD, [TS_KIND_JOB] = SORT_JOB,
        [TS_KIND_MEMORY] = SORT_MEMORY, [TS_KIND_RING] = SORT_RING,
        [TS_KIND_PORT] = SORT_PORT,     [TS_KIND_EVENT] = SORT_EVENT,
        [TS_KIND_DOMAIN] = SORT_DOMAIN, [TS_KIND_INTERRUPT] = SORT_INTERRUPT,
        [TS_KIND_IO_RANGE] = SORT_IO,   [TS_KIND_RESOURCE] = SORT_RESOURCE,
    };
    bool known = kind < sizeof(sorts) && (sorts[kind] != SORT_MEMORY || kind == TS_KIND_MEMORY);
    return known ? (enum sort)sorts[kind] : SORT_OTHER;
}

void pool_keep_any(struct actor *actor, ts_handle_t handle)
{
    uint64_t kind = 0;
    (void)actor_saw(actor, ts_sys_op(ts_op_word(TS_OP_GET, 0, 0, handle), (uintptr_t)&kind,
                                     sizeof(kind), 0, TS_PROPERTY_KIND, TS_DEADLINE_NONE));
    pool_keep(actor, sort_of_kind(kind), handle);
}

struct ts_result pool_keep_result(struct actor *actor, enum sort sort, struct ts_result result)
{
    if (result.status == TS_OK && result.value != 0 && result.value <= UINT32_MAX) {
        pool_keep(actor, sort, (ts_handle_t)result.value);
    }
    return actor_saw(actor, result);
}

void pool_close(struct actor *actor, enum sort sort)
{
    uint64_t at = below(actor, PLACES);
    handle_close(actor,
                 atomic_exchange_explicit(&pool[sort][at], TS_HANDLE_NONE, memory_order_relaxed));
}

void mapping_keep(struct actor *actor, uint64_t address)
{
    mappings[below(actor, MAPPINGS)] = address;
}

uint64_t mapping_pick(struct actor *actor)
{
    return mappings[below(actor, MAPPINGS)];
}

void request_keep(struct actor *actor, uint64_t id)
{
    requests[below(actor, REQUESTS)] = id;
}

uint64_t request_pick(struct actor *actor)
{
    uint64_t id = requests[below(actor, REQUESTS)];
    return one_in(actor, 16) ? id ^ UINT64_C(1) << below(actor, 40) : id;
}
