// SPDX-License-Identifier: MIT
// The counter that the clock page refers to: the time stamp counter.
#include <tessera/lib/clock.h>

uint64_t ts_machine_counter(void)
{
    uint32_t low, high;
    // The fence keeps the read from running ahead of the load of the page's sequence, which it
    // pairs with in ts_clock_now().
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}
