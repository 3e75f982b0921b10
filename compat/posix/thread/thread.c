// SPDX-License-Identifier: MIT
// Threads: creation, end, joining.
//
// The stack is <tessera/lib/thread.h>'s and freed by its join, which needs another thread: a
// detached thread that ends puts itself into a list, from which the next create or exit takes it.
#include "thread/thread.h"
#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/start.h>
#include <unistd.h>
#include "core/posix.h"
#include "core/wait.h"

void __sinit(struct _reent *);

static struct ts_pthread *ended; // detached ones
static struct ts_mutex ended_mutex;
static uint32_t running = 1; // futex: threads that have not ended

pthread_t pthread_self(void)
{
    return thread_self();
}

int pthread_equal(pthread_t a, pthread_t b)
{
    return a == b;
}

static void release(struct ts_pthread *thread)
{
    (void)ts_thread_join(&thread->thread, TS_DEADLINE_NONE);
    free(thread);
}

static void reap(void)
{
    ts_mutex_lock(&ended_mutex);
    struct ts_pthread *list = ended;
    ended = NULL;
    ts_mutex_unlock(&ended_mutex);
    while (list != NULL) {
        struct ts_pthread *next = list->next;
        release(list);
        list = next;
    }
}

static _Noreturn void finish(struct ts_pthread *self)
{
    keys_end(self);
    wait_thread_end();
    _reclaim_reent(&self->reent);
    uint32_t left = (atomic_fetch_sub_explicit(TS_ATOMIC(&running), 1, memory_order_acq_rel) - 1);
    if (left == 0) { // the first thread has left by pthread_exit before
        exit(0);
    }
    if (left == 1) {
        ts_futex_wake(&running, 1);
    }
    uint32_t joinable = THREAD_JOINABLE;
    if (!atomic_compare_exchange_strong_explicit(TS_ATOMIC(&self->state), &joinable, THREAD_ENDED,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        // Once it is in the list it may be freed as soon as it has left its stack.
        ts_mutex_lock(&ended_mutex);
        self->next = ended;
        ended = self;
        ts_mutex_unlock(&ended_mutex);
    }
    ts_thread_exit(&self->thread);
}

static void entry(void *argument)
{
    struct ts_pthread *self = argument;
    thread_become(self);
    reent_thread_init(&self->reent);
    self->result = self->start(self->argument);
    finish(self);
}

static size_t stack_size_of(const pthread_attr_t *attributes)
{
    size_t size =
        attributes != NULL && attributes->__stack_size ? attributes->__stack_size : STACK_SIZE;
    return (size + TS_PAGE_SIZE - 1) & ~(size_t)(TS_PAGE_SIZE - 1);
}

int pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    reap();
    // exit() flushes what the global state knows; that must not begin in a thread's own.
    __sinit(_GLOBAL_REENT);
    struct ts_pthread *thread = calloc(1, sizeof(*thread) + ts_thread_local_size());
    if (thread == NULL) {
        return EAGAIN;
    }
    bool detached = attributes != NULL && attributes->__detach == PTHREAD_CREATE_DETACHED;
    thread->start = start;
    thread->argument = argument;
    thread->state = detached ? THREAD_DETACHED : THREAD_JOINABLE;
    uint64_t pointer = ts_thread_local_init(thread + 1);
    atomic_fetch_add_explicit(TS_ATOMIC(&running), 1, memory_order_acq_rel);
    *out = thread;
    // The lock keeps a detached thread from being freed before its handle is stored.
    ts_mutex_lock(&ended_mutex);
    ts_status_t status = ts_thread_start(&thread->thread, entry, thread, stack_size_of(attributes),
                                         pointer, TS_PRIORITY_INHERIT);
    ts_mutex_unlock(&ended_mutex);
    if (status != TS_OK) {
        atomic_fetch_sub_explicit(TS_ATOMIC(&running), 1, memory_order_acq_rel);
        free(thread);
        return EAGAIN;
    }
    return 0;
}

int pthread_join(pthread_t thread, void **out_result)
{
    if (thread == thread_self()) {
        return EDEADLK;
    }
    if (atomic_load_explicit(TS_ATOMIC(&thread->state), memory_order_acquire) == THREAD_DETACHED) {
        return EINVAL;
    }
    if (thread == &thread_main) {
        return EINVAL;
    }
    ts_status_t status = ts_thread_join(&thread->thread, TS_DEADLINE_NONE);
    if (status != TS_OK) {
        return posix_errno(status);
    }
    if (out_result != NULL) {
        *out_result = thread->result;
    }
    free(thread);
    return 0;
}

int pthread_detach(pthread_t thread)
{
    uint32_t state = THREAD_JOINABLE;
    if (atomic_compare_exchange_strong_explicit(TS_ATOMIC(&thread->state), &state, THREAD_DETACHED,
                                                memory_order_acq_rel, memory_order_acquire)) {
        return 0;
    }
    if (state == THREAD_DETACHED) {
        return EINVAL;
    }
    release(thread); // it has ended: nobody else will free it
    return 0;
}

