// SPDX-License-Identifier: MIT
// The locks of newlib (its retargetable locking): a recursive futex mutex for all of them. newlib
// names nine static ones and makes the others, one for each stream, with __retarget_lock_init.
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/lock.h>
#include <tessera/lib/mutex.h>

struct __lock {
    struct ts_mutex mutex;
    uint32_t depth;
    const void *owner; // a thread is named by the address of its own variable
};

// newlib declares them as it uses them.
extern struct __lock __lock___sinit_recursive_mutex, __lock___sfp_recursive_mutex,
    __lock___atexit_recursive_mutex, __lock___at_quick_exit_mutex, __lock___malloc_recursive_mutex,
    __lock___env_recursive_mutex, __lock___tz_mutex, __lock___dd_hash_mutex,
    __lock___arc4random_mutex;

struct __lock __lock___sinit_recursive_mutex;
struct __lock __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex;
struct __lock __lock___at_quick_exit_mutex;
struct __lock __lock___malloc_recursive_mutex;
struct __lock __lock___env_recursive_mutex;
struct __lock __lock___tz_mutex;
struct __lock __lock___dd_hash_mutex;
struct __lock __lock___arc4random_mutex;

static _Thread_local char self;

// A stream's lock may not fail to exist: when there is no memory for it, all such streams share
// one.
static struct __lock shared;

static struct __lock *make(void)
{
    struct __lock *lock = calloc(1, sizeof(*lock));
    return lock != NULL ? lock : &shared;
}

static void drop(struct __lock *lock)
{
    if (lock != NULL && lock != &shared) {
        free(lock);
    }
}

static bool held(const struct __lock *lock)
{
    // Unlocked: only the calling thread can have written its own address.
    return atomic_load_explicit(TS_ATOMIC(&lock->owner), memory_order_relaxed) == &self;
}

static void own(struct __lock *lock)
{
    atomic_store_explicit(TS_ATOMIC(&lock->owner), &self, memory_order_relaxed);
    lock->depth = 1;
}

static void acquire(struct __lock *lock)
{
    if (held(lock)) {
        lock->depth++;
        return;
    }
    ts_mutex_lock(&lock->mutex);
    own(lock);
}

static int try_acquire(struct __lock *lock)
{
    if (held(lock)) {
        lock->depth++;
        return 0;
    }
    if (!ts_mutex_try_lock(&lock->mutex)) {
        return -1;
    }
    own(lock);
    return 0;
}

static void release(struct __lock *lock)
{
    if (--lock->depth == 0) {
        atomic_store_explicit(TS_ATOMIC(&lock->owner), NULL, memory_order_relaxed);
        ts_mutex_unlock(&lock->mutex);
    }
}

void __retarget_lock_init(_LOCK_T *lock)
{
    *lock = make();
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    *lock = make();
}

void __retarget_lock_close(_LOCK_T lock)
{
    drop(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    drop(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
    acquire(lock);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    acquire(lock);
}

int __retarget_lock_try_acquire(_LOCK_T lock)
{
    return try_acquire(lock);
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    return try_acquire(lock);
}

void __retarget_lock_release(_LOCK_T lock)
{
    release(lock);
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    release(lock);
}
