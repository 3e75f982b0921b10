// SPDX-License-Identifier: MIT
// Replaces newlib's, whose types are numbers: ours hold their own state, so that no lock or
// condition needs memory of its own and a static initialiser is enough. Layouts are private to
// compat/posix/thread.
#pragma once
#define _SYS__PTHREADTYPES_H_ // what newlib's own headers test

#include <sys/sched.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PTHREAD_SCOPE_PROCESS 0
#define PTHREAD_SCOPE_SYSTEM  1

#define PTHREAD_INHERIT_SCHED  1
#define PTHREAD_EXPLICIT_SCHED 2

#define PTHREAD_CREATE_DETACHED 0
#define PTHREAD_CREATE_JOINABLE 1

#define PTHREAD_PROCESS_PRIVATE 0
#define PTHREAD_PROCESS_SHARED  1

#define PTHREAD_MUTEX_NORMAL     0
#define PTHREAD_MUTEX_RECURSIVE  1
#define PTHREAD_MUTEX_ERRORCHECK 2
#define PTHREAD_MUTEX_DEFAULT    PTHREAD_MUTEX_NORMAL

typedef struct ts_pthread *pthread_t;

typedef struct {
    void *__stack;
    size_t __stack_size, __guard_size;
    int __detach, __scope, __inherit, __policy;
    struct sched_param __param;
} pthread_attr_t;

typedef struct {
    unsigned __word; // futex: 0 free, 1 held, 2 held and waited for
    unsigned __kind; // PTHREAD_MUTEX_*
    struct ts_pthread *__owner;
    unsigned __depth, __reserved;
} pthread_mutex_t;

typedef struct {
    int __kind, __shared;
} pthread_mutexattr_t;

typedef struct {
    unsigned __sequence; // futex: changes with every signal
    unsigned __waiters;
    clockid_t __clock;
    unsigned __reserved;
} pthread_cond_t;

typedef struct {
    clockid_t __clock;
    int __shared;
} pthread_condattr_t;

typedef unsigned pthread_key_t;

typedef struct {
    unsigned __state; // 0 not yet, 1 running, 2 done
} pthread_once_t;

typedef struct {
    unsigned __word;     // readers, or all ones: a writer
    unsigned __sequence; // futex: changes whenever the lock may have become free
    unsigned __waiters, __writers_waiting;
} pthread_rwlock_t;

typedef struct {
    int __shared;
} pthread_rwlockattr_t;

typedef struct {
    unsigned __count, __arrived, __round, __reserved;
} pthread_barrier_t;

typedef struct {
    int __shared;
} pthread_barrierattr_t;

typedef unsigned pthread_spinlock_t;

#define _PTHREAD_MUTEX_INITIALIZER \
    {                              \
        0, 0, 0, 0, 0              \
    }
#define _PTHREAD_COND_INITIALIZER \
    {                             \
        0, 0, 1, 0                \
    }
#define _PTHREAD_ONCE_INIT \
    {                      \
        0                  \
    }
#define _PTHREAD_RWLOCK_INITIALIZER \
    {                               \
        0, 0, 0, 0                  \
    }

#define PTHREAD_RECURSIVE_MUTEX_INITIALIZER \
    {                                       \
        0, PTHREAD_MUTEX_RECURSIVE, 0, 0, 0 \
    }
#define PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP PTHREAD_RECURSIVE_MUTEX_INITIALIZER

#ifdef __cplusplus
}
#endif
