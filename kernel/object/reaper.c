// SPDX-License-Identifier: MIT
// The reaper. See reaper.h.
#include <object/reaper.h>

#include <arch/cpu.h>
#include <arch/smp.h>
#include <core/environment.h>
#include <object/thread.h>
#include <panic.h>
#include <sched/sched.h>
#include <tessera/abi/syscall.h>

static struct {
    struct spinlock lock; // work
    struct list work;
    _Atomic(struct object *) retired; // a stack of objects, by `retired`
    struct thread *thread;
} reaper = {.lock = SPINLOCK_INIT("reaper")};

static void reaper_wake(void)
{
    if (reaper.thread != NULL)
        thread_wake(reaper.thread);
}

void environment_retire(struct object *object)
{
    struct object *first = atomic_load_explicit(&reaper.retired, memory_order_relaxed);
    do {
        object->retired = first;
        // Pairs with the acquire in reap: all that was done with the object comes before.
    } while (!atomic_compare_exchange_weak_explicit(&reaper.retired, &first, object,
                                                    memory_order_release, memory_order_relaxed));
    reaper_wake();
}

void reaper_queue(struct reaper_work *work)
{
    irqflags_t flags = spin_lock(&reaper.lock);
    list_push_back(&reaper.work, &work->link);
    spin_unlock(&reaper.lock, flags);
    reaper_wake();
}

// Destroys what was retired so far. Returns whether there was anything.
static bool reap(void)
{
    struct object *object = atomic_exchange_explicit(&reaper.retired, NULL, memory_order_acquire);
    if (object == NULL)
        return false;
    // Whoever found one of them in a handle table, with interrupts off, is through after this.
    arch_quiesce();
    while (object != NULL) {
        struct object *next = object->retired;
        object->class->destroy(object);
        object = next;
    }
    return true;
}

// Does a chunk of the oldest work. Returns whether there was any.
static bool work_step(void)
{
    irqflags_t flags = spin_lock(&reaper.lock);
    struct list *node = list_pop_front(&reaper.work);
    spin_unlock(&reaper.lock, flags);
    if (node == NULL)
        return false;
    struct reaper_work *work = list_entry(node, struct reaper_work, link);
    if (work->step(work)) {
        flags = spin_lock(&reaper.lock);
        list_push_back(&reaper.work, &work->link);
        spin_unlock(&reaper.lock, flags);
    }
    return true;
}

static _Noreturn void reaper_loop(void)
{
    arch_irq_enable();
    for (;;) {
        bool worked = work_step();
        worked |= reap();
        if (!worked)
            thread_block(reaper_loop); // a wake since the last look is not lost
    }
}

void reaper_init(void)
{
    list_init(&reaper.work);
    // Above ordinary programs: what is freed late is missed by those who wait for it.
    reaper.thread = kernel_thread_start("reaper", reaper_loop, TS_PRIORITY_NORMAL + 1);
    if (reaper.thread == NULL)
        panic("no memory for the reaper");
}
