// SPDX-License-Identifier: MIT
// See allocation.h.
#include <allocation.h>

#include <stdatomic.h>

#include <object/process.h>
#include <sched/sched.h>

#if TS_DEBUG

static _Atomic uint64_t victim; // the process's id, which no other will have; 0: none
static _Atomic uint64_t left;   // its allocations up to the one that fails
static _Atomic int64_t live;

bool allocation_refused(void)
{
    // Also before there are threads: nobody is to fail then.
    if (atomic_load_explicit(&victim, memory_order_relaxed) == 0) {
        return false;
    }
    const struct thread *thread = thread_current();
    if (thread == NULL || thread->process == NULL ||
        thread->process->member.id != atomic_load_explicit(&victim, memory_order_relaxed)) {
        return false;
    }
    uint64_t count = atomic_load_explicit(&left, memory_order_relaxed);
    while (count != 0) {
        if (atomic_compare_exchange_weak_explicit(&left, &count, count - 1, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            return count == 1;
        }
    }
    return false;
}

void allocation_count(int change)
{
    atomic_fetch_add_explicit(&live, change, memory_order_relaxed);
}

ts_status_t allocation_live(uint64_t *out_count)
{
    *out_count = (uint64_t)atomic_load_explicit(&live, memory_order_relaxed);
    return TS_OK;
}

ts_status_t allocation_fail(uint64_t process_id, uint64_t n)
{
    atomic_store_explicit(&left, n, memory_order_relaxed);
    atomic_store_explicit(&victim, n == 0 ? 0 : process_id, memory_order_relaxed);
    return TS_OK;
}

ts_status_t allocation_left(uint64_t process_id, uint64_t *out_left)
{
    *out_left = atomic_load_explicit(&victim, memory_order_relaxed) == process_id
                    ? atomic_load_explicit(&left, memory_order_relaxed)
                    : 0;
    return TS_OK;
}

#endif
