// SPDX-License-Identifier: MIT
// Threads on CPUs: priorities, waking, switching, and the start of it. See sched.h.
#include <sched/sched.h>

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/smp.h>
#include <core/time.h>
#include <core/timer_queue.h>
#include <mm/heap.h>
#include <panic.h>
#include <sched/deferred.h>
#include <sched/run_queue.h>

// Gives a thread its priority anew, in the queue too. Its run queue is locked.
static void apply_priority(struct run_queue *queue, struct thread *thread)
{
    uint8_t priority = thread_due_priority(thread);
    if (priority == thread->priority) {
        return;
    }
    bool queued = !list_empty(&thread->run);
    if (queued) {
        run_queue_leave(queue, thread);
    }
    thread->priority = priority;
    if (queued) {
        list_push_back(&queue->queues[priority], &thread->run);
        queue->ready |= 1u << priority;
        run_queue_announce(queue, thread);
    } else if (thread == queue->current && queue->ready >> priority != 0) {
        run_queue_ask(queue, CPU_RESCHED); // others may be as important now
    }
}

void thread_set_priority(struct thread *thread, uint8_t priority)
{
    irqflags_t flags;
    struct run_queue *queue = run_queue_lock(thread, &flags);
    thread->own_priority = priority;
    thread->requester.priority = priority;
    apply_priority(queue, thread);
    run_queue_unlock(queue, flags);
}

void thread_lend(struct thread *thread, uint8_t priority)
{
    irqflags_t flags;
    struct run_queue *queue = run_queue_lock(thread, &flags);
    thread_loan_add(thread, priority);
    apply_priority(queue, thread);
    run_queue_unlock(queue, flags);
}

void thread_lend_over(struct thread *thread, uint8_t priority)
{
    irqflags_t flags;
    struct run_queue *queue = run_queue_lock(thread, &flags);
    KASSERT(thread->loans[priority] != 0);
    thread_loan_remove(thread, priority);
    apply_priority(queue, thread);
    run_queue_unlock(queue, flags);
}

ts_status_t thread_registers(struct thread *thread, struct ts_registers *out_registers)
{
    irqflags_t flags;
    struct run_queue *queue = run_queue_lock(thread, &flags);
    bool stopped = thread->state == THREAD_IS_BLOCKED && !arch_thread_on_cpu(&thread->machine);
    if (stopped) {
        arch_frame_export(arch_thread_frame(&thread->machine), out_registers);
        out_registers->thread_pointer = arch_thread_pointer(&thread->machine);
    }
    run_queue_unlock(queue, flags);
    return stopped ? TS_OK : TS_ERR_BUSY;
}

uint64_t thread_cpu_ns(const struct thread *thread)
{
    return ticks_to_ns(atomic_load_explicit(&thread->ticks, memory_order_relaxed));
}

// ---- Waking

void thread_wake(struct thread *thread)
{
    irqflags_t flags;
    struct run_queue *queue = run_queue_lock(thread, &flags);
    if (thread->state == THREAD_IS_BLOCKED) {
        run_queue_ready(queue, thread);
    } else {
        thread->wake_pending = true;
    }
    run_queue_unlock(queue, flags);
}

// One that is ready in this CPU's queue, which is locked, runs before its equals. False: it is not.
// (One that is ready and in no queue is moving to another CPU.)
static bool put_ahead(struct run_queue *queue, struct thread *thread)
{
    if (queue != run_queue_here() || thread->state != THREAD_IS_READY || list_empty(&thread->run)) {
        return false;
    }
    run_queue_leave(queue, thread);
    run_queue_push_ahead(queue, thread);
    return true;
}

// The current thread lets another one run before its equals. One that waits for it has given its
// turn; one that answers has not: it may have been given the turn of the next that it answers.
static void note_giver(struct run_queue *here)
{
    if (here->current->asking) {
        here->giver = here->current;
    }
}

void thread_wake_here(struct thread *thread)
{
    irqflags_t flags;
    struct run_queue *queue = run_queue_lock(thread, &flags);
    if (thread->state != THREAD_IS_BLOCKED) {
        thread->wake_pending = true;
        if (put_ahead(queue, thread)) { // it lost the CPU on its way to block
            note_giver(queue);
        }
        run_queue_unlock(queue, flags);
        return;
    }
    struct run_queue *here = run_queue_here();
    if (queue != here) {
        // It is READY and in no queue: nobody else moves or runs it until it is in ours.
        thread->state = THREAD_IS_READY;
        atomic_store_explicit(&thread->cpu, here->cpu->id, memory_order_relaxed);
        run_queue_unlock_off(queue);
        run_queue_lock_off(here);
    }
    run_queue_push_ahead(here, thread);
    note_giver(here);
    // The current thread may go on all the same, having been answered meanwhile.
    run_queue_announce(here, thread);
    run_queue_unlock(here, flags);
}

void thread_go_first(struct thread *thread)
{
    irqflags_t flags;
    struct run_queue *here = run_queue_here();
    if (atomic_load_explicit(&thread->cpu, memory_order_relaxed) != here->cpu->id) {
        return;
    }
    if (atomic_load_explicit(TS_ATOMIC(&here->queues[thread->priority].next),
                             memory_order_relaxed) == &thread->run) {
        return; // it is
    }
    struct run_queue *queue = run_queue_lock(thread, &flags);
    (void)put_ahead(queue, thread);
    run_queue_unlock(queue, flags);
}

void thread_launch(struct thread *thread)
{
    irqflags_t flags;
    // It may have a handle already: stopping it or setting its priority takes the lock of its
    // queue.
    struct run_queue *queue = run_queue_lock(thread, &flags);
    atomic_store_explicit(&thread->cpu, run_queue_next_cpu(), memory_order_relaxed);
    run_queue_unlock(queue, flags);
    queue = run_queue_lock(thread, &flags);
    run_queue_ready(queue, thread);
    run_queue_unlock(queue, flags);
}

