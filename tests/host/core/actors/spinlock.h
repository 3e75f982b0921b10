// SPDX-License-Identifier: MIT
// Spin locks for core code that two actors run by turns (../actors.h): a lock that is held is
// waited for by letting the other one go on, and after each release it may go on in any case.
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef unsigned long irqflags_t;

#define LOCK_CAPABILITY
#define LOCK_ACQUIRES(l)
#define LOCK_RELEASES(l)
#define LOCK_REQUIRES(l)
#define LOCK_GUARDED_BY(l)
#define LOCK_UNCHECKED

void actor_gap(void);
void actor_wait(const char *what);

struct spinlock {
    bool held;
    const char *name;
};

static inline void spin_init(struct spinlock *lock, const char *name)
{
    *lock = (struct spinlock){.name = name};
}

static inline void spin_lock_off(struct spinlock *lock)
{
    while (lock->held)
        actor_wait(lock->name);
    lock->held = true;
}

static inline void spin_unlock_off(struct spinlock *lock)
{
    lock->held = false;
    actor_gap();
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
