// SPDX-License-Identifier: MIT
// Conditions, barriers, read-write locks, semaphores: each waits for a futex word to change.
#include <errno.h>
#include <stdatomic.h>
#include <semaphore.h>
#include <tessera/lib/mutex.h>
#include "core/posix.h"
#include "thread/thread.h"

// conditions: a waiter remembers the sequence before it gives the mutex up; every signal changes
// it, so one that comes in between is not slept through.
int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
    *condition =
        (pthread_cond_t){.__clock = attributes != NULL ? attributes->__clock : CLOCK_REALTIME};
    return 0;
}

int pthread_cond_destroy(pthread_cond_t *condition)
{
    (void)condition;
    return 0;
}

static int wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, ts_time_t deadline)
{
    uint32_t before = atomic_load_explicit(TS_ATOMIC(&condition->__sequence), memory_order_acquire);
    atomic_fetch_add_explicit(TS_ATOMIC(&condition->__waiters), 1, memory_order_seq_cst);
    int error = pthread_mutex_unlock(mutex);
    if (error) {
        atomic_fetch_sub_explicit(TS_ATOMIC(&condition->__waiters), 1, memory_order_seq_cst);
        return error;
    }
    ts_status_t status = ts_futex_wait(&condition->__sequence, before, deadline);
    atomic_fetch_sub_explicit(TS_ATOMIC(&condition->__waiters), 1, memory_order_seq_cst);
    pthread_mutex_lock(mutex);
    return status == TS_ERR_TIMED_OUT ? ETIMEDOUT : 0;
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    return wait_until(condition, mutex, TS_DEADLINE_NONE);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *time)
{
    ts_time_t deadline;
    int error = thread_deadline(condition->__clock, time, &deadline);
    return error ? error : wait_until(condition, mutex, deadline);
}

static int wake(pthread_cond_t *condition, uint32_t count)
{
    // Before the sequence changes nobody can have counted itself in for the new one.
    atomic_fetch_add_explicit(TS_ATOMIC(&condition->__sequence), 1, memory_order_seq_cst);
    if (atomic_load_explicit(TS_ATOMIC(&condition->__waiters), memory_order_seq_cst)) {
        ts_futex_wake(&condition->__sequence, count);
    }
    return 0;
}

int pthread_cond_signal(pthread_cond_t *condition)
{
    return wake(condition, 1);
}

int pthread_cond_broadcast(pthread_cond_t *condition)
{
    return wake(condition, UINT32_MAX);
}

int pthread_condattr_init(pthread_condattr_t *attributes)
{
    *attributes = (pthread_condattr_t){.__clock = CLOCK_REALTIME};
    return 0;
}

int pthread_condattr_destroy(pthread_condattr_t *attributes)
{
    (void)attributes;
    return 0;
}

int pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
        return EINVAL;
    }
    attributes->__clock = clock;
    return 0;
}

int pthread_condattr_getclock(const pthread_condattr_t *restrict attributes,
                              clockid_t *restrict out)
{
    *out = attributes->__clock;
    return 0;
}

// ---- barriers

int pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attributes,
                         unsigned count)
{
    (void)attributes;
    *barrier = (pthread_barrier_t){.__count = count};
    return count ? 0 : EINVAL;
}

int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
    (void)barrier;
    return 0;
}

int pthread_barrier_wait(pthread_barrier_t *barrier)
{
    uint32_t round = atomic_load_explicit(TS_ATOMIC(&barrier->__round), memory_order_acquire);
    if (atomic_fetch_add_explicit(TS_ATOMIC(&barrier->__arrived), 1, memory_order_acq_rel) + 1 ==
        barrier->__count) {
        // All others sleep or are about to: nobody arrives for the next round before this one ends.
        atomic_store_explicit(TS_ATOMIC(&barrier->__arrived), 0, memory_order_relaxed);
        atomic_store_explicit(TS_ATOMIC(&barrier->__round), round + 1, memory_order_release);
        ts_futex_wake(&barrier->__round, UINT32_MAX);
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    while (atomic_load_explicit(TS_ATOMIC(&barrier->__round), memory_order_acquire) == round) {
        (void)ts_futex_wait(&barrier->__round, round, TS_DEADLINE_NONE);
    }
    return 0;
}

// ---- read-write locks: the word counts readers, all ones is a writer

#define WRITER UINT32_MAX

int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attributes)
{
    (void)attributes;
    *lock = (pthread_rwlock_t){0};
    return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    return atomic_load_explicit(TS_ATOMIC(&lock->__word), memory_order_relaxed) ? EBUSY : 0;
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    uint32_t word = atomic_load_explicit(TS_ATOMIC(&lock->__word), memory_order_relaxed);
    // A writer that waits goes first, or readers could keep it out for ever.
    while (word < WRITER - 1 &&
           !atomic_load_explicit(TS_ATOMIC(&lock->__writers_waiting), memory_order_relaxed)) {
        if (atomic_compare_exchange_weak_explicit(TS_ATOMIC(&lock->__word), &word, word + 1,
                                                  memory_order_acquire, memory_order_relaxed)) {
            return 0;
        }
    }
    return EBUSY;
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    uint32_t free = 0;
    return atomic_compare_exchange_strong_explicit(TS_ATOMIC(&lock->__word), &free, WRITER,
                                                   memory_order_acquire, memory_order_relaxed)
               ? 0
               : EBUSY;
}

