// SPDX-License-Identifier: MIT
// Arithmetic of times, over the whole range of their types: what does not fit is the end of the
// range, never a wrap. A time is nanoseconds of the clock; a tick is 2^10 of them, the timers'
// unit; a count is what a counter of the machine shows.
//
// Conversions of deadlines are monotone and never early: a wait until the result has lasted
// until the deadline, and finds it passed when it looks at the clock.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <tessera/abi/types.h>

#define TIME_TICK_SHIFT  10
#define TIME_SCALE_SHIFT 32 // factors are 32.32 fixed point
#define TIME_NS_PER_S    UINT64_C(1000000000)

static inline ts_time_t time_add(ts_time_t time, ts_time_t span)
{
    ts_time_t sum;
    if (__builtin_add_overflow(time, span, &sum)) {
        return span < 0 ? INT64_MIN : INT64_MAX;
    }
    return sum;
}

// The first tick at whose start the deadline has passed; 0 for what lies before the clock began.
static inline uint64_t time_tick_of(ts_time_t deadline)
{
    uint64_t ns = deadline < 0 ? 0 : (uint64_t)deadline;
    return (ns >> TIME_TICK_SHIFT) + ((ns & ((1u << TIME_TICK_SHIFT) - 1)) != 0);
}

// When a tick starts: at least 1, since as a deadline 0 means none.
static inline ts_time_t time_of_tick(uint64_t tick)
{
    if (tick > (uint64_t)INT64_MAX >> TIME_TICK_SHIFT) {
        return INT64_MAX;
    }
    return tick == 0 ? 1 : (ts_time_t)(tick << TIME_TICK_SHIFT);
}

// value * factor, rounded down.
static inline uint64_t time_scale(uint64_t value, uint64_t factor)
{
    unsigned __int128 product = (unsigned __int128)value * factor >> TIME_SCALE_SHIFT;
    return product > UINT64_MAX ? UINT64_MAX : (uint64_t)product;
}

// The least count that time_scale(count, factor) makes at least `value`. Factor not 0, below 2^48.
// (A long division, in digits that 64 bits hold: there is none of 128 bits in the kernel.)
static inline uint64_t time_unscale(uint64_t value, uint64_t factor)
{
    uint64_t count = value / factor, rest = value % factor;
    if (count >> (64 - TIME_SCALE_SHIFT) != 0) {
        return UINT64_MAX;
    }
    for (unsigned digit = 0; digit < TIME_SCALE_SHIFT / 16; digit++) {
        rest <<= 16;
        count = count << 16 | rest / factor;
        rest %= factor;
    }
    return count + (rest != 0 && count != UINT64_MAX);
}

// What `counts` of a counter last that makes `hz` in a second, rounded down. `hz` is neither 0 nor
// above 2^64 / TIME_NS_PER_S.
static inline uint64_t time_of_counts(uint64_t counts, uint64_t hz)
{
    uint64_t whole, part = counts % hz * TIME_NS_PER_S / hz;
    bool over = __builtin_mul_overflow(counts / hz, TIME_NS_PER_S, &whole) ||
                __builtin_add_overflow(whole, part, &whole);
    return over ? UINT64_MAX : whole;
}

// The next time of something that happens each `period` and was due at `due`: after `now`, in step.
// *out_passed: how many of its times have come, the one at `due` included. `period` is above 0,
// neither time negative.
static inline ts_time_t time_next(ts_time_t due, ts_time_t period, ts_time_t now,
                                  uint64_t *out_passed)
{
    *out_passed = 1;
    if (now > due) {
        *out_passed += ((uint64_t)now - (uint64_t)due) / (uint64_t)period;
    }
    ts_time_t span;
    if (__builtin_mul_overflow(*out_passed, period, &span)) {
        return INT64_MAX;
    }
    return time_add(due, span);
}
