// SPDX-License-Identifier: MIT
// What readings of the battery-backed clock say about the realtime. Pure arithmetic.
//
// A reading is a whole second, so what the clock is ahead of the monotonic time lies in a range of
// a second. Readings at other parts of the second narrow that. One that does not fit what is known
// is a jump: the machine stood still (all of its counters do, together, and the battery's clock
// goes on), or its counter is wrong.
#pragma once

#include <stdbool.h>
#include <tessera/lib/clock.h>

// Not a part of a second: each reading is at another part of it.
#define WALL_PERIOD_NS (INT64_C(1618) * TS_MILLISECOND)

struct wall {
    bool known;
    ts_time_t at;            // monotonic, of the last reading
    int64_t low, high;       // the battery's clock less the monotonic, ns
    ts_time_t trusted_until; // monotonic: a better clock has set the realtime
};

// A reading of so many seconds at `now`; the realtime is `offset` ahead of the monotonic time.
// Returns what has to be added to it. While a better clock is trusted that is jumps alone.
int64_t wall_reading(struct wall *wall, ts_time_t now, int64_t seconds, int64_t offset);

// Whether an offset is more than a second from all that the battery's clock may be at.
bool wall_is_far(const struct wall *wall, int64_t offset);

// The realtime was set, and the battery's clock written.
void wall_forget(struct wall *wall);