static int lock_slowly(pthread_rwlock_t *lock, int (*try)(pthread_rwlock_t *))
{
    atomic_fetch_add_explicit(TS_ATOMIC(&lock->__waiters), 1, memory_order_seq_cst);
    for (;;) {
        uint32_t sequence =
            atomic_load_explicit(TS_ATOMIC(&lock->__sequence), memory_order_seq_cst);
        if (try(lock) == 0) {
            break;
        }
        (void)ts_futex_wait(&lock->__sequence, sequence, TS_DEADLINE_NONE);
    }
    atomic_fetch_sub_explicit(TS_ATOMIC(&lock->__waiters), 1, memory_order_seq_cst);
    return 0;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    return pthread_rwlock_tryrdlock(lock) ? lock_slowly(lock, pthread_rwlock_tryrdlock) : 0;
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    if (pthread_rwlock_trywrlock(lock) == 0) {
        return 0;
    }
    atomic_fetch_add_explicit(TS_ATOMIC(&lock->__writers_waiting), 1, memory_order_seq_cst);
    lock_slowly(lock, pthread_rwlock_trywrlock);
    // Readers that were turned away because of this writer look again when it unlocks.
    atomic_fetch_sub_explicit(TS_ATOMIC(&lock->__writers_waiting), 1, memory_order_seq_cst);
    return 0;
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    uint32_t word = atomic_load_explicit(TS_ATOMIC(&lock->__word), memory_order_relaxed);
    bool free = true;
    if (word == WRITER) {
        atomic_store_explicit(TS_ATOMIC(&lock->__word), 0, memory_order_seq_cst);
    } else {
        free = atomic_fetch_sub_explicit(TS_ATOMIC(&lock->__word), 1, memory_order_seq_cst) == 1;
    }
    // Pairs with lock_slowly: it counts itself in and reads the sequence before it tries.
    if (free && atomic_load_explicit(TS_ATOMIC(&lock->__waiters), memory_order_seq_cst)) {
        atomic_fetch_add_explicit(TS_ATOMIC(&lock->__sequence), 1, memory_order_seq_cst);
        ts_futex_wake(&lock->__sequence, UINT32_MAX);
    }
    return 0;
}

// ---- semaphores

int sem_init(sem_t *semaphore, int shared, unsigned value)
{
    *semaphore = (sem_t){.__value = value};
    if (shared) {
        return posix_fail(ENOSYS);
    }
    return value > SEM_VALUE_MAX ? posix_fail(EINVAL) : 0;
}

int sem_destroy(sem_t *semaphore)
{
    (void)semaphore;
    return 0;
}

int sem_post(sem_t *semaphore)
{
    atomic_fetch_add_explicit(TS_ATOMIC(&semaphore->__value), 1, memory_order_seq_cst);
    if (atomic_load_explicit(TS_ATOMIC(&semaphore->__waiters), memory_order_seq_cst)) {
        ts_futex_wake(&semaphore->__value, 1);
    }
    return 0;
}

int sem_trywait(sem_t *semaphore)
{
    uint32_t value = atomic_load_explicit(TS_ATOMIC(&semaphore->__value), memory_order_relaxed);
    while (value) {
        if (atomic_compare_exchange_weak_explicit(TS_ATOMIC(&semaphore->__value), &value, value - 1,
                                                  memory_order_acquire, memory_order_relaxed)) {
            return 0;
        }
    }
    return posix_fail(EAGAIN);
}

static int take_until(sem_t *semaphore, ts_time_t deadline)
{
    int result = 0, error = errno;
    atomic_fetch_add_explicit(TS_ATOMIC(&semaphore->__waiters), 1, memory_order_seq_cst);
    while (sem_trywait(semaphore) < 0) {
        if (ts_futex_wait(&semaphore->__value, 0, deadline) == TS_ERR_TIMED_OUT) {
            error = ETIMEDOUT;
            result = -1;
            break;
        }
    }
    atomic_fetch_sub_explicit(TS_ATOMIC(&semaphore->__waiters), 1, memory_order_seq_cst);
    errno = error;
    return result;
}

int sem_wait(sem_t *semaphore)
{
    return take_until(semaphore, TS_DEADLINE_NONE);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict time)
{
    ts_time_t deadline;
    int error = thread_deadline(CLOCK_REALTIME, time, &deadline);
    return error ? posix_fail(error) : take_until(semaphore, deadline);
}

int sem_getvalue(sem_t *restrict semaphore, int *restrict out)
{
    *out = (int)atomic_load_explicit(TS_ATOMIC(&semaphore->__value), memory_order_relaxed);
    return 0;
}
