// SPDX-License-Identifier: MIT
// What a device may make its driver do, so often in such a time: resets, lines in the log,
// interrupts for nothing.
#pragma once

#include <stdbool.h>
#include <tessera/lib/clock.h>

// Zeroed: nothing was taken.
struct allowance {
    ts_time_t since;
    uint32_t taken; // since then
};

// Takes one. False: `most` were taken already, and `period` is not over.
static inline bool allowance_take(struct allowance *a, ts_time_t now, uint32_t most,
                                  ts_time_t period)
{
    if (now - a->since > period) {
        *a = (struct allowance){.since = now};
    }
    if (a->taken == most) {
        return false;
    }
    a->taken++;
    return true;
}

// Takes a reset of a device that broke the rules. False: more than that is better left to init's
// pauses, which grow: end the driver.
static inline bool allowance_take_reset(struct allowance *a, ts_time_t now)
{
    return allowance_take(a, now, 8, 10 * TS_SECOND);
}
