// SPDX-License-Identifier: MIT
// A request: one operation that may have to wait. Its record lies in the thread (synchronous) or in
// a ring's array (asynchronous), so that asking never allocates.
//
//   FREE -> ISSUED -> PARKED -> DELIVERED -> DONE -> FREE
//               \        \          \-> CANCELLING -> DONE
//                \        \-> DONE (cancelled, timed out: no effect)
//                 \-> DONE (the kernel answered)
//
// What may change a record follows from `home`: PORT under the port's lock, OBSERVER under the
// object's lock, TIMER and FUTEX under the environment's lock for them. The change to DONE is made
// once, under that lock; its maker then calls request_complete() without a lock and owns the
// record until that call publishes it.
//
// A record is finished by its deadline or a cancel in two steps (design: polite, then detach):
// undelivered it is DONE at once and without effect; delivered it becomes CANCELLING, the server is
// told, and when the grace is over it is cut off (TS_ERR_ABANDONED).
#pragma once

#include <stdatomic.h>
#include <core/object.h>
#include <core/priority.h>
#include <core/timer.h>
#include <tessera/abi/operation.h>
#include <tessera/abi/ring.h>
#include <tessera/abi/status.h>

struct address_space;
struct handle_table;
struct port;
struct ring;
struct served;

enum request_state {
    REQUEST_FREE,
    REQUEST_ISSUED,
    REQUEST_PARKED,
    REQUEST_DELIVERED,
    REQUEST_CANCELLING,
    REQUEST_DONE,
};

// In operation.flags, beside the TS_FLAG_* (which leave the bit free): it came by submission, and
// take puts the event's flags into `aux`.
#define OPERATION_SUBMITTED 0x80u

enum request_home { HOME_NONE, HOME_PORT, HOME_OBSERVER, HOME_TIMER, HOME_FUTEX };

// What the kernel executes: the arguments of one operation, decoded from registers or from a
// submission, and its results. Kernel objects' `operate` sees this alone.
struct operation {
    // As in struct ts_submission.
    uint8_t op, flags;
    ts_rights_t rights; // asked for the result
    ts_handle_t handle;
    uint64_t user_data;
    uint64_t address;
    uint32_t length, aux;
    uint64_t offset, arg, arg2;
    ts_time_t deadline;
    ts_rights_t handle_rights; // of the handle used
    // results
    uint64_t value, extra;
    struct handle result; // installed by the caller into the reserved slot; may be none
};

// The owner of records: a thread or a ring. Embedded in both.
struct requester {
    struct address_space *space;
    struct handle_table *handles;
    struct ring *ring; // NULL: a thread
    void *thread;      // synchronous: struct thread; ring: NULL
    uint32_t client;   // the number that servers know it by (job.h)
    uint8_t priority;  // a thread's own; of a ring that of the thread which entered it last
};

struct request {
    struct list link;            // its home's queue
    struct requester *requester; // never NULL
    union {
        struct list done;   // ring: its place in the ring's FIFO of events to publish
        struct list behind; // PARKED at a port: a head's others (port_turn.c)
    };
    union {
        struct request *next_free; // ring, while FREE
        struct request *next_head; // PARKED at a port: its client's head of another priority
    };
    uint8_t state; // enum request_state
    uint8_t home;  // enum request_home
    uint8_t op, flags;
    ts_rights_t rights; // the handle's, cut to those asked where a handle results
    uint8_t priority;
    bool queued; // `done` is in the ring's FIFO
    union {
        struct {
            bool multishot_ended;
            uint8_t in_handles, out_handles;
            uint8_t segments;     // of the range, 0 = the plain pair below
            bool client_fault;    // the final status will be TS_ERR_FAULT
            uint16_t event_flags; // TS_EVENT_*, a result
        };
        uint64_t rarely; // all of these, which a record begins without
    };
    ts_handle_t handle; // that it was issued on
    uint32_t slot;      // in the port's table while delivered
    uint32_t client;    // HOME_PORT: in the port's table
    // Client memory: what can be pulled (in) and pushed to (out).
    uint64_t in_address, out_address;
    uint32_t in_length, out_length;
    uint64_t call_address; // ring, call: where out_handle[] is written; 0 = nowhere
    uint64_t offset, arg, user_data;
    // Results
    ts_status_t status;
    uint64_t value, extra;
    // Handles, as many as out_handles and in_handles say; results are none while it is FREE.
    ts_handle_t reserved[TS_CALL_HANDLES]; // slots for result handles
    struct handle result[TS_CALL_HANDLES];
    // In transit until delivery: the client's table keeps their slots, the record owns what they
    // name. sent[i] none: so is sent_held[i].
    ts_handle_t sent[TS_CALL_HANDLES];
    struct handle sent_held[TS_CALL_HANDLES];
    // Where it is
    struct port *port;       // HOME_PORT: a reference is held
    struct served *served;   // HOME_PORT
    struct object *observed; // HOME_OBSERVER: held as object_wait says
    ts_signals_t mask;       // OBSERVER: waited for; multishot: `value` gathers what came
    struct timer timer;      // deadline, then grace
    ts_time_t deadline;
    struct ts_segment segment[TS_SEGMENTS_MAX];
};

