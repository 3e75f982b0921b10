// SPDX-License-Identifier: MIT
// The realtime. The kernel's part is the clock page and the registers of the battery-backed clock;
// the rest is here, with one writer. A second or more is a step, less is made good little by
// little.
#include "clock.h"
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/resource.h>
#include "init.h"
#include "wall.h"

#define STEP_NS       TS_SECOND
#define TELL_NS       (2 * TS_SECOND)                   // a step that the log tells of
#define TELL_AGAIN_NS (60 * TS_SECOND)                  // at the soonest
#define TIME_END      (INT64_C(4102444800) * TS_SECOND) // 2100-01-01

static struct wall wall;
static struct ts_timer tick;
static ts_time_t told; // when the log was; 0: never

// Moves the realtime by `change`, at once or little by little.
static ts_status_t change_by(int64_t change, bool slowly)
{
    struct ts_clock_setting setting = {0};
    setting.realtime_offset = ts_clock_offset(&setting.slew_begin);
    if (slowly) {
        setting.slew = change;
    } else {
        setting.realtime_offset = ts_time_add(setting.realtime_offset, change);
    }
    return ts_system_clock_set(ts_named_handle(TS_NAME_RESOURCE_SYSTEM), &setting);
}

static void tell(int64_t change)
{
    ts_time_t now = ts_clock_now();
    int64_t size = change < 0 ? -change : change;
    if (size >= TELL_NS && (told == 0 || now - told >= TELL_AGAIN_NS)) {
        told = now;
        ts_log("the clock was %lu s %s, and is set", (unsigned long)(size / TS_SECOND),
               change < 0 ? "fast" : "slow");
    }
}

// Reads the battery's clock, and does what follows. Returns what the realtime was changed by.
static int64_t take_reading(void)
{
    struct ts_rtc rtc;
    ts_time_t now;
    int64_t change = 0;
    if (ts_system_rtc_read(ts_named_handle(TS_NAME_RESOURCE_SYSTEM), &rtc) == TS_OK) {
        change =
            wall_reading(&wall, (ts_time_t)rtc.monotonic_ns, rtc.seconds, ts_clock_offset(&now));
        if (change != 0 && change_by(change, change < STEP_NS && change > -STEP_NS) == TS_OK) {
            tell(change);
        }
    }
    return change;
}

static void look(struct ts_timer *timer)
{
    (void)take_reading();
    ts_timer_arm(&init.loop, timer, ts_deadline_in(WALL_PERIOD_NS));
}

void clock_begin(void)
{
    tick.fired = look;
    look(&tick);
}

ts_status_t clock_adjust(const struct ts_init_clock *wanted)
{
    ts_handle_t system = ts_named_handle(TS_NAME_RESOURCE_SYSTEM);
    ts_time_t now = ts_clock_now(), time = ts_time_add(now, wanted->offset_ns);
    if ((wanted->flags & ~TS_INIT_CLOCK_SLOWLY) != 0) {
        return TS_ERR_ARGUMENT;
    }
    if (time < 0 || time >= TIME_END) {
        return TS_ERR_RANGE;
    }
    // What was measured before the machine stood still is wrong by that, and must not be written
    // over the one clock that tells of it.
    int64_t stood = wanted->trusted_s != 0 ? take_reading() : 0;
    if (stood >= STEP_NS || stood <= -STEP_NS) {
        return TS_ERR_BUSY;
    }
    int64_t offset = ts_clock_offset(&now);
    int64_t change = ts_time_add(wanted->offset_ns, offset == INT64_MIN ? INT64_MAX : -offset);
    bool slowly =
        (wanted->flags & TS_INIT_CLOCK_SLOWLY) != 0 && change < STEP_NS && change > -STEP_NS;
    ts_status_t status = change_by(change, slowly);
    if (status != TS_OK) {
        return status;
    }
    wall.trusted_until = wanted->trusted_s == 0 ? 0 : now + wanted->trusted_s * TS_SECOND;
    // (Little by little the battery's clock parts from a better one too.)
    if (slowly && (wanted->trusted_s == 0 || !wall_is_far(&wall, wanted->offset_ns))) {
        return TS_OK;
    }
    if (ts_system_rtc_write(system, time / TS_SECOND) == TS_OK) {
        wall_forget(&wall);
    } else if (!slowly) {
        wall.trusted_until =
            INT64_MAX; // it knows no such time (1970 to 1999), so it tells of jumps
    }
    return TS_OK;
}
