// SPDX-License-Identifier: MIT
// Conditions, barriers, read-write locks, semaphores: each waits for a futex word to change.
#include <errno.h>
#include <semaphore.h>
#include <tessera/lib/mutex.h>
#include "core/posix.h"
#include "thread/thread.h"

// conditions: who waits remembers the sequence before it gives the mutex up; every signal changes
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
    uint32_t before = __atomic_load_n(&condition->__sequence, __ATOMIC_ACQUIRE);
    __atomic_add_fetch(&condition->__waiters, 1, __ATOMIC_SEQ_CST);
    int error = pthread_mutex_unlock(mutex);
    if (error) {
        __atomic_sub_fetch(&condition->__waiters, 1, __ATOMIC_SEQ_CST);
        return error;
    }
    ts_status_t status = ts_futex_wait(&condition->__sequence, before, deadline);
    __atomic_sub_fetch(&condition->__waiters, 1, __ATOMIC_SEQ_CST);
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
    __atomic_add_fetch(&condition->__sequence, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&condition->__waiters, __ATOMIC_SEQ_CST)) {
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

// barriers -------------------------------------------------------------------------------------

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
    uint32_t round = __atomic_load_n(&barrier->__round, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&barrier->__arrived, 1, __ATOMIC_ACQ_REL) == barrier->__count) {
        // All others sleep or are about to: nobody arrives for the next round before this one ends.
        __atomic_store_n(&barrier->__arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&barrier->__round, round + 1, __ATOMIC_RELEASE);
        ts_futex_wake(&barrier->__round, UINT32_MAX);
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    while (__atomic_load_n(&barrier->__round, __ATOMIC_ACQUIRE) == round) {
        (void)ts_futex_wait(&barrier->__round, round, TS_DEADLINE_NONE);
    }
    return 0;
}

// read-write locks: the word counts readers, all ones is a writer ------------------------------

#define WRITER UINT32_MAX

int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attributes)
{
    (void)attributes;
    *lock = (pthread_rwlock_t){0};
    return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    return __atomic_load_n(&lock->__word, __ATOMIC_RELAXED) ? EBUSY : 0;
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    uint32_t word = __atomic_load_n(&lock->__word, __ATOMIC_RELAXED);
    // A writer that waits goes first, or readers could keep it out for ever.
    while (word < WRITER - 1 && !__atomic_load_n(&lock->__writers_waiting, __ATOMIC_RELAXED)) {
        if (__atomic_compare_exchange_n(&lock->__word, &word, word + 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
            return 0;
        }
    }
    return EBUSY;
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    uint32_t free = 0;
    return __atomic_compare_exchange_n(&lock->__word, &free, WRITER, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED)
               ? 0
               : EBUSY;
}

static int lock_slowly(pthread_rwlock_t *lock, int (*try)(pthread_rwlock_t *))
{
    __atomic_add_fetch(&lock->__waiters, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        uint32_t sequence = __atomic_load_n(&lock->__sequence, __ATOMIC_SEQ_CST);
        if (try(lock) == 0) {
            break;
        }
        (void)ts_futex_wait(&lock->__sequence, sequence, TS_DEADLINE_NONE);
    }
    __atomic_sub_fetch(&lock->__waiters, 1, __ATOMIC_SEQ_CST);
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
    __atomic_add_fetch(&lock->__writers_waiting, 1, __ATOMIC_SEQ_CST);
    lock_slowly(lock, pthread_rwlock_trywrlock);
    // Readers that were turned away because of this writer look again when it unlocks.
    __atomic_sub_fetch(&lock->__writers_waiting, 1, __ATOMIC_SEQ_CST);
    return 0;
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    uint32_t word = __atomic_load_n(&lock->__word, __ATOMIC_RELAXED);
    bool free = true;
    if (word == WRITER) {
        __atomic_store_n(&lock->__word, 0, __ATOMIC_SEQ_CST);
    } else {
        free = __atomic_sub_fetch(&lock->__word, 1, __ATOMIC_SEQ_CST) == 0;
    }
    // Pairs with lock_slowly: it counts itself in and reads the sequence before it tries.
    if (free && __atomic_load_n(&lock->__waiters, __ATOMIC_SEQ_CST)) {
        __atomic_add_fetch(&lock->__sequence, 1, __ATOMIC_SEQ_CST);
        ts_futex_wake(&lock->__sequence, UINT32_MAX);
    }
    return 0;
}

// semaphores -----------------------------------------------------------------------------------

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
    __atomic_add_fetch(&semaphore->__value, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&semaphore->__waiters, __ATOMIC_SEQ_CST)) {
        ts_futex_wake(&semaphore->__value, 1);
    }
    return 0;
}

int sem_trywait(sem_t *semaphore)
{
    uint32_t value = __atomic_load_n(&semaphore->__value, __ATOMIC_RELAXED);
    while (value) {
        if (__atomic_compare_exchange_n(&semaphore->__value, &value, value - 1, true,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            return 0;
        }
    }
    return posix_fail(EAGAIN);
}

static int take_until(sem_t *semaphore, ts_time_t deadline)
{
    int result = 0, error = errno;
    __atomic_add_fetch(&semaphore->__waiters, 1, __ATOMIC_SEQ_CST);
    while (sem_trywait(semaphore) < 0) {
        if (ts_futex_wait(&semaphore->__value, 0, deadline) == TS_ERR_TIMED_OUT) {
            error = ETIMEDOUT;
            result = -1;
            break;
        }
    }
    __atomic_sub_fetch(&semaphore->__waiters, 1, __ATOMIC_SEQ_CST);
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
    *out = (int)__atomic_load_n(&semaphore->__value, __ATOMIC_RELAXED);
    return 0;
}
