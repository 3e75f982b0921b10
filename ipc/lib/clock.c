// SPDX-License-Identifier: MIT
#include <stdatomic.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/mutex.h>

static const volatile struct ts_clock *clock_page;

void ts_clock_use(const volatile struct ts_clock *page)
{
    clock_page = page;
}

// Reads the page while the kernel does not change it: the acquire of the first load of `sequence`
// and the fence before the second pair with the kernel's stores around its change.
static ts_time_t read_clock(int64_t *out_offset)
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
        int64_t offset = page->realtime_offset;
        atomic_thread_fence(memory_order_acquire);
        // (It only grows: after an odd one there is no even one less.)
        if ((sequence & ~1u) ==
            atomic_load_explicit(TS_ATOMIC(&page->sequence), memory_order_relaxed)) {
            *out_offset = offset;
            return (ts_time_t)now;
        }
    }
}

ts_time_t ts_clock_now(void)
{
    int64_t offset;
    return read_clock(&offset);
}

ts_time_t ts_clock_realtime(void)
{
    int64_t offset = 0;
    ts_time_t now = read_clock(&offset);
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
