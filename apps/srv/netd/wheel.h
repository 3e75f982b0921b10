// SPDX-License-Identifier: MIT
// Timers of connections, to the millisecond. To set one is a few instructions, however many there
// are; one that is set to a later time stays where it is, and is looked at and put off when its
// first time has come. So a connection that sets its timer with each acknowledgement pays nothing.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <tessera/abi/types.h>

struct wheel_timer {
    struct wheel_timer *next, **at; // at: NULL when it is not on the wheel
    int64_t deadline;               // 0: it is not meant to fire
    int64_t turn;                   // the millisecond in whose slot it is
};

// Sets the timer, which fires at `deadline` (of ts_clock_now) or up to a millisecond later.
void wheel_set(struct wheel_timer *timer, int64_t now, int64_t deadline);

// It will not fire; it may stay on the wheel.
static inline void wheel_stop(struct wheel_timer *timer)
{
    timer->deadline = TS_DEADLINE_NONE;
}

// Takes it off the wheel: its memory may go.
void wheel_remove(struct wheel_timer *timer);

// Calls `fired` for each timer whose time has come; it may set timers and remove them.
void wheel_run(int64_t now, void (*fired)(struct wheel_timer *timer));

// When wheel_run has something to do next, INT64_MAX: nothing is set.
static inline int64_t wheel_next(void)
{
    extern int64_t wheel_soonest;
    return wheel_soonest;
}
