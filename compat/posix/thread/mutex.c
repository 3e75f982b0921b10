// SPDX-License-Identifier: MIT
// Mutexes and spin locks: one futex word, 0 free, 1 held, 2 held and perhaps waited for.
#include <errno.h>
#include <stdatomic.h>
#include <tessera/lib/mutex.h>
#include "thread/thread.h"

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    *mutex = (pthread_mutex_t){.__kind = attributes != NULL ? (unsigned)attributes->__kind
                                                            : PTHREAD_MUTEX_DEFAULT};
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    return atomic_load_explicit(TS_ATOMIC(&mutex->__word), memory_order_relaxed) ? EBUSY : 0;
}

static bool mine(const pthread_mutex_t *mutex)
{
    // Unlocked: only the calling thread can have entered itself.
    return atomic_load_explicit(TS_ATOMIC(&mutex->__owner), memory_order_relaxed) == thread_self();
}

static void own(pthread_mutex_t *mutex)
{
    atomic_store_explicit(TS_ATOMIC(&mutex->__owner), thread_self(), memory_order_relaxed);
    mutex->__depth = 1;
}

static bool try_word(pthread_mutex_t *mutex)
{
    uint32_t free = 0;
    return atomic_compare_exchange_strong_explicit(TS_ATOMIC(&mutex->__word), &free, 1,
                                                   memory_order_acquire, memory_order_relaxed);
}

static int lock_word(pthread_mutex_t *mutex, ts_time_t deadline)
{
    if (try_word(mutex)) {
        return 0;
    }
    // A thread that has slept cannot know whether others still do: the word stays 2.
    while (atomic_exchange_explicit(TS_ATOMIC(&mutex->__word), 2, memory_order_acquire) != 0) {
        if (ts_futex_wait(&mutex->__word, 2, deadline) == TS_ERR_TIMED_OUT) {
            return ETIMEDOUT;
        }
    }
    return 0;
}

// What locking a mutex again does that is held by the caller. -1: it is not.
static int again(pthread_mutex_t *mutex, int when_checked)
{
    if (mutex->__kind == PTHREAD_MUTEX_NORMAL || !mine(mutex)) {
        return -1;
    }
    if (mutex->__kind == PTHREAD_MUTEX_ERRORCHECK) {
        return when_checked;
    }
    return ++mutex->__depth ? 0 : EAGAIN;
}

static int lock_until(pthread_mutex_t *mutex, ts_time_t deadline)
{
    int result = again(mutex, EDEADLK);
    if (result >= 0) {
        return result;
    }
    result = lock_word(mutex, deadline);
    if (result == 0) {
        own(mutex);
    }
    return result;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    return lock_until(mutex, TS_DEADLINE_NONE);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *time)
{
    ts_time_t deadline;
    int error = thread_deadline(CLOCK_REALTIME, time, &deadline);
    return error ? error : lock_until(mutex, deadline);
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    int result = again(mutex, EBUSY);
    if (result >= 0) {
        return result;
    }
    if (!try_word(mutex)) {
        return EBUSY;
    }
    own(mutex);
    return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (mutex->__kind != PTHREAD_MUTEX_NORMAL) {
        if (!mine(mutex)) {
            return EPERM;
        }
        if (--mutex->__depth) {
            return 0;
        }
    }
    atomic_store_explicit(TS_ATOMIC(&mutex->__owner), NULL, memory_order_relaxed);
    if (atomic_exchange_explicit(TS_ATOMIC(&mutex->__word), 0, memory_order_release) == 2) {
        ts_futex_wake(&mutex->__word, 1);
    }
    return 0;
}

int pthread_mutexattr_init(pthread_mutexattr_t *attributes)
{
    *attributes = (pthread_mutexattr_t){.__kind = PTHREAD_MUTEX_DEFAULT};
    return 0;
}

int pthread_mutexattr_destroy(pthread_mutexattr_t *attributes)
{
    (void)attributes;
    return 0;
}

int pthread_mutexattr_settype(pthread_mutexattr_t *attributes, int kind)
{
    if (kind < PTHREAD_MUTEX_NORMAL || kind > PTHREAD_MUTEX_ERRORCHECK) {
        return EINVAL;
    }
    attributes->__kind = kind;
    return 0;
}

int pthread_mutexattr_gettype(const pthread_mutexattr_t *attributes, int *out)
{
    *out = attributes->__kind;
    return 0;
}

// A futex is found by its process and address: locks are not shared between processes.
int pthread_mutexattr_setpshared(pthread_mutexattr_t *attributes, int shared)
{
    attributes->__shared = 0;
    return shared == PTHREAD_PROCESS_PRIVATE ? 0 : ENOTSUP;
}

int pthread_mutexattr_getpshared(const pthread_mutexattr_t *attributes, int *out)
{
    *out = attributes->__shared;
    return 0;
}

int pthread_spin_init(pthread_spinlock_t *lock, int shared)
{
    *lock = 0;
    return shared == PTHREAD_PROCESS_PRIVATE ? 0 : ENOTSUP;
}

int pthread_spin_destroy(pthread_spinlock_t *lock)
{
    (void)lock;
    return 0;
}

int pthread_spin_trylock(pthread_spinlock_t *lock)
{
    return atomic_exchange_explicit(TS_ATOMIC(lock), 1, memory_order_acquire) ? EBUSY : 0;
}

int pthread_spin_lock(pthread_spinlock_t *lock)
{
    while (pthread_spin_trylock(lock)) {
        ts_thread_yield(); // the holder may wait for this very processor
    }
    return 0;
}

int pthread_spin_unlock(pthread_spinlock_t *lock)
{
    atomic_store_explicit(TS_ATOMIC(lock), 0, memory_order_release);
    return 0;
}
