// SPDX-License-Identifier: MIT
// See system_statistics.h.
#include <object/system_statistics.h>

#include <arch/clock.h>
#include <arch/smp.h>
#include <base/statistics.h>
#include <mm/account.h>
#include <mm/heap.h>
#include <mm/page.h>
#include <object/domain.h>
#include <sched/sched.h>
#include <section.h>

void system_statistics_get(struct ts_system_statistics *out_statistics)
{
    struct page_statistics pages;
    struct account_totals accounts;
    section_report();
    page_statistics_get(&pages);
    account_totals_get(&accounts);
    *out_statistics = (struct ts_system_statistics){
        .pages_total = pages.total,
        .pages_free = pages.free,
        .pages_kernel =
            pages.total - pages.free > pages.user ? pages.total - pages.free - pages.user : 0,
        .pages_quarantined = domain_quarantined(),
        .uptime_ns = (uint64_t)clock_now(),
        .idle_ns = statistics_sum(STATISTIC_IDLE_NS),
        .switches = statistics_sum(STATISTIC_SWITCHES),
        .requests = statistics_sum(STATISTIC_REQUESTS),
        .copies = statistics_sum(STATISTIC_COPIES),
        .bytes_copied = statistics_sum(STATISTIC_BYTES_COPIED),
        .page_allocations = statistics_sum(STATISTIC_PAGE_ALLOCATIONS),
        .faults = statistics_sum(STATISTIC_FAULTS),
        .interrupts = statistics_sum(STATISTIC_INTERRUPTS),
        .timer_interrupts = statistics_sum(STATISTIC_TIMER_INTERRUPTS),
        .tombstones =
            statistics_sum(STATISTIC_TOMBSTONES_MADE) - statistics_sum(STATISTIC_TOMBSTONES_FREED),
        .longest_locked_ns = ticks_to_ns(section_longest()),
        .cpus = cpu_count(),
        .pages_charged = accounts.charged,
        .pages_shares = accounts.shares,
        .pages_heap = heap_pages(),
        .pages_own = accounts.own,
    };
}
