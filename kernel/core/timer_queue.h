// SPDX-License-Identifier: MIT
// The timers of each CPU: core/timer.h over the machine's one timer per CPU.
#pragma once

#include <core/timer.h>
#include <spinlock.h>

#define TIMER_LEVEL_BITS 6
#define TIMER_SLOTS      (1u << TIMER_LEVEL_BITS)
#define TIMER_LEVELS     9u // 54 bits: time_tick_of() is at most 2^53

struct timer_queue {
    struct spinlock lock;
    uint64_t now;                    // tick
    uint64_t seen;                   // tick, of the last look at the clock: not before `now`
    ts_time_t armed;                 // the hardware's deadline, 0 = none
    _Atomic(struct timer *) running; // whose callback is being called
    uint64_t used[TIMER_LEVELS];     // bit s: slots[level][s] is not empty
    uint32_t levels;                 // bit l: used[l] is not 0
    uint32_t unfinished;             // level of the slot at `now` that is partly spread; 0: none
    struct list slots[TIMER_LEVELS][TIMER_SLOTS];
};

// Makes the calling CPU's queue, in memory that is zeroed. Before any timer is armed on it.
void timer_queue_init(struct timer_queue *queue);

// The timer interrupt of this CPU: calls what is due, some. Interrupts off.
void timer_queue_expire(void);
