// SPDX-License-Identifier: MIT
// Rings as objects: core's struct ring with its memory and its owner.
//
// References: one for each handle, and one by the teardown once the last handle is closed. A ring
// counts as a user of its process (process_use) until it is destroyed, because its records hold the
// process's space and handle table. It cannot leave its process.
#pragma once

#include <core/ring.h>
#include <object/memory.h>
#include <object/reaper.h>

extern const struct object_class ring_class;

static inline struct ring *ring_of(struct object *object)
{
    return list_entry(object, struct ring, object);
}

// One reference, no handle. submissions, events: powers of two, TS_RING_MIN to TS_RING_MAX;
// inflight: 1 to TS_RING_MAX. TS_ERR_ARGUMENT, TS_ERR_LIMIT, TS_ERR_MEMORY.
TS_MUST_USE ts_status_t ring_create(struct process *process, uint64_t submissions, uint64_t events,
                                    uint64_t inflight, struct ring **out_ring);

// The current thread enters, with interrupts off. TS_ERR_BUSY: another thread is inside;
// TS_ERR_VERSION: the header was tampered with; TS_ERR_PEER_CLOSED: the ring is being torn down.
TS_MUST_USE ts_status_t ring_enter(struct ring *ring, struct thread *thread);
void ring_leave(struct ring *ring);