bool thread_stop(struct thread *thread)
{
    irqflags_t flags;
    struct run_queue *queue = run_queue_lock(thread, &flags);
    thread->stopping = true;
    bool blocked = thread->state == THREAD_IS_BLOCKED && !thread->ending;
    if (blocked) {
        thread->state = THREAD_IS_DEAD;
    } else if (queue->current == thread) {
        run_queue_ask(queue, CPU_THREAD_WORK);
    }
    run_queue_unlock(queue, flags);
    return blocked;
}

// ---- Switching

_Noreturn void thread_block(void (*continuation)(void))
{
    arch_irq_disable();
    struct run_queue *queue = run_queue_here();
    struct thread *thread = queue->current;
    spin_lock_off(&queue->lock);
    bool stop = thread->stopping && !thread->ending;
    thread->machine.continuation = stop ? thread->end : continuation;
    if (stop || thread->wake_pending) {
        thread->wake_pending = false;
        spin_unlock_off(&queue->lock);
        arch_thread_resume(&thread->machine); // the continuation, on an empty stack
    }
    thread->state = THREAD_IS_BLOCKED;
    struct thread *next = run_queue_take(queue);
    run_queue_switch(queue, thread, next);
    spin_unlock_off(&queue->lock);
    arch_thread_resume(&next->machine);
}

_Noreturn void thread_leave(void)
{
    arch_irq_disable();
    struct run_queue *queue = run_queue_here();
    struct thread *thread = queue->current;
    spin_lock_off(&queue->lock);
    thread->state = THREAD_IS_DEAD;
    struct thread *next = run_queue_take(queue);
    run_queue_switch(queue, thread, next);
    spin_unlock_off(&queue->lock);
    arch_thread_resume(&next->machine);
}

// Puts the current thread back into its queue and chooses anew. NULL: it goes on. Interrupts off.
static struct thread *preempt(struct run_queue *queue, bool yield)
{
    struct thread *thread = queue->current, *next = NULL;
    spin_lock_off(&queue->lock);
    int top = run_queue_top(queue);
    bool turn_over = queue->slice_over || yield;
    if (top > thread->priority || (turn_over && top == thread->priority)) {
        next = run_queue_take(queue);
        run_queue_push(queue, thread, !turn_over);
        if (turn_over) {
            queue->giver = NULL;
        }
        run_queue_switch(queue, thread, next);
    } else {
        queue->slice_over = false;
        if (top == thread->priority && timer_is_idle(&queue->slice)) {
            run_queue_slice_start(queue);
        }
    }
    spin_unlock_off(&queue->lock);
    return next;
}

_Noreturn void thread_yield(void)
{
    arch_irq_disable();
    struct run_queue *queue = run_queue_here();
    queue->current->machine.continuation = NULL;
    struct thread *next = preempt(queue, true);
    if (next == NULL) {
        arch_return_to_user();
    }
    arch_thread_resume(&next->machine);
}

void thread_give_way(uint64_t after_ns)
{
    irqflags_t flags = arch_irq_save();
    deferred_poll(cpu_current()); // no interrupt may come for long
    struct thread *thread = cpu_current()->current, *next = NULL;
    struct run_queue *queue = run_queue_here();
    // A look without the lock: one that becomes ready just now has its turn the next time.
    if (atomic_load_explicit(TS_ATOMIC(&queue->ready), memory_order_relaxed) >> thread->priority !=
            0 &&
        ticks_to_ns(arch_counter() - queue->switched_at) >= after_ns) {
        next = preempt(queue, true);
    }
    if (next != NULL) {
        arch_thread_switch(&thread->machine, &next->machine);
    }
    arch_irq_restore(flags);
}

void thread_preempt(void)
{
    struct cpu *cpu = cpu_current();
    deferred_poll(cpu);
    atomic_fetch_and_explicit(&cpu->need_resched, ~CPU_RESCHED, memory_order_acquire);
    if (cpu->current == cpu->idle) {
        return; // its loop looks at the queue (and at boot there is neither)
    }
    struct thread *thread = cpu->current;
    struct thread *next = preempt(run_queue_here(), false);
    if (next != NULL) {
        arch_thread_switch(&thread->machine, &next->machine);
    }
}

void thread_exit_work(void)
{
    struct cpu *cpu = cpu_current();
    uint32_t work = atomic_exchange_explicit(&cpu->need_resched, 0, memory_order_acquire);
    if ((work & CPU_DEFERRED) != 0) {
        deferred_do(); // what it marks in turn is seen the next time
    }
    if ((work & CPU_RESCHED) != 0) {
        // In user mode but for this: nothing on the stack is needed any more.
        cpu->current->machine.continuation = NULL;
        struct thread *next = preempt(run_queue_here(), false);
        if (next != NULL) {
            arch_thread_resume(&next->machine);
        }
    }
    // After the others: an end can take long. (A switch to it asks for this again.)
    if ((work & CPU_THREAD_WORK) != 0 && cpu->current->stopping) {
        cpu->current->end();
    }
}

// ---- Boot

void sched_cpu_init(struct thread *idle)
{
    struct cpu *cpu = cpu_current();
    struct timer_queue *timers = heap_alloc_zeroed(sizeof(*timers));
    if (idle == NULL || timers == NULL) {
        panic("no memory to run threads on CPU %u", cpu->id);
    }
    timer_queue_init(timers);
    run_queue_init(cpu, idle);
}

_Noreturn void sched_cpu_start(void)
{
    arch_irq_disable();
    arch_thread_resume(&cpu_current()->idle->machine);
}
