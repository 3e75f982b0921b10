// SPDX-License-Identifier: MIT
#include <stdatomic.h>
#include <tessera/abi/object.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/mutex.h>

static const volatile struct ts_clock *clock_page;

void ts_clock_use(const volatile struct ts_clock *page)
{
    clock_page = page;
}

// Reads the page while the kernel does not change it: the acquire of the first load of `sequence`
// and the fence before the second pair with the kernel's stores around its change.
static ts_time_t read_clock(struct ts_clock_setting *out_setting)
{
    const volatile struct ts_clock *page = clock_page;
    if (page == NULL) {
        return 0;
    }
    for (;;) {
        uint32_t sequence = atomic_load_explicit(TS_ATOMIC(&page->sequence), memory_order_acquire);
        uint64_t elapsed = ts_machine_counter() - page->base_counter;
        unsigned __int128 scaled = (unsigned __int128)elapsed * page->multiplier;
        uint64_t now = page->base_ns + (uint64_t)(scaled >> (page->shift & 63));
        if (out_setting != NULL) {
            *out_setting =
                (struct ts_clock_setting){page->realtime_offset, page->slew_begin, page->slew};
        }
        atomic_thread_fence(memory_order_acquire);
        // (It only grows: after an odd one there is no even one less.)
        if ((sequence & ~1u) ==
            atomic_load_explicit(TS_ATOMIC(&page->sequence), memory_order_relaxed)) {
            return (ts_time_t)now;
        }
    }
}

ts_time_t ts_clock_now(void)
{
    return read_clock(NULL);
}

ts_time_t ts_clock_offset(ts_time_t *out_now)
{
    struct ts_clock_setting set = {0};
    *out_now = read_clock(&set);
    return ts_time_add(set.realtime_offset, ts_clock_slewed(set.slew_begin, set.slew, *out_now));
}

ts_time_t ts_clock_realtime(void)
{
    ts_time_t now;
    ts_time_t offset = ts_clock_offset(&now);
    return ts_time_add(now, offset);
}

ts_time_t ts_deadline_in(ts_time_t ns)
{
    ts_time_t deadline = ts_time_add(ts_clock_now(), ns > 0 ? ns : 0);
    return deadline > 0 ? deadline : 1;
}

void ts_sleep_until(ts_time_t deadline)
{
    uint32_t never = 0;
    while (ts_clock_now() < deadline) {
        if (ts_futex_wait(&never, 0, deadline) == TS_ERR_TIMED_OUT) {
            return;
        }
    }
}
