// SPDX-License-Identifier: MIT
// How events are written into a ring, inline, for kernel/core and the fast path. All with the
// ring's lock held, unless said otherwise.
#pragma once

#include <core/port.h>
#include <stdatomic.h>

// Set under the ring's lock; ports look at it without.
static inline void ring_set_idle(struct ring *ring, bool idle)
{
    atomic_store_explicit(TS_ATOMIC(&ring->idle), idle, memory_order_relaxed);
}

// Events that the user has not read yet. Its head is accepted only if it lies between what it was
// and the tail.
static inline uint32_t ring_unread(struct ring *ring)
{
    // Pairs with the user's release of event_head: it has read the slots before it.
    uint32_t head =
        atomic_load_explicit(TS_ATOMIC(&ring->shared->event_head), memory_order_acquire);
    if (ring->event_tail - head <= ring->event_tail - ring->event_head) {
        ring->event_head = head;
    }
    return ring->event_tail - ring->event_head;
}

// Whether one more event fits. The user's head is read only when the last one seen says full.
static inline bool ring_has_room(struct ring *ring)
{
    return ring->event_tail - ring->event_head < ring->event_count ||
           ring_unread(ring) < ring->event_count;
}

// The slot of the next event; `event_tail++` makes it count.
static inline struct ts_event *ring_slot(struct ring *ring)
{
    struct ts_event *slot = &ring->events[ring->event_tail & (ring->event_count - 1)];
    KASSERT(kernel_range_holds(&ring->mapping.range, slot, sizeof(*slot)));
    return slot;
}

// The completion of a submission, in the next slot.
static inline void ring_fill_completion(struct ring *ring, uint64_t user_data, ts_status_t status,
                                        uint8_t op, uint16_t flags, uint64_t value, uint64_t extra)
{
    struct ts_event *event = ring_slot(ring);
    event->user_data = user_data;
    event->status = status;
    event->kind = TS_EVENT_COMPLETION;
    event->op = op;
    event->flags = flags;
    event->value = value;
    event->extra = extra;
}

// A record that is through is its thread's again. Most recently used first: its lines are in the
// cache.
static inline void ring_record_free(struct ring *ring, struct request *record)
{
    KASSERT(request_state(record) != REQUEST_FREE);
    request_set_state(record, REQUEST_FREE);
    record->next_free = ring->freed;
    ring->freed = record;
}

// Writes a record's event; a record that is through becomes free.
static inline void ring_publish_record(struct ring *ring, struct request *request)
{
    request->queued = false;
    if (!request->multishot_ended) {
        ring_fill_completion(ring, request->user_data, TS_OK, request->op, TS_EVENT_MORE,
                             request->value, 0);
        request->value = 0;
        return;
    }
    ring_fill_completion(ring, request->user_data, request->status, request->op,
                         request->event_flags, request->value, request->extra);
    ring_record_free(ring, request);
}

// The completion of a record that is DONE: its event, if it has one. Then ring_wake_if_due() is
// called, once for several.
void ring_completion_rare(struct ring *ring, struct request *request);
static inline void ring_completion(struct ring *ring, struct request *request)
{
    request->multishot_ended = true;
    if (__builtin_expect(((request->flags & TS_FLAG_QUIET) == 0 || request->status < 0) &&
                             !(ring->destroyed | request->queued) && list_empty(&ring->pending) &&
                             ring_has_room(ring),
                         true)) {
        ring_publish_record(ring, request);
        ring->event_tail++;
    } else {
        ring_completion_rare(ring, request);
    }
}

// A completion without a record, for what the kernel answers at once. For the thread inside alone:
// the user is shown it when that thread collects. False: there is no room, a record must keep it.
static inline bool ring_post_locked(struct ring *ring, uint64_t user_data, ts_status_t status,
                                    uint8_t op, uint16_t flags, uint64_t value, uint64_t extra)
{
    bool room = list_empty(&ring->pending) && ring_has_room(ring);
    if (room) {
        ring_fill_completion(ring, user_data, status, op, flags, value, extra);
        ring->event_tail++;
    }
    return room;
}

// The same with the lock not held, interrupts off.
static inline bool ring_post_now(struct ring *ring, uint64_t user_data, ts_status_t status,
                                 uint8_t op, uint16_t flags, uint64_t value, uint64_t extra)
{
    spin_lock_off(&ring->lock);
    bool room = ring_post_locked(ring, user_data, status, op, flags, value, extra);
    spin_unlock_off(&ring->lock);
    return room;
}

// Makes the slots written so far visible. Pairs with the user's acquire of event_tail.
static inline void ring_publish_tail(struct ring *ring)
{
    KASSERT(kernel_range_holds(&ring->mapping.range, ring->shared, sizeof(*ring->shared)));
    atomic_store_explicit(TS_ATOMIC(&ring->shared->event_tail), ring->event_tail,
                          memory_order_release);
}

// Whether a bound port may have something. The bindings, and so the ports, stay while the lock is
// held.
static inline bool ring_ports_have_items(const struct ring *ring)
{
    uint32_t left = ring->binding_count;
    for (uint32_t i = 0; i < RING_BINDINGS_MAX && left > 0; i++) {
        const struct port *port = ring->bindings[i].port;
        if (port == NULL) {
            continue;
        }
        left--;
        if (atomic_load_explicit(TS_ATOMIC(&port->queued), memory_order_relaxed) != 0) {
            return true;
        }
    }
    return false;
}

// Shows the user whether it should enter to receive more.
static inline void ring_flag_pending(struct ring *ring, bool pending)
{
    uint32_t value = pending ? TS_RING_PENDING : 0;
    KASSERT(kernel_range_holds(&ring->mapping.range, ring->shared, sizeof(*ring->shared)));
    if (ring->shared->flags != value) {
        atomic_store_explicit(TS_ATOMIC(&ring->shared->flags), value, memory_order_release);
    }
}

// Publishes the tail and wakes the waiter if it has what it wants.
void ring_wake_if_due(struct ring *ring);
