// SPDX-License-Identifier: MIT
// Run queues, their slices, and what runs when nothing else is ready. See run_queue.h.
#include <sched/run_queue.h>
#include <sched/sched.h>
#include <stdatomic.h>

#include <arch/clock.h>
#include <arch/smp.h>
#include <core/time.h>
#include <sched/deferred.h>
#include <base/statistics.h>
#include <panic.h>

static struct run_queue run_queues[CPU_MAX];
static _Atomic uint64_t run_queues_online; // bit: CPU; set once its queue can be used
_Static_assert(CPU_MAX <= 64, "the CPUs are bits of a word");

struct run_queue *run_queue_lock(struct thread *thread, irqflags_t *out_flags) LOCK_UNCHECKED
{
    for (;;) {
        uint32_t cpu = atomic_load_explicit(&thread->cpu, memory_order_relaxed);
        struct run_queue *queue = &run_queues[cpu];
        *out_flags = spin_lock(&queue->lock);
        if (atomic_load_explicit(&thread->cpu, memory_order_relaxed) == cpu) {
            return queue;
        }
        spin_unlock(&queue->lock, *out_flags); // it moved
    }
}

// ---- Queues

// A slice is over: those before which others were put come before them now. The list is a ring, of
// which the head moves on.
static void put_behind(struct run_queue *queue, uint8_t priority)
{
    struct list *list = &queue->queues[priority], *last = queue->ahead[priority];
    if (last == NULL) {
        return;
    }
    list_take_out(list);
    list_insert_between(list, last, last->next);
    queue->ahead[priority] = NULL;
}

void run_queue_ask(struct run_queue *queue, uint32_t work)
{
    atomic_fetch_or_explicit(&queue->cpu->need_resched, work, memory_order_release);
    if (queue->cpu != cpu_current()) {
        arch_cpu_kick(queue->cpu);
    }
}

void run_queue_announce(struct run_queue *queue, const struct thread *thread)
{
    // (A timer that expires this moment may have looked already.)
    bool waiting_turn = !run_queue_is_idle(queue) && thread->priority == queue->current->priority;
    if (run_queue_is_idle(queue) || thread->priority > queue->current->priority ||
        (waiting_turn && !timer_is_armed(&queue->slice))) {
        run_queue_ask(queue, CPU_RESCHED);
    }
}

void run_queue_ready(struct run_queue *queue, struct thread *thread)
{
    run_queue_push(queue, thread, false);
    run_queue_announce(queue, thread);
}

uint32_t run_queue_next_cpu(void)
{
    static _Atomic uint32_t last;
    uint64_t online = atomic_load_explicit(&run_queues_online, memory_order_acquire);
    uint32_t turn = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed);
    for (uint32_t skip = turn % (uint32_t)__builtin_popcountll(online); skip > 0; skip--) {
        online &= online - 1;
    }
    return (uint32_t)__builtin_ctzll(online);
}

// A slice is over: the next in line has its turn.
static void slice_expired(struct timer *timer)
{
    struct run_queue *queue = list_entry(timer, struct run_queue, slice);
    spin_lock_off(&queue->lock);
    if (!run_queue_is_idle(queue) && run_queue_top(queue) >= queue->current->priority) {
        queue->slice_over = true;
        queue->giver = NULL;
        put_behind(queue, queue->current->priority);
        run_queue_ask(queue, CPU_RESCHED);
    }
    spin_unlock_off(&queue->lock);
}

__attribute__((noinline)) void run_queue_slice_start(struct run_queue *queue)
{
    timer_start(&queue->slice, time_add(clock_now(), SLICE_NS));
}

// ---- Idle

// The idle thread: never in a queue, runs when nothing else is ready.
static _Noreturn void idle_loop(void)
{
    struct run_queue *queue = run_queue_here();
    for (;;) {
        deferred_poll(queue->cpu);
        spin_lock_off(&queue->lock);
        struct thread *next = queue->ready == 0 ? NULL : run_queue_take(queue);
        if (next != NULL) {
            struct thread *idle = queue->cpu->idle;
            idle->state = THREAD_IS_READY;
            idle->machine.continuation = idle_loop;
            run_queue_switch(queue, idle, next);
        }
        if (next == NULL) {
            // It has looked, and idles until it is asked again.
            atomic_fetch_and_explicit(&queue->cpu->need_resched, CPU_DEFERRED,
                                      memory_order_relaxed);
        }
        spin_unlock_off(&queue->lock);
        if (next != NULL) {
            arch_thread_resume(&next->machine);
        }
        uint64_t from = (uint64_t)clock_now();
        arch_cpu_idle();
        statistics_add(STATISTIC_IDLE_NS, (uint64_t)clock_now() - from);
    }
}

void run_queue_init(struct cpu *cpu, struct thread *idle)
{
    struct run_queue *queue = &run_queues[cpu->id];
    spin_init(&queue->lock, "run queue");
    for (unsigned i = 0; i < PRIORITIES; i++) {
        list_init(&queue->queues[i]);
    }
    timer_init(&queue->slice, slice_expired);
    atomic_store_explicit(&idle->cpu, cpu->id, memory_order_relaxed);
    idle->state = THREAD_IS_RUNNING;
    idle->machine.continuation = idle_loop;
    queue->cpu = cpu;
    cpu->queue = queue;
    queue->current = idle;
    queue->switched_at = arch_counter();
    cpu->idle = idle;
    cpu->current = idle;
    atomic_fetch_or_explicit(&run_queues_online, UINT64_C(1) << cpu->id, memory_order_release);
}
