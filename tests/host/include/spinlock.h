// SPDX-License-Identifier: MIT
// Spin locks for core code on the host: a test has one thread, so a lock that is taken twice is a
// bug and ends the test.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef unsigned long irqflags_t;

#define LOCK_CAPABILITY
#define LOCK_ACQUIRES(l)
#define LOCK_RELEASES(l)
#define LOCK_REQUIRES(l)
#define LOCK_GUARDED_BY(l)
#define LOCK_UNCHECKED

struct spinlock {
    bool held;
    const char *name;
};

#define SPINLOCK_INIT(label) \
    {                        \
        .name = (label)      \
    }

// Runs where the lock was let go and others could come: the test's second actor. NULL: nobody does.
__attribute__((weak)) void (*spin_gap)(void);

static inline void spin_init(struct spinlock *lock, const char *name)
{
    *lock = (struct spinlock){.name = name};
}

static inline void spin_lock_off(struct spinlock *lock)
{
    if (lock->held) {
        fprintf(stderr, "lock '%s' taken twice\n", lock->name);
        abort();
    }
    lock->held = true;
}

static inline void spin_unlock_off(struct spinlock *lock)
{
    if (!lock->held) {
        fprintf(stderr, "lock '%s' released but not held\n", lock->name);
        abort();
    }
    lock->held = false;
}

static inline irqflags_t spin_lock(struct spinlock *lock)
{
    spin_lock_off(lock);
    return 0;
}

static inline void spin_unlock(struct spinlock *lock, irqflags_t flags)
{
    (void)flags;
    spin_unlock_off(lock);
    if (spin_gap != NULL) {
        spin_gap();
    }
}

static inline irqflags_t arch_irq_save(void)
{
    return 0;
}

static inline void arch_irq_restore(irqflags_t flags)
{
    (void)flags;
}
