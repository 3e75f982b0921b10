// SPDX-License-Identifier: MIT
// A clock that stands still, and a timer that never fires.
#include <arch/clock.h>

ts_time_t clock_now(void)
{
    return 0;
}

void arch_clock_describe(struct ts_clock *clock)
{
    *clock = (struct ts_clock){.version = TS_CLOCK_VERSION};
}

bool arch_rtc_read(int64_t *out_seconds)
{
    return false;
}

bool arch_rtc_write(int64_t seconds)
{
    return false;
}

void timer_arm(ts_time_t deadline)
{}

uint64_t arch_clock_frequency(void)
{
    return 1;
}

void arch_delay_us(uint32_t microseconds)
{}
