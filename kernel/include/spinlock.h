// SPDX-License-Identifier: MIT
// Spin locks. Holding one means interrupts off, and so not preemptible: sections are short, never
// block, and never touch user memory that may have to be made present.
//
//     static struct spinlock lock = SPINLOCK_INIT("example");
//     irqflags_t flags = spin_lock(&lock);
//     …
//     spin_unlock(&lock, flags);
//
// A waiter serves the flush requests of other CPUs while it spins, so a holder may flush (it does
// not count as quiescent; see arch_quiesce).
//
// The debug kernel records owners, panics on a lock taken twice or released by another, and learns
// the order in which locks of different names are taken: a pair taken in both orders is a panic
// at the first time, whether or not it would have met on two CPUs. Locks of one name are
// never held together.
#pragma once

#include <stdatomic.h>

#include <arch/attribute.h>
#include <arch/cpu.h>
#include <arch/types.h>

// Clang's thread-safety attributes, checked in every build.
#define LOCK_CAPABILITY    __attribute__((capability("spinlock")))
#define LOCK_ACQUIRES(l)   __attribute__((acquire_capability(l)))
#define LOCK_RELEASES(l)   __attribute__((release_capability(l)))
#define LOCK_REQUIRES(l)   __attribute__((requires_capability(l)))
#define LOCK_GUARDED_BY(l) __attribute__((guarded_by(l)))
#define LOCK_UNCHECKED     __attribute__((no_thread_safety_analysis)) // with a comment saying why

struct LOCK_CAPABILITY spinlock {
    _Atomic uint32_t held;
#if TS_DEBUG
    uint32_t owner;   // CPU id + 1, 0 when free
    const char *name; // same name, same class
    uint32_t class;   // from the name, when first taken; 0 before
#endif
};

#if TS_DEBUG
#define SPINLOCK_INIT(label) \
    {                        \
        .name = (label)      \
    }
void lock_check_acquire(struct spinlock *lock); // before spinning
void lock_check_acquired(struct spinlock *lock);
void lock_check_release(struct spinlock *lock);
#else
#define SPINLOCK_INIT(label) \
    {                        \
        0                    \
    }
static inline void lock_check_acquire(struct spinlock *lock)
{
    (void)lock;
}
static inline void lock_check_acquired(struct spinlock *lock)
{
    (void)lock;
}
static inline void lock_check_release(struct spinlock *lock)
{
    (void)lock;
}
#endif

// `name` is a string literal.
static inline void spin_init(struct spinlock *lock, const char *name)
{
    *lock = (struct spinlock){0};
#if TS_DEBUG
    lock->name = name;
#else
    (void)name;
#endif
}

// Spins until the lock is free, serving other CPUs' requests. Out of line, and at the expense of no
// register of its caller (clang 14 can do that for functions without a result): the rare case.
ARCH_KEEPS_REGISTERS __attribute__((cold)) void spin_wait(struct spinlock *lock);

static inline void spin_take(struct spinlock *lock)
{
    lock_check_acquire(lock);
    while (atomic_exchange_explicit(&lock->held, 1, memory_order_acquire)) {
        spin_wait(lock);
    }
    lock_check_acquired(lock);
}

static inline void spin_drop(struct spinlock *lock)
{
    lock_check_release(lock);
    atomic_store_explicit(&lock->held, 0, memory_order_release); // pairs with spin_take's exchange
}

static inline irqflags_t spin_lock(struct spinlock *lock) LOCK_ACQUIRES(lock) LOCK_UNCHECKED
{
    irqflags_t flags = arch_irq_save();
    spin_take(lock);
    return flags;
}

static inline void spin_unlock(struct spinlock *lock, irqflags_t flags)
    LOCK_RELEASES(lock) LOCK_UNCHECKED
{
    spin_drop(lock);
    arch_irq_restore(flags);
}

// For callers that have interrupts off already.
static inline void spin_lock_off(struct spinlock *lock) LOCK_ACQUIRES(lock) LOCK_UNCHECKED
{
    spin_take(lock);
}

static inline void spin_unlock_off(struct spinlock *lock) LOCK_RELEASES(lock) LOCK_UNCHECKED
{
    spin_drop(lock);
}
