// SPDX-License-Identifier: MIT
// What every kind of object has: class, references, signals, waiters.
//
// References and handles. `references` keeps the body alive; `handles` counts those of it in
// handle tables and in transit. Every handle owns one reference and one handle count. When
// `handles` reaches zero the class's `unhandled` runs (a port closes, a ring is torn down); when
// `references` does, the body goes to the reaper (object_retire), which calls the class's
// `destroy` once every CPU has passed a quiescent point: so a pointer that was read from a handle
// table with interrupts off stays readable until they are on again, and object_try_get() tells
// whether it is still an object.
//
// Served objects are slots of a port and have no body of their own: see port.h. They count with
// the port's lock; object_handle_get/put know both.
//
// Lock order: port lock < object lock (signals) < ring lock < {handle table, address space, timer
// queue, run queue} locks, where `a < b` says that b may be taken while a is held.
#pragma once

#include <base/list.h>
#include <spinlock.h>
#include <stdatomic.h>
#include <tessera/abi/kind.h>
#include <tessera/abi/signal.h>
#include <tessera/abi/types.h>

struct account;
struct object;
struct operation;
struct request;

struct object_class {
    enum ts_kind kind;
    const char *name;
    ts_rights_t rights; // that its handles can have
    // Last handle gone; may be NULL. May be called with interrupts off; must not block.
    void (*unhandled)(struct object *object);
    // No reference left and all CPUs quiescent. Runs in the reaper, preemptible.
    void (*destroy)(struct object *object);
    // An operation which the kernel itself answers; never blocks. NULL = TS_ERR_UNSUPPORTED.
    // Runs preemptible, in the caller's context; the caller holds a reference.
    ts_status_t (*operate)(struct object *object, struct operation *operation);
};

struct object {
    const struct object_class *class;
    atomic_uint references;
    atomic_uint handles;
    struct spinlock lock; // signals, observers, count
    _Atomic ts_signals_t signals;
    struct list observers; // struct request, home OBSERVER, in order of arrival; request_place
    uint32_t observer_count;
    union {
        uint64_t count;         // event, interrupt: what a wait takes
        struct object *retired; // in the reaper's queue
    };
    struct account *payer; // that is charged for the body (kernel/object/body.h); else NULL
};

// A handle's meaning outside a handle table: an object and rights. Owns one reference and one
// handle count (served objects: one count).
struct handle {
    struct object *object; // NULL: none
    ts_rights_t rights;
};

// Starts with one reference and no handles; `payer` is left as it is.
void object_init(struct object *object, const struct object_class *class);

// Takes a reference unless none is left. Interrupts off or a reference already held elsewhere.
bool object_try_get(struct object *object);
static inline bool object_body_try_get(struct object *object)
{
    unsigned references = atomic_load_explicit(&object->references, memory_order_relaxed);
    while (references != 0) {
        if (atomic_compare_exchange_weak_explicit(&object->references, &references, references + 1,
                                                  memory_order_acquire, memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}
void object_get(struct object *object);
void object_put(struct object *object);

// The same, inline, for what is known to have a body of its own: anything but a served object.
static inline void object_body_get(struct object *object)
{
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
}
void object_retire(struct object *object);
static inline __attribute__((always_inline)) void object_body_put(struct object *object)
{
    if (atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) == 1) {
        object_retire(object);
    }
}

// A further handle to the same object: adds reference and handle count.
struct handle object_handle_get(struct object *object, ts_rights_t rights);
// Gives a handle up. Interrupts may be off; never blocks; no lock of the object held.
void object_handle_drop(struct handle held);
static inline void object_handle_put(struct handle held)
{
    if (held.object != NULL) {
        object_handle_drop(held);
    }
}

// Changes the signal word: (old & ~clear) | set, and completes the waiters that this satisfies.
// For events, `count` is added first. At most 16 of those that wait are looked at per lock hold;
// one that comes meanwhile sees the new word by itself.
void object_signal(struct object *object, ts_signals_t clear, ts_signals_t set, uint64_t count);

// The operation wait on any object: completes the request at once, or leaves it among the
// observers (home OBSERVER, state PARKED). The request takes over what the caller holds of the
// object, a reference or of a served object a count, and gives it up when it is completed.
// With TS_FLAG_NOWAIT and nothing set: completes with TS_ERR_AGAIN.
void object_wait(struct object *object, struct request *request, ts_signals_t mask);
// Gives up what a wait holds. Any context; no lock of the object or its port held.
void object_wait_over(struct object *object);
