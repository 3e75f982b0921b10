// SPDX-License-Identifier: MIT
// Priorities, what is known of a thread, and the start of scheduling on a CPU.
#include <sched/sched.h>

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/smp.h>
#include <core/time.h>
#include <core/timer_queue.h>
#include <mm/heap.h>
#include <panic.h>
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

uint64_t ticks_to_ns(uint64_t ticks)
{
    return time_of_counts(ticks, arch_clock_frequency());
}

uint64_t thread_cpu_ns(const struct thread *thread)
{
    return ticks_to_ns(atomic_load_explicit(&thread->ticks, memory_order_relaxed));
}

// Boot ----------------------------------------------------------------------------------------

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
