// SPDX-License-Identifier: MIT
// The kernel's side of a ring: records, the FIFO of events that wait for room, bindings to ports.
//
// One thread at a time enters a ring. Completions come from anywhere: request_complete() appends
// the record to `pending`, and ring_publish() moves pending nodes into the shared queue while there
// is room, else sets TS_RING_PENDING. The shared header is written through the kernel's own mapping
// (`shared`); the user's words in it are read once a batch and clamped, and the kernel's indices
// are private copies.
//
// Requests, cancels and closed notices of ports are not queued here: they stay in their port and
// are taken when this ring enters or, if it is idle (its thread waits in enter), published at once
// by the one that makes them. A ring that is idle is marked so *before* its last look at its ports,
// and a port's items are queued before the look at its rings: one of the two sees the other.
#pragma once

#include <core/kernel_range.h>
#include <core/request.h>
#include <core/work.h>

struct process;
struct thread;

#define RING_BINDINGS_MAX 8u

struct ring_binding {
    struct port *port; // NULL: free; the port holds no reference to the ring, but unbinds
    uint64_t cookie;
    uint32_t round_tail; // event_tail when the port's round began,
    uint32_t taken_tail; // and behind the last event that was taken from it
};

struct ring {
    struct object object;
    struct requester requester;
    struct request *free; // records, FREE: the thread inside takes them, without the lock
    struct spinlock lock; // all below
    struct ts_ring *shared;
    struct ts_submission *submissions;
    struct ts_event *events;
    uint32_t submission_count, event_count; // powers of two
    uint32_t submit_head, event_tail;       // private copies
    uint32_t event_head;                    // last seen of the user's
    uint32_t inflight;                      // records
    struct request *records;
    struct request *freed; // records that became FREE, until the thread inside has none left
    struct list pending;   // events that wait for room, by request.done or post.done
    struct {
        struct list done;
        uint64_t user_data, value;
        bool queued;
    } post;
    struct ring_binding bindings[RING_BINDINGS_MAX];
    uint32_t binding_count;
    bool entered;      // a thread is in enter or reply_wait
    bool idle;         // that thread waits: wake it when `wanted` events are unread
    bool destroyed;    // torn down: nothing is published any more, and it never becomes idle
    uint32_t ending;   // destroyed: where the walk over its records goes on, and whether another
    bool ending_again; // one has to follow
    uint32_t wanted;
    uint32_t idle_cpu;
    uint64_t idle_stamp;
    void *waiter;                  // struct thread
    struct kernel_mapping mapping; // where `shared`, submissions and events lie; the user maps it
    // Its life as an object, which is kernel/object's.
    struct process *process;
    struct thread *user;   // that entered last: a reference is held
    struct request *spare; // a record for an answer without room; the entered thread's
    struct work teardown;
    bool unhandled; // the teardown begins when the thread inside has left
};

// ring.mapping is zeroed memory of ring_bytes() at the least; `records` has `inflight` entries.
uint32_t ring_bytes(uint32_t submissions, uint32_t events);
void ring_init(struct ring *ring, uint32_t submissions, uint32_t events, struct request *records,
               uint32_t inflight);

// A free record, or NULL, for the thread inside. The caller fills (request_fill) and issues it.
struct request *ring_record_refill(struct ring *ring);
static inline struct request *ring_record_take(struct ring *ring)
{
    struct request *record = ring->free != NULL ? ring->free : ring_record_refill(ring);
    if (record != NULL) {
        ring->free = record->next_free;
    }
    return record;
}
// The same back again, since it was not issued.
void ring_record_give(struct ring *ring, struct request *record);
// A record with this user_data that is neither FREE nor DONE, or NULL. It may be DONE by the time
// it is passed to request_cancel, which checks again; it cannot be issued anew meanwhile, since
// only the entering thread issues.
struct request *ring_find(struct ring *ring, uint64_t user_data);

// Moves pending events, then the bound ports' items, into the shared queue while there is room.
// Returns the number of unread events. Called by the entering thread.
uint32_t ring_collect(struct ring *ring);
// Marks the ring idle and looks once more. True: the thread may sleep now; it will be woken by
// environment_wake_ring() when `wanted` events are unread. False: enough came meanwhile.
bool ring_idle(struct ring *ring, uint32_t wanted, void *thread, uint32_t cpu);
// The same with the ring's lock held, while the thread waits for `wanted` already, which are not
// there, and nothing is pending. False: there is something to collect, and the ring is not idle.
bool ring_idle_at_once(struct ring *ring, void *thread, uint32_t cpu);
// The thread no longer waits (woken, timed out).
void ring_busy(struct ring *ring);

// Queues a completion (ring's lock not held); publishes it if there is room; wakes an idle waiter.
void ring_post_completion(struct ring *ring, struct request *request);
// A multishot record has news: `signals` are or-ed and `count` is added to what its next event will
// say. May be called with an object's lock held.
void ring_post_more(struct request *request, ts_signals_t signals, uint64_t count);
void ring_post_value(struct ring *ring, uint64_t user_data, uint64_t value);

// Ends all records at once (detach), unbinds. Preemptible between chunks of 64: call until false.
bool ring_destroy_some(struct ring *ring, uint32_t most);
