// SPDX-License-Identifier: MIT
// The user's side of a ring: submissions go in, events come out, all waiting happens in one place.
//
// The layout is <tessera/abi/ring.h>, the barriers are barrier.h, the prepare functions for each
// operation are prepare.h. A ring is used by one thread at a time.
//
//   #include <tessera/ring/prepare.h>
//
//   static ts_status_t read_first(struct ts_ring_queue *ring, ts_handle_t file, char *out_byte)
//   {
//       struct ts_event event;
//       struct ts_submission *s = ts_ring_slot(ring); // NULL: full, submit first
//       ts_prepare_read(s, file, out_byte, 1, 0, TS_DEADLINE_NONE, 7);
//       ts_status_t status = ts_ring_enter(ring, 1, TS_DEADLINE_NONE); // submits, waits for one
//       while (ts_ring_next(ring, &event)) {                           // without a system call
//           status = event.status;
//       }
//       return status;
//   }
//
// Slots are staged until ts_ring_submit or ts_ring_enter. An operation's buffers, ts_call and
// segments must stay until its event came: every operation has exactly one final event (unless
// QUIET and successful), also when it was cancelled. `user_data` comes back in the event.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <tessera/abi/ring.h>
#include <tessera/lib/status.h>
#include <tessera/lib/syscall.h>
#include <tessera/ring/barrier.h>

struct ts_ring_queue {
    struct ts_ring *header; // the shared mapping
    struct ts_submission *submissions;
    struct ts_event *events;
    uint32_t submission_mask, event_mask;
    uint32_t staged_tail;    // slots handed out up to here
    uint32_t submitted_head; // the kernel's head as last read, clamped
    uint32_t event_head;     // events consumed up to here
    uint32_t event_tail;     // the kernel's tail as last read, clamped
    ts_handle_t handle;
    uint32_t mapped_size;
};

// submissions, events: powers of two in TS_RING_MIN…TS_RING_MAX. inflight: most operations at the
// same time. Charged to the job. TS_ERR_ARGUMENT, TS_ERR_LIMIT, TS_ERR_MEMORY.
TS_MUST_USE ts_status_t ts_ring_create(struct ts_ring_queue *ring, uint32_t submissions,
                                       uint32_t events, uint32_t inflight);

// Abandons what is in flight.
void ts_ring_destroy(struct ts_ring_queue *ring);

// Sets a queue up over a mapping that is there (tests; ts_ring_create uses it). Header and arrays
// must be as large as the sizes say. TS_ERR_VERSION, TS_ERR_CORRUPT.
TS_MUST_USE ts_status_t ts_ring_attach(struct ts_ring_queue *ring, void *mapping, size_t size);

// Submits what is staged without waiting. TS_ERR_AGAIN: the kernel did not take all of it since all
// records are in flight; the rest stays staged and goes with the next call.
TS_MUST_USE ts_status_t ts_ring_submit(struct ts_ring_queue *ring);

// Answers `request` of `port` with status and value, and bytes for the start of its range, then
// waits for an event: one system call. Stages nothing. On error the answer was not given.
TS_MUST_USE static inline ts_status_t ts_ring_reply_wait(struct ts_ring_queue *ring,
                                                         ts_handle_t port, uint64_t request,
                                                         ts_status_t status, uint64_t value,
                                                         const void *bytes, uint32_t length)
{
    struct ts_result result =
        ts_sys_reply_wait(ts_pair(ring->handle, port), request, (uint64_t)(int64_t)status, value,
                          (uintptr_t)bytes, length);
    return (ts_status_t)result.status;
}

// The same, and the answer makes a served object, `made` by ts_reply_object(), with its tag.
TS_MUST_USE static inline ts_status_t ts_ring_mint_wait(struct ts_ring_queue *ring,
                                                        ts_handle_t port, uint64_t request,
                                                        uint64_t tag, uint64_t made)
{
    struct ts_result result = ts_sys_reply_wait(ts_pair(ring->handle, port), request,
                                                ts_reply_word(TS_OK, TS_REPLY_MINT), 0, tag, made);
    return (ts_status_t)result.status;
}

