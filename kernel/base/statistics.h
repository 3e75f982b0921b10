// SPDX-License-Identifier: MIT
// Counts of what the kernel does, per CPU, for ts_system_statistics. A count may be lost when a
// thread moves to another CPU within statistics_add() with interrupts on: they are for people.
#pragma once

#include <stdatomic.h>

#include <cpu.h>

enum statistic {
    STATISTIC_SWITCHES,
    STATISTIC_REQUESTS,
    STATISTIC_COPIES,
    STATISTIC_BYTES_COPIED,
    STATISTIC_PAGE_ALLOCATIONS,
    STATISTIC_FAULTS,
    STATISTIC_INTERRUPTS,
    STATISTIC_TIMER_INTERRUPTS,
    STATISTIC_IDLE_NS,
    STATISTIC_TOMBSTONES_MADE, // ports that are closed and still named by handles
    STATISTIC_TOMBSTONES_FREED,
    STATISTIC_COUNT
};

struct statistics {
    _Atomic uint64_t values[STATISTIC_COUNT];
} __attribute__((aligned(64)));

extern struct statistics statistics_cpu[CPU_MAX];

static inline void statistics_add_at(uint32_t cpu, enum statistic statistic, uint64_t count)
{
    _Atomic uint64_t *value = &statistics_cpu[cpu].values[statistic];
    // Not an atomic addition: only this CPU writes it.
    atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + count,
                          memory_order_relaxed);
}

static inline void statistics_add(enum statistic statistic, uint64_t count)
{
    statistics_add_at(cpu_current()->id, statistic, count);
}

// All CPUs together.
uint64_t statistics_sum(enum statistic statistic);
