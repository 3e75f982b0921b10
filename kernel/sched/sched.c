// SPDX-License-Identifier: MIT
// Priorities, what is known of a thread, kernel threads, and the start of scheduling on a CPU.
#include <sched/sched.h>

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/smp.h>
#include <core/time.h>
#include <mm/heap.h>
#include <object/random.h>
#include <panic.h>
#include <sched/run_queue.h>
#include <sched/timer_queue.h>

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

// Kernel threads ------------------------------------------------------------------------------

static struct thread *kernel_thread_create(const char *name, void (*entry)(void), uint8_t priority)
{
    struct thread *thread = heap_alloc_zeroed(sizeof(*thread));
    vaddr_t stack;
    if (thread == NULL || arch_stack_create(&stack) != TS_OK) {
        heap_free(thread, sizeof(*thread));
        return NULL;
    }
    object_init(&thread->object, &thread_class);
    arch_thread_init(&thread->machine, stack, NULL, NULL, entry);
    thread->machine.canary = random_canary();
    list_init(&thread->run);
    list_init(&thread->member);
    thread->own_priority = thread->priority = priority;
    thread->name = name;
    return thread;
}

struct thread *kernel_thread_start(const char *name, void (*entry)(void), uint8_t priority)
{
    struct thread *thread = kernel_thread_create(name, entry, priority);
    if (thread != NULL) {
        thread_launch(thread);
    }
    return thread;
}

// Boot ----------------------------------------------------------------------------------------

void sched_cpu_init(void)
{
    struct cpu *cpu = cpu_current();
    struct thread *idle = kernel_thread_create("idle", NULL, 0);
    if (idle == NULL || timer_queue_init() != TS_OK) {
        panic("no memory to run threads on CPU %u", cpu->id);
    }
    run_queue_init(cpu, idle);
}

_Noreturn void sched_cpu_start(void)
{
    arch_irq_disable();
    arch_thread_resume(&cpu_current()->idle->machine);
}
