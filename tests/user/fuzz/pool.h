// SPDX-License-Identifier: MIT
// What the hostile program knows to be alive, by sort, so that it can go on with it: handles,
// mappings, request ids. Its threads share the pools without a lock: what one picks may be closed,
// unmapped or replaced by another before it is used, which is what they are for.
#pragma once

#include "actor.h"

#include <tessera/ring/ring.h>

enum sort {
    SORT_MEMORY,
    SORT_INBOX, // memory that a port has been given
    SORT_PORT,
    SORT_RING,
    SORT_EVENT,
    SORT_SERVED,
    SORT_JOB,
    SORT_PROCESS,
    SORT_THREAD,
    SORT_DOMAIN,
    SORT_INTERRUPT,
    SORT_IO,
    SORT_OTHER,    // given at the start: the log, the random generator
    SORT_RESOURCE, // as well
    SORT_DEVICE,   // a session of the bus's server
    SORT_STALE,    // closed, moved away or never good
    SORT_COUNT
};

// What is there of a sort, else 0.
ts_handle_t pool_pick(struct actor *actor, enum sort sort);
// Of any sort; or with fewer rights; or wrong.
ts_handle_t some_handle(struct actor *actor);
// The sort mostly, and now and then any other handle.
ts_handle_t handle_like(struct actor *actor, enum sort sort);
// A new handle takes another's place; the other one is closed (mostly).
void pool_keep(struct actor *actor, enum sort sort, ts_handle_t handle);
// The sort of objects of a kind (TS_KIND_*).
enum sort sort_of_kind(uint64_t kind);
// The same for one of which the kernel tells the kind.
void pool_keep_any(struct actor *actor, ts_handle_t handle);
// Keeps a result that is a handle. The result itself is returned.
struct ts_result pool_keep_result(struct actor *actor, enum sort sort, struct ts_result result);
// Closes one.
void pool_close(struct actor *actor, enum sort sort);

// Mappings of the program's own making; an address is that of its first page.
void mapping_keep(struct actor *actor, uint64_t address);
uint64_t mapping_pick(struct actor *actor);

// Request ids that came, with the port that they are of.
void request_keep(struct actor *actor, uint64_t id);
uint64_t request_pick(struct actor *actor);
