// SPDX-License-Identifier: MIT
// How ports write events into a ring. Inside kernel/core, with the ring's lock held.
#pragma once

#include <core/ring.h>

// Set under the ring's lock; ports look at it without.
static inline void ring_set_idle(struct ring *ring, bool idle)
{
    __atomic_store_n(&ring->idle, idle, __ATOMIC_RELAXED);
}

// Whether one more event fits. The user's head is read only when the last one seen says full, and
// is believed only if it lies between that and the tail.
bool ring_has_room(struct ring *ring);
// The slot of the next event; `event_tail++` makes it count.
struct ts_event *ring_slot(struct ring *ring);
// Shows the tail to the user and wakes the waiter if it has what it wants.
void ring_wake_if_due(struct ring *ring);
// Shows the user whether it should enter to receive more.
void ring_flag_pending(struct ring *ring, bool pending);
