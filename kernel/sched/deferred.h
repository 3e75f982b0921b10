// SPDX-License-Identifier: MIT
// Work that is left for later. Any context marks it, whatever it holds, and its CPU does it soon
// where nothing is held: on the way to user mode, where it could be preempted, or when it is idle.
//
// There is one such work: the log, of which lines come under any lock, tells the waiters.
#pragma once

#include <cpu.h>

// What it is. Once, in boot. `work` runs with interrupts off and no lock held.
void deferred_set(void (*work)(void));

// Interrupts are off.
static inline void deferred_mark(void)
{
    atomic_fetch_or_explicit(&cpu_current()->need_resched, CPU_DEFERRED, memory_order_relaxed);
}

// Does what was marked on this CPU, if it was. Interrupts off, no lock held.
void deferred_do(void);
static inline void deferred_poll(struct cpu *cpu)
{
    if ((atomic_load_explicit(&cpu->need_resched, memory_order_relaxed) & CPU_DEFERRED) != 0) {
        deferred_do();
    }
}
