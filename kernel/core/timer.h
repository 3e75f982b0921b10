// SPDX-License-Identifier: MIT
// A moment at which a function runs. Each CPU keeps its own (timer_queue.h).
#pragma once

#include <base/list.h>
#include <stdatomic.h>
#include <stdint.h>
#include <tessera/abi/types.h>

struct timer {
    struct list link; // in its CPU's queue, or alone
    ts_time_t deadline;
    // Runs in interrupt context (interrupts off) on the CPU where it was armed, at or after the
    // deadline, with no lock of the timer queue held; may arm the timer again.
    void (*expired)(struct timer *timer);
    uint32_t cpu;
    _Atomic uint8_t state; // 0 idle, 1 armed, 2 running
};

// Neither armed nor in its callback, at this moment.
static inline bool timer_is_idle(const struct timer *timer)
{
    return atomic_load_explicit(&timer->state, memory_order_relaxed) == 0;
}

// In the queue, at this moment: it will expire, or is about to.
static inline bool timer_is_armed(const struct timer *timer)
{
    return atomic_load_explicit(&timer->state, memory_order_acquire) == 1;
}

void timer_init(struct timer *timer, void (*expired)(struct timer *timer));
// Arms on this CPU. The timer is idle or running its own callback.
void timer_start(struct timer *timer, ts_time_t deadline);
// Afterwards the callback neither is nor will be running. No lock that the callback takes may be
// held. Cheap when idle. Called by the timer's own callback it lets go of the timer: its memory is
// not touched any more when the callback returns (the record that holds it may be in use again).
void timer_stop_busy(struct timer *timer);
static inline void timer_stop(struct timer *timer)
{
    // Pairs with the releases where it becomes idle: the callback is over.
    if (atomic_load_explicit(&timer->state, memory_order_acquire) != 0) {
        timer_stop_busy(timer);
    }
}
