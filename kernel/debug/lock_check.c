// SPDX-License-Identifier: MIT
// The debug kernel's lock checker; <spinlock.h> says what it finds.
//
// Locks of one name form a class, 1 to CLASS_MAX - 1. after[a] has bit b when a lock of class b was
// ever taken while one of class a was held, directly or through others: the set is kept
// transitively closed. Taking b under a is wrong if a is in after[b]. The sets only grow; they are
// changed under a bare flag of their own (this file cannot use a checked lock).
#include <spinlock.h>

#include <arch/smp.h>
#include <cpu.h>
#include <panic.h>
#include <string.h>

#if TS_DEBUG

#define CLASS_MAX 64u

static const char *class_names[CLASS_MAX];
static _Atomic uint64_t after[CLASS_MAX];
static _Atomic uint32_t class_count = 1;
static _Atomic bool busy;

static void enter(void)
{
    while (atomic_exchange_explicit(&busy, true, memory_order_acquire)) {
        arch_cpu_relax();
        arch_smp_serve();
    }
}

static void leave(void)
{
    atomic_store_explicit(&busy, false, memory_order_release);
}

static uint32_t class_find(const char *name)
{
    name = name != NULL ? name : "unnamed";
    for (uint32_t i = 1; i < class_count; i++) {
        if (class_names[i] == name || !strcmp(class_names[i], name)) {
            return i;
        }
    }
    if (class_count == CLASS_MAX) {
        leave();
        panic("lock check: more than %u lock names", CLASS_MAX - 1);
    }
    class_names[class_count] = name;
    return class_count++;
}

static void order_learn(uint32_t held, uint32_t taken)
{
    uint64_t reach = after[taken] | UINT64_C(1) << taken;
    for (uint32_t i = 1; i < class_count; i++) {
        if (i == held || (after[i] >> held & 1)) {
            after[i] |= reach;
        }
    }
}

static void order_check(const struct spinlock *held, const struct spinlock *lock)
{
    uint32_t a = held->class, b = lock->class;
    if (held == lock) {
        panic("lock \"%s\" taken twice", lock->name);
    }
    if (a == b) {
        panic("two locks \"%s\" held together", lock->name);
    }
    if (after[a] >> b & 1) {
        return;
    }
    enter();
    bool reversed = after[b] >> a & 1;
    if (!reversed) {
        order_learn(a, b);
    }
    leave();
    if (reversed) {
        panic("lock order: \"%s\" taken under \"%s\", the reverse of before", class_names[b],
              class_names[a]);
    }
}

void lock_check_acquire(struct spinlock *lock)
{
    struct cpu *cpu = cpu_current();
    if (panic_active()) {
        return;
    }
    if (arch_irq_enabled()) {
        panic("lock \"%s\" taken with interrupts on", lock->name);
    }
    if (!lock->class) {
        enter();
        lock->class = class_find(lock->name);
        leave();
    }
    for (uint32_t i = 0; i < cpu->lock_count; i++) {
        order_check(cpu->locks[i], lock);
    }
}

void lock_check_acquired(struct spinlock *lock)
{
    struct cpu *cpu = cpu_current();
    lock->owner = cpu->id + 1;
    if (cpu->lock_count == CPU_LOCKS_MAX) {
        panic("lock check: more than %u locks held", CPU_LOCKS_MAX);
    }
    cpu->locks[cpu->lock_count++] = lock;
}

void lock_check_release(struct spinlock *lock)
{
    struct cpu *cpu = cpu_current();
    if (panic_active()) {
        return;
    }
    if (lock->owner != cpu->id + 1) {
        panic("lock \"%s\" released by CPU %u, owner %d", lock->name, cpu->id,
              (int)lock->owner - 1);
    }
    lock->owner = 0;
    uint32_t i = cpu->lock_count;
    while (i > 0 && cpu->locks[i - 1] != lock) {
        i--;
    }
    KREQUIRE(i > 0);
    for (; i < cpu->lock_count; i++) { // mostly it was the last
        cpu->locks[i - 1] = cpu->locks[i];
    }
    cpu->lock_count--;
}

#endif
