// SPDX-License-Identifier: MIT
// Spin locks for core code on several host threads.
#pragma once

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef unsigned long irqflags_t;

#define LOCK_CAPABILITY
#define LOCK_ACQUIRES(l)
#define LOCK_RELEASES(l)
#define LOCK_REQUIRES(l)
#define LOCK_GUARDED_BY(l)
#define LOCK_UNCHECKED

struct spinlock {
    atomic_bool held;
};

static inline void spin_init(struct spinlock *lock, const char *name)
{
    (void)name;
    atomic_init(&lock->held, false);
}

static inline void spin_lock_off(struct spinlock *lock)
{
    while (atomic_exchange_explicit(&lock->held, true, memory_order_acquire)) {
        sched_yield();
    }
}

static inline void spin_unlock_off(struct spinlock *lock)
{
    atomic_store_explicit(&lock->held, false, memory_order_release);
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
}

static inline irqflags_t arch_irq_save(void)
{
    return 0;
}

static inline void arch_irq_restore(irqflags_t flags)
{
    (void)flags;
}
