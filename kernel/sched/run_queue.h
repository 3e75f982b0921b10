// SPDX-License-Identifier: MIT
// One CPU's run queue. Inside kernel/sched.
//
// A thread belongs to the queue of its home CPU (thread.cpu), whose lock guards its scheduling
// fields. It changes its home only while it is BLOCKED and is taken over by thread_wake_here().
// No two run queue locks are ever held together. docs/locks.md says what is taken under one.
#pragma once

#include <stdatomic.h>
#include <core/timer.h>
#include <arch/attribute.h>
#include <arch/clock.h>
#include <cpu.h>
#include <base/statistics.h>
#include <object/thread.h>
#include <spinlock.h>

#define SLICE_NS 10000000 // 10 ms

struct run_queue {
    struct spinlock lock;
    uint32_t ready; // bit p: queues[p] is not empty
    struct list queues[PRIORITIES];
    struct list *ahead[PRIORITIES]; // the last one that was put first in this slice, or NULL
    struct thread *current;
    struct cpu *cpu;
    const struct thread *giver; // whose turn it is if it gave it to the current one; only compared
    struct timer slice;         // armed while a thread of the current one's priority waits
    bool slice_over;            // the current thread goes to the end of its queue
    uint64_t switched_at;       // arch_counter() of the last switch
} __attribute__((aligned(64)));

static inline struct run_queue *run_queue_here(void)
{
    return cpu_current()->queue;
}

// The queue of a thread, locked.
struct run_queue *run_queue_lock(struct thread *thread, irqflags_t *out_flags) LOCK_UNCHECKED;

// Its partners. The checker cannot see which lock run_queue_lock() took.
static inline void run_queue_unlock(struct run_queue *queue, irqflags_t flags) LOCK_UNCHECKED
{
    spin_unlock(&queue->lock, flags);
}

static inline void run_queue_unlock_off(struct run_queue *queue) LOCK_UNCHECKED
{
    spin_unlock_off(&queue->lock);
}

static inline void run_queue_lock_off(struct run_queue *queue) LOCK_UNCHECKED
{
    spin_lock_off(&queue->lock);
}

// The highest priority that is ready, -1 when nothing is. Queue locked.
static inline int run_queue_top(const struct run_queue *queue)
{
    return queue->ready == 0 ? -1 : priority_highest(queue->ready);
}

// The current thread gives its turn to the one that answers it. False: no two of its equals are
// ready, so that none has to be put first. Interrupts off.
static inline bool run_queue_turn_is_given(const struct thread *thread)
{
    struct run_queue *queue = run_queue_here();
    const struct list *equals = &queue->queues[thread->priority];
    queue->giver = thread;
    return atomic_load_explicit(TS_ATOMIC(&equals->next), memory_order_relaxed) !=
           atomic_load_explicit(TS_ATOMIC(&equals->prev), memory_order_relaxed);
}

static inline bool run_queue_is_idle(const struct run_queue *queue)
{
    return queue->current == queue->cpu->idle;
}

static inline void run_queue_push(struct run_queue *queue, struct thread *thread, bool first)
{
    struct list *list = &queue->queues[thread->priority];
    thread->state = THREAD_IS_READY;
    if (first) {
        list_push_front(list, &thread->run);
    } else {
        list_push_back(list, &thread->run);
    }
    queue->ready |= 1u << thread->priority;
}

// It runs before its equals, but in the present slice alone.
static inline void run_queue_push_ahead(struct run_queue *queue, struct thread *thread)
{
    run_queue_push(queue, thread, true);
    if (queue->ahead[thread->priority] == NULL) {
        queue->ahead[thread->priority] = &thread->run;
    }
}

// Takes the thread that is to run out of the queue: the idle thread when there is none.
static inline __attribute__((always_inline)) struct thread *run_queue_take(struct run_queue *queue)
{
    int priority = run_queue_top(queue);
    if (priority < 0) {
        return queue->cpu->idle;
    }
    struct list *list = &queue->queues[priority], *first = list->next;
    if (__builtin_expect(queue->ahead[priority] == first, false)) {
        queue->ahead[priority] = NULL;
    }
    list_remove(first);
    if (list_empty(list)) {
        queue->ready &= ~(1u << priority);
    }
    return list_entry(first, struct thread, run);
}

// A thread that is in the queue leaves it. Queue locked.
static inline void run_queue_leave(struct run_queue *queue, struct thread *thread)
{
    struct list *list = &queue->queues[thread->priority], **ahead = &queue->ahead[thread->priority];
    if (__builtin_expect(*ahead == &thread->run, false)) {
        *ahead = thread->run.prev == list ? NULL : thread->run.prev;
    }
    list_remove(&thread->run);
    if (list_empty(list)) {
        queue->ready &= ~(1u << thread->priority);
    }
}

// What a thread is lent changes; `priority` is then to be made thread_due_priority(). Its queue is
// locked.
static inline void thread_loan_add(struct thread *thread, uint8_t priority)
{
    if (thread->loans[priority]++ == 0) {
        thread->lent |= 1u << priority;
    }
}
static inline void thread_loan_remove(struct thread *thread, uint8_t priority)
{
    if (--thread->loans[priority] == 0) {
        thread->lent &= ~(1u << priority);
    }
}
static inline uint8_t thread_due_priority(const struct thread *thread)
{
    uint8_t lent = thread->lent == 0 ? 0 : priority_highest(thread->lent);
    return thread->own_priority > lent ? thread->own_priority : lent;
}

// Makes the CPU look at its queue (CPU_RESCHED) or at its thread (CPU_THREAD_WORK). Queue locked.
void run_queue_ask(struct run_queue *queue, uint32_t work);

// A thread has been put into the queue, whatever way: does the CPU have to know? Queue locked.
void run_queue_announce(struct run_queue *queue, const struct thread *thread);

// A thread that was blocked is ready. Queue locked.
void run_queue_ready(struct run_queue *queue, struct thread *thread);

// A slice begins for the current thread. Queue locked. (The rare case, as spin_wait() is.)
ARCH_KEEPS_REGISTERS __attribute__((cold)) void run_queue_slice_start(struct run_queue *queue);

// The CPU runs `next`, which is in no queue, from now on instead of its current thread, `previous`.
// Queue locked.
static inline void run_queue_switch(struct run_queue *queue, struct thread *previous,
                                    struct thread *next)
{
    struct cpu *cpu = queue->cpu;
    uint64_t now = arch_counter();
    uint64_t ticks = atomic_load_explicit(&previous->ticks, memory_order_relaxed);
    atomic_store_explicit(&previous->ticks, ticks + (now - queue->switched_at),
                          memory_order_relaxed);
    queue->switched_at = now;
    queue->current = next;
    queue->slice_over = false;
    cpu->current = next;
    next->state = THREAD_IS_RUNNING;
    uint32_t work = atomic_load_explicit(&cpu->need_resched, memory_order_relaxed);
    if (next->stopping || work != 0) {
        work = (work & CPU_DEFERRED) | (next->stopping ? CPU_THREAD_WORK : 0);
        atomic_store_explicit(&cpu->need_resched, work, memory_order_relaxed);
    }
    if ((queue->ready >> next->priority & 1) != 0 && next != cpu->idle &&
        timer_is_idle(&queue->slice)) {
        run_queue_slice_start(queue);
    }
    statistics_add_at(cpu->id, STATISTIC_SWITCHES, 1);
}

// Where the next new thread is to run: the CPUs that run threads have turns.
uint32_t run_queue_next_cpu(void);

// Makes a CPU's queue, with its idle thread as the current one. Interrupts off.
void run_queue_init(struct cpu *cpu, struct thread *idle);
