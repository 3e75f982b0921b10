// SPDX-License-Identifier: MIT
// What the parts of pthreads share.
#pragma once

#include <pthread.h>
#include <reent.h>
#include <stdbool.h>
#include <stdint.h>
#include <tessera/lib/thread.h>
#include <time.h>

#define KEYS_MAX         128
#define STACK_SIZE       (256u * 1024)
#define STACK_SIZE_LEAST (16u * 1024)

enum thread_state {
    THREAD_JOINABLE,
    THREAD_DETACHED, // gives its storage up itself, when the next thread starts or ends
    THREAD_ENDED,    // joinable, and not joined yet
};

// In one allocation with the thread's TLS storage behind it.
struct ts_pthread {
    struct ts_thread thread;
    struct ts_pthread *next; // in the list of those that ended detached
    void *(*start)(void *);
    void *argument, *result;
    uint32_t state; // enum thread_state
    const void *values[KEYS_MAX];
    struct _pthread_cleanup_context *cleanup;
    struct _reent reent;
};

extern struct ts_pthread thread_main; // the first one

struct ts_pthread *thread_self(void);
void thread_become(struct ts_pthread *self); // the calling thread is this one from now on

// Runs the destructors of the calling thread's values.
void keys_end(struct ts_pthread *self);

// Absolute time of `clock` as a deadline; a time in the past is a past deadline. 0 or EINVAL.
int thread_deadline(clockid_t clock, const struct timespec *time, ts_time_t *out);
