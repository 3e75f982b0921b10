// SPDX-License-Identifier: MIT
#include "wall.h"

#define DRIFT 1000 // of what passes, the two clocks may part by one

static bool overlap(const struct wall *wall, int64_t low, int64_t high)
{
    return low <= wall->high && high >= wall->low;
}

int64_t wall_reading(struct wall *wall, ts_time_t now, int64_t seconds, int64_t offset)
{
    int64_t low = ts_time_add(ts_time_of(seconds, TS_SECOND, 0), -now), high = low + TS_SECOND;
    int64_t jump = 0, drift = (now - wall->at) / DRIFT;
    if (wall->known) {
        wall->low -= drift;
        wall->high += drift;
        if (overlap(wall, low, high)) {
            low = low > wall->low ? low : wall->low;
            high = high < wall->high ? high : wall->high;
        } else {
            jump = (low - wall->low) / 2 + (high - wall->high) / 2;
        }
    }
    *wall = (struct wall){true, now, low, high, wall->trusted_until};
    if (now < wall->trusted_until) {
        return jump;
    }
    return offset < low ? low - offset : offset > high ? high - offset : 0;
}

bool wall_is_far(const struct wall *wall, int64_t offset)
{
    return wall->known && (offset < wall->low - TS_SECOND || offset > wall->high + TS_SECOND);
}

void wall_forget(struct wall *wall)
{
    wall->known = false;
}
