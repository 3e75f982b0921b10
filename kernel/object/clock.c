// SPDX-License-Identifier: MIT
// The clock page and the battery-backed clock. See clock.h. The kernel itself knows no realtime:
// what the page says of it is told by a holder of the resource `system`.
#include <object/clock.h>

#include <arch/clock.h>
#include <spinlock.h>
#include <stdatomic.h>

#define SLEW_MOST (INT64_C(3600) * 1000000000)
#define RTC_NS    INT64_C(5000000) // a reading takes less, unless its thread or its CPU stood still
#define RTC_TRIES 8

static struct spinlock lock = SPINLOCK_INIT("clock page");
static struct ts_clock *page; // set once, before there is a program

ts_status_t clock_page_create(struct memory **out_memory)
{
    struct kernel_mapping mapping;
    ts_status_t status = memory_create_kernel(NULL, sizeof(struct ts_clock), &mapping);
    if (status != TS_OK) {
        return status;
    }
    page = kernel_range_at(&mapping.range, 0, sizeof(*page));
    arch_clock_describe(page);
    object_get(&mapping.memory->object); // the mapping keeps its own for ever
    *out_memory = mapping.memory;
    return TS_OK;
}

// A reader that sees anything of the change sees that `sequence` is odd, or another one: the fence
// and the release pair with the fence and the acquire in ipc/lib/clock.c.
static void page_change(const struct ts_clock_setting *setting)
{
    irqflags_t flags = spin_lock(&lock);
    uint32_t sequence = page->sequence;
    atomic_store_explicit(TS_ATOMIC(&page->sequence), sequence + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    volatile struct ts_clock *clock = page;
    clock->realtime_offset = setting->realtime_offset;
    clock->slew_begin = setting->slew_begin;
    clock->slew = setting->slew;
    atomic_store_explicit(TS_ATOMIC(&page->sequence), sequence + 2, memory_order_release);
    spin_unlock(&lock, flags);
}

ts_status_t clock_set(const struct ts_call *call)
{
    struct ts_clock_setting setting;
    ts_status_t status = call_read(call, &setting, sizeof(setting));
    if (status != TS_OK) {
        return status;
    }
    if (setting.slew > SLEW_MOST || setting.slew < -SLEW_MOST || setting.slew_begin < 0) {
        return TS_ERR_RANGE;
    }
    page_change(&setting);
    return TS_OK;
}

ts_status_t clock_rtc_read(const struct ts_call *call)
{
    struct ts_rtc rtc;
    ts_time_t begin, end;
    unsigned tries = 0;
    do { // the two times are of one moment: interrupts are on, and a hypervisor takes CPUs away
        begin = clock_now();
        if (!arch_rtc_read(&rtc.seconds)) {
            return TS_ERR_NOT_FOUND;
        }
        end = clock_now();
    } while (end - begin > RTC_NS && ++tries < RTC_TRIES);
    rtc.monotonic_ns = (uint64_t)end;
    return call_write(call, &rtc, sizeof(rtc));
}

ts_status_t clock_rtc_write(const struct ts_call *call)
{
    struct ts_rtc rtc;
    ts_status_t status = call_read(call, &rtc, sizeof(rtc));
    if (status != TS_OK) {
        return status;
    }
    if (rtc.monotonic_ns != 0) {
        return TS_ERR_ARGUMENT;
    }
    return arch_rtc_write(rtc.seconds) ? TS_OK : TS_ERR_RANGE;
}