_Noreturn void pthread_exit(void *result)
{
    struct ts_pthread *self = thread_self();
    while (self->cleanup != NULL) {
        _pthread_cleanup_pop(self->cleanup, 1);
    }
    self->result = result;
    if (self != &thread_main) {
        finish(self);
    }
    keys_end(self);
    // The first thread's stack is the process's: it waits here for the others.
    uint32_t left;
    while ((left = atomic_load_explicit(TS_ATOMIC(&running), memory_order_acquire)) > 1) {
        (void)ts_futex_wait(&running, left, TS_DEADLINE_NONE);
    }
    exit(0);
}

void _pthread_cleanup_push(struct _pthread_cleanup_context *context, void (*routine)(void *),
                           void *argument)
{
    struct ts_pthread *self = thread_self();
    context->_routine = routine;
    context->_arg = argument;
    context->_previous = self->cleanup;
    self->cleanup = context;
}

void _pthread_cleanup_pop(struct _pthread_cleanup_context *context, int execute)
{
    thread_self()->cleanup = context->_previous;
    if (execute) {
        context->_routine(context->_arg);
    }
}

// Nothing interrupts a thread from outside: cancelling would have to.
int pthread_cancel(pthread_t thread)
{
    (void)thread;
    return ENOSYS;
}

int pthread_setcanceltype(int type, int *old)
{
    if (old != NULL) {
        *old = PTHREAD_CANCEL_DEFERRED;
    }
    return type == PTHREAD_CANCEL_DEFERRED ? 0 : EINVAL;
}

void pthread_testcancel(void)
{}

// A child never begins with a copy of this process, so there is nothing to prepare.
int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    (void)prepare, (void)parent, (void)child;
    return 0;
}

int sched_yield(void)
{
    ts_thread_yield();
    return 0;
}

int pthread_once(pthread_once_t *once, void (*routine)(void))
{
    while (atomic_load_explicit(TS_ATOMIC(&once->__state), memory_order_acquire) != 2) {
        uint32_t expected = 0;
        if (atomic_compare_exchange_strong_explicit(TS_ATOMIC(&once->__state), &expected, 1,
                                                    memory_order_acquire, memory_order_acquire)) {
            routine();
            atomic_store_explicit(TS_ATOMIC(&once->__state), 2, memory_order_release);
            ts_futex_wake(&once->__state, UINT32_MAX);
        } else if (expected == 1) {
            (void)ts_futex_wait(&once->__state, 1, TS_DEADLINE_NONE);
        }
    }
    return 0;
}

int thread_deadline(clockid_t clock, const struct timespec *time, ts_time_t *out)
{
    if (time == NULL || time->tv_nsec < 0 || time->tv_nsec >= TS_SECOND) {
        return EINVAL;
    }
    ts_time_t ns = ts_time_of(time->tv_sec, TS_SECOND, time->tv_nsec);
    if (clock == CLOCK_REALTIME) {
        ts_time_t ahead = ts_time_add(ns, -ts_clock_realtime());
        *out = ahead > 0 ? ts_deadline_in(ahead) : 1;
    } else {
        *out = ns > 0 ? ns : 1;
    }
    return 0;
}

// ---- attributes

int pthread_attr_init(pthread_attr_t *attributes)
{
    *attributes = (pthread_attr_t){.__stack_size = STACK_SIZE,
                                   .__guard_size = TS_PAGE_SIZE,
                                   .__detach = PTHREAD_CREATE_JOINABLE};
    return 0;
}

int pthread_attr_destroy(pthread_attr_t *attributes)
{
    (void)attributes;
    return 0;
}

int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size)
{
    if (size < STACK_SIZE_LEAST) {
        return EINVAL;
    }
    attributes->__stack_size = size;
    return 0;
}

int pthread_attr_getstacksize(const pthread_attr_t *attributes, size_t *out)
{
    *out = attributes->__stack_size;
    return 0;
}

int pthread_attr_setdetachstate(pthread_attr_t *attributes, int state)
{
    if (state != PTHREAD_CREATE_DETACHED && state != PTHREAD_CREATE_JOINABLE) {
        return EINVAL;
    }
    attributes->__detach = state;
    return 0;
}

int pthread_attr_getdetachstate(const pthread_attr_t *attributes, int *out)
{
    *out = attributes->__detach;
    return 0;
}

int pthread_attr_setguardsize(pthread_attr_t *attributes, size_t size)
{
    attributes->__guard_size = size; // there is always a page
    return 0;
}

int pthread_attr_getguardsize(const pthread_attr_t *attributes, size_t *out)
{
    *out = attributes->__guard_size;
    return 0;
}

// Stacks of the caller's own have no guard page: not offered.
int pthread_attr_setstack(pthread_attr_t *attributes, void *address, size_t size)
{
    (void)attributes, (void)address, (void)size;
    return ENOTSUP;
}
