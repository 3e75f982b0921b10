// SPDX-License-Identifier: MIT
// A ring as a kernel object: core's ring, its memory, its owner.
//
// References: one for each handle, and one by the teardown once the last handle is closed. A ring
// counts as a user of its process (process_use) until it is destroyed, because its records hold the
// process's space and handle table. It cannot leave its process.
#pragma once

#include <core/ring.h>
#include <object/memory.h>
#include <object/reaper.h>

struct process;
struct thread;

struct ring_object {
    struct ring ring; // first: the object is ring.object
    struct process *process;
    struct kernel_mapping mapping; // of the memory that the user maps
    struct thread *user;           // who entered last: a reference is held
    struct request *spare;         // a record for an answer without room; the entered thread's
    struct reaper_work teardown;
    bool unhandled; // ring.lock: the teardown begins when the thread inside has left
};

extern const struct object_class ring_class;

static inline struct ring_object *ring_object_of(struct object *object)
{
    return list_entry(object, struct ring_object, ring.object);
}

static inline struct ring_object *ring_object_of_ring(struct ring *ring)
{
    return list_entry(ring, struct ring_object, ring);
}

// One reference, no handle. submissions, events: powers of two, TS_RING_MIN to TS_RING_MAX;
// inflight: 1 to TS_RING_MAX. TS_ERR_ARGUMENT, TS_ERR_LIMIT, TS_ERR_MEMORY.
TS_MUST_USE ts_status_t ring_object_create(struct process *process, uint64_t submissions,
                                           uint64_t events, uint64_t inflight,
                                           struct ring_object **out_ring);

// The current thread enters, with interrupts off. TS_ERR_BUSY: another thread is inside;
// TS_ERR_VERSION: the header was tampered with; TS_ERR_PEER_CLOSED: the ring is being torn down.
TS_MUST_USE ts_status_t ring_object_enter(struct ring_object *ring, struct thread *thread);
void ring_object_leave(struct ring_object *ring);
