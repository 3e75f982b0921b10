// SPDX-License-Identifier: MIT
// Time, read from the clock page without a system call.
#pragma once

#include <tessera/abi/clock.h>
#include <tessera/lib/status.h>

#define TS_MICROSECOND INT64_C(1000)
#define TS_MILLISECOND INT64_C(1000000)
#define TS_SECOND      INT64_C(1000000000)

// Nanoseconds since boot: the clock of all deadlines. 0 before ts_bootstrap_init.
ts_time_t ts_clock_now(void);

// Nanoseconds since 1970-01-01 UTC.
ts_time_t ts_clock_realtime(void);

// What ts_clock_realtime() is ahead of ts_clock_now() at a moment, which is told too.
ts_time_t ts_clock_offset(ts_time_t *out_now);

// The arithmetic of times: what does not fit is the end of the range.
static inline ts_time_t ts_time_add(ts_time_t time, ts_time_t span)
{
    ts_time_t sum;
    if (__builtin_add_overflow(time, span, &sum)) {
        return span < 0 ? INT64_MIN : INT64_MAX;
    }
    return sum;
}

// count * unit + rest: ts_time_of(seconds, TS_SECOND, nanoseconds). The rest is not negative.
static inline ts_time_t ts_time_of(int64_t count, ts_time_t unit, ts_time_t rest)
{
    ts_time_t whole;
    if (__builtin_mul_overflow(count, unit, &whole)) {
        return count < 0 ? INT64_MIN : INT64_MAX;
    }
    return ts_time_add(whole, rest);
}

// ts_clock_now() + ns, never 0 and never wrapping: a deadline `ns` from now.
ts_time_t ts_deadline_in(ts_time_t ns);

// Until the deadline has passed.
void ts_sleep_until(ts_time_t deadline);

// For ts_bootstrap_init and tests: the page that the functions above read.
void ts_clock_use(const volatile struct ts_clock *page);

// The machine's counter; in arch/<machine>/user.
uint64_t ts_machine_counter(void);
