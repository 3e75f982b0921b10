// SPDX-License-Identifier: MIT
// Spin locks of two actors that take turns (core/actors.h, mm/actors.h): an actor that takes a lock
// or lets go of one, with others held or not, may have to pause there, and one that finds one held
// lets the other actor go on. Of the same layout as the locks of one actor.
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

void actor_may_pause(void);
void actor_wait_for(const struct spinlock *lock);

static inline void spin_init(struct spinlock *lock, const char *name)
{
    *lock = (struct spinlock){.name = name};
}

static inline void spin_lock_off(struct spinlock *lock)
{
    actor_may_pause();
    while (lock->held) {
        actor_wait_for(lock);
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
    actor_may_pause();
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