// Submitting and taking events, without a system call. These are inline since some programs do
// nothing else all day.

// Staged and not yet taken by the kernel.
static inline uint32_t ts_ring_staged(const struct ts_ring_queue *ring)
{
    return ring->staged_tail - ring->submitted_head;
}

// Looks anew how many the kernel has taken.
void ts_ring_refresh_submitted(struct ts_ring_queue *ring);

// Submits what is staged and waits until `wait_for` events are unread or the deadline has passed
// (TS_ERR_TIMED_OUT; what was submitted stays submitted). TS_ERR_BUSY: another thread is in it.
TS_MUST_USE static inline ts_status_t ts_ring_enter(struct ts_ring_queue *ring, uint32_t wait_for,
                                                    ts_time_t deadline)
{
    uint32_t staged = ts_ring_staged(ring);
    // Pairs with the kernel's load-acquire of submit_tail: it sees the slots filled.
    ts_store_release(&ring->header->submit_tail, ring->staged_tail);
    struct ts_result result =
        ts_sys_enter(ts_pair(ring->handle, staged), wait_for, (uint64_t)deadline, 0);
    if (result.status < 0) {
        ts_ring_refresh_submitted(ring);
        return (ts_status_t)result.status;
    }
    uint32_t taken = (uint32_t)result.status;
    ring->submitted_head += taken < staged ? taken : staged;
    return result.value < wait_for ? TS_ERR_TIMED_OUT : TS_OK; // the kernel tells what is unread
}

// A zeroed slot, or NULL when the ring is full. It counts as staged at once: fill it now.
static inline struct ts_submission *ts_ring_slot(struct ts_ring_queue *ring)
{
    if (ts_ring_staged(ring) > ring->submission_mask) {
        ts_ring_refresh_submitted(ring);
        if (ts_ring_staged(ring) > ring->submission_mask) {
            return NULL;
        }
    }
    struct ts_submission *slot = &ring->submissions[ring->staged_tail++ & ring->submission_mask];
    *slot = (struct ts_submission){0};
    return slot;
}

// Unread events, and whether the kernel holds more that did not fit (enter fetches them).
static inline uint32_t ts_ring_unread(struct ts_ring_queue *ring)
{
    if (ring->event_tail == ring->event_head) {
        // Pairs with the kernel's store-release of event_tail: the events before it are written.
        uint32_t tail = ts_load_acquire(&ring->header->event_tail);
        if (tail - ring->event_head <= ring->event_mask + 1) {
            ring->event_tail = tail;
        }
    }
    return ring->event_tail - ring->event_head;
}

static inline bool ts_ring_pending(const struct ts_ring_queue *ring)
{
    return ts_load_relaxed(&ring->header->flags) & TS_RING_PENDING;
}

// In place, for batches: the event `index` places after the oldest, of those that ts_ring_unread()
// counted; then consume as many as were dealt with.
static inline const struct ts_event *ts_ring_peek(const struct ts_ring_queue *ring, uint32_t index)
{
    return &ring->events[(ring->event_head + index) & ring->event_mask];
}

static inline void ts_ring_consume(struct ts_ring_queue *ring, uint32_t count)
{
    ring->event_head += count;
    // Pairs with the kernel's load-acquire of event_head: we have read the slots before it.
    ts_store_release(&ring->header->event_head, ring->event_head);
}

// Copies the oldest unread event and gives its slot back. False: there is none.
static inline bool ts_ring_next(struct ts_ring_queue *ring, struct ts_event *out_event)
{
    if (ts_ring_unread(ring) == 0) {
        return false;
    }
    const struct ts_event *event = ts_ring_peek(ring, 0);
    // A completion's second half was not written: what is there is of no meaning.
    if (event->kind == TS_EVENT_COMPLETION || event->kind == TS_EVENT_POST) {
        __builtin_memcpy(out_event, event, offsetof(struct ts_event, tag));
    } else {
        *out_event = *event;
    }
    ts_ring_consume(ring, 1);
    return true;
}