// The place of a walk through a queue of records, while the queue's lock is free: it lies between
// them and moves with nobody else's steps.
struct request_place {
    struct list link;
    struct requester *requester; // NULL, which tells it from a record
};
_Static_assert(offsetof(struct request, link) == offsetof(struct request_place, link) &&
                   offsetof(struct request, requester) == offsetof(struct request_place, requester),
               "a place begins as a request");

// The state is changed under the lock of its home, and looked at without it by a cancel.
static inline void request_set_state(struct request *request, enum request_state state)
{
    atomic_store_explicit(TS_ATOMIC(&request->state), (uint8_t)state, memory_order_release);
}

static inline enum request_state request_state(const struct request *request)
{
    return (enum request_state)atomic_load_explicit(TS_ATOMIC(&request->state),
                                                    memory_order_acquire);
}

// In memory that is zeroed.
void request_init(struct request *request, struct requester *requester);
// What an issuer says of its request. All else of a record begins as nothing.
struct request_terms {
    uint8_t op, flags, priority;
    ts_rights_t rights;
    ts_handle_t handle;
    uint64_t offset, arg, user_data;
    ts_time_t deadline;
};

// Every record is begun here, whatever asks: FREE and the caller's, it is ISSUED afterwards, has no
// home, and nothing is sent, reserved or resulting. What no server will see needs no more of the
// terms than this. (Inline, since most of them are constants or in registers.)
__attribute__((always_inline)) static inline void request_begin(struct request *request,
                                                                const struct request_terms *terms)
{
    request_set_state(request, REQUEST_ISSUED);
    request->home = HOME_NONE;
    request->op = terms->op;
    request->flags = terms->flags;
    request->priority = terms->priority;
    request->rarely = 0;
    request->handle = terms->handle;
    request->status = TS_OK;
    request->value = request->extra = 0;
    request->deadline = terms->deadline;
}

// The same with all terms, and no bytes: a range is set afterwards, as is a call's `call_address`.
__attribute__((always_inline)) static inline void request_fill(struct request *request,
                                                               const struct request_terms *terms)
{
    request_begin(request, terms);
    request->rights = terms->rights;
    request->in_length = request->out_length = 0;
    request->offset = terms->offset;
    request->arg = terms->arg;
    request->user_data = terms->user_data;
}

// What can be pulled, or pushed to.
static inline void request_set_range(struct request *request, bool to_server, uint64_t address,
                                     uint32_t length)
{
    if (to_server) {
        request->in_address = address;
        request->in_length = length;
    } else {
        request->out_address = address;
        request->out_length = length;
    }
}

// Polite end of a pending request with `status` (TS_ERR_CANCELLED, _TIMED_OUT, _INTERRUPTED), or
// at once with `force`. 0: it is DONE or will be, exactly once; TS_ERR_BUSY: in the server's hands,
// told; TS_ERR_NOT_FOUND: it was not pending any more.
TS_MUST_USE ts_status_t request_cancel(struct request *request, ts_status_t status, bool force);

// What becomes of the first `count` handles in transit when the request was not delivered: they are
// the client's again. No lock held.
void request_sent_return(struct request *request, unsigned count);
// And when it is: the server's slot owns what they name. Its port's lock is held.
void request_sent_deliver(struct request *request, struct handle to[TS_CALL_HANDLES]);

// What becomes of the result slots of a request that is over: they have its handles, or are free
// again. Its `value` is then what its issuer is told. The process of its handle table has not
// ended.
void request_install_results(struct request *request);

// Publishes a DONE record: installs or releases result slots, returns or drops sent handles, then
// queues the completion at its ring or wakes its thread (environment). No lock held.
void request_complete(struct request *request);
