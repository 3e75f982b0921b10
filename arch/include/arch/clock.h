// SPDX-License-Identifier: MIT
// Time: one monotonic clock for all CPUs and one timer per CPU.
#pragma once

#include <tessera/abi/clock.h>
#include <tessera/abi/types.h>
#include <arch/types.h>

// Nanoseconds since boot (the counter's zero is early in boot). Any context, a few instructions.
ts_time_t clock_now(void);

// Fills everything but `sequence` of a clock page.
void arch_clock_describe(struct ts_clock *clock);

// The battery-backed clock: seconds since 1970-01-01 UTC. False: there is none, it was not set, or
// (write) it does not reach so far. Takes up to some milliseconds, and a lock for the time of some
// twenty port accesses; so with interrupts on, save at boot.
bool arch_rtc_read(int64_t *out_seconds);
bool arch_rtc_write(int64_t seconds);

// Arms this CPU's timer for an absolute time, replacing what was armed; in the past: at once.
// 0 stops it. When it fires kernel_timer() is called on this CPU. Interrupts off. May fire early
// by the timer's resolution or range: the hook looks at the clock and arms again.
void timer_arm(ts_time_t deadline);

// Counter ticks a second, as calibrated.
uint64_t arch_clock_frequency(void);

// Busy-waits; for hardware at boot and in panics.
void arch_delay_us(uint32_t microseconds);
