// SPDX-License-Identifier: MIT
// See deferred.h.
#include <sched/deferred.h>

static void (*deferred)(void);

void deferred_set(void (*work)(void))
{
    deferred = work;
}

void deferred_do(void)
{
    atomic_fetch_and_explicit(&cpu_current()->need_resched, ~CPU_DEFERRED, memory_order_relaxed);
    deferred();
}
