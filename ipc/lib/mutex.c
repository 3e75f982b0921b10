// SPDX-License-Identifier: MIT
// The mutex of Drepper's "Futexes Are Tricky" (2011), section 6: a waiter leaves 2 behind, and so
// only an unlock that may have waiters makes a system call.
#include <stdatomic.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/syscall.h>

ts_status_t ts_futex_wait(uint32_t *word, uint32_t expected, ts_time_t deadline)
{
    return (ts_status_t)ts_sys_futex_wait((uintptr_t)word, expected, (uint64_t)deadline).status;
}

uint32_t ts_futex_wake(uint32_t *word, uint32_t count)
{
    struct ts_result result = ts_sys_futex_wake((uintptr_t)word, count);
    return result.status == TS_OK ? (uint32_t)result.value : 0;
}

// The acquire pairs with the release of ts_mutex_unlock.
bool ts_mutex_try_lock(struct ts_mutex *mutex)
{
    uint32_t free = 0;
    return atomic_compare_exchange_strong_explicit(TS_ATOMIC(&mutex->state), &free, 1,
                                                   memory_order_acquire, memory_order_relaxed);
}

void ts_mutex_lock(struct ts_mutex *mutex)
{
    if (ts_mutex_try_lock(mutex)) {
        return;
    }
    // An exchange that finds 0 has the lock, and leaves 2: one wake too many at most.
    while (atomic_exchange_explicit(TS_ATOMIC(&mutex->state), 2, memory_order_acquire) != 0) {
        (void)ts_futex_wait(&mutex->state, 2, TS_DEADLINE_NONE);
    }
}

void ts_mutex_unlock(struct ts_mutex *mutex)
{
    if (atomic_exchange_explicit(TS_ATOMIC(&mutex->state), 0, memory_order_release) == 2) {
        ts_futex_wake(&mutex->state, 1);
    }
}
