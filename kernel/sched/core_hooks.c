// SPDX-License-Identifier: MIT
// What kernel/core asks of the scheduler. See core/hooks.h.
#include <core/hooks.h>

#include <arch/cpu.h>
#include <arch/smp.h>
#include <sched/futex.h>
#include <sched/run_queue.h>
#include <sched/sched.h>
#include <stdatomic.h>

// A thread that is woken by one that is about to wait for it, or that has answered it and goes on
// waiting, takes over its CPU; a thread that gave its turn has it back. Interrupts are off while
// `handing_over` is set.
static void wake(struct thread *thread)
{
    struct thread *current = cpu_current()->current;
    if (current->handing_over || run_queue_here()->giver == thread) {
        thread_wake_here(thread);
    } else {
        thread_wake(thread);
    }
}

void environment_wake_ring(struct ring *ring)
{
    wake(ring->waiter);
}

void environment_wake_thread(struct request *request)
{
    struct thread *thread = request->requester->thread;
    // Off, so that the thread's memory stays while it is woken: once it sees the answer it may end.
    irqflags_t flags = arch_irq_save();
    // Pairs with the acquire in its continuation: the results come first.
    atomic_store_explicit(&thread->completed, true, memory_order_release);
    wake(thread);
    arch_irq_restore(flags);
}

// Interrupts are off with the port's lock: the ring's user of a moment ago stays readable.
void *environment_lend(struct ring *ring, uint8_t priority)
{
    struct thread *thread = atomic_load_explicit(TS_ATOMIC(&ring->user), memory_order_acquire);
    if (thread == NULL || thread->own_priority >= priority ||
        !object_body_try_get(&thread->object)) {
        return NULL;
    }
    thread_lend(thread, priority);
    return thread;
}

void environment_return(void *borrower, uint8_t priority)
{
    struct thread *thread = borrower;
    thread_lend_over(thread, priority);
    object_body_put(&thread->object);
}

// (Its memory stays readable as with a loan.)
void environment_give_turn(struct ring *ring)
{
    struct thread *thread = atomic_load_explicit(TS_ATOMIC(&ring->user), memory_order_acquire);
    if (thread != NULL) {
        thread_go_first(thread);
    }
}

uint32_t environment_cpu(void)
{
    return cpu_current()->id;
}

void environment_relax(void)
{
    arch_cpu_relax();
    arch_smp_serve();
}

bool environment_futex_remove(struct request *request)
{
    return futex_remove(request);
}
