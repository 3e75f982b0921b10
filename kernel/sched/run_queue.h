// SPDX-License-Identifier: MIT
// One CPU's run queue. Inside kernel/sched.
//
// A thread belongs to the queue of its home CPU (thread.cpu), whose lock guards its scheduling
// fields. It changes its home only while it is BLOCKED and is taken over by thread_wake_here().
// Run queue locks are leaves, and no two are ever held together.
#pragma once

#include <core/timer.h>
#include <cpu.h>
#include <object/thread.h>
#include <spinlock.h>

#define SLICE_NS 10000000 // 10 ms

struct run_queue {
    struct spinlock lock;
    uint32_t ready; // bit p: queues[p] is not empty
    struct list queues[THREAD_PRIORITIES];
    struct thread *current;
    struct cpu *cpu;
    struct timer slice;   // armed while a thread of the current one's priority waits
    bool slice_over;      // the current thread goes to the end of its queue
    uint64_t switched_at; // arch_counter() of the last switch
} __attribute__((aligned(64)));

extern struct run_queue run_queues[CPU_MAX];

static inline struct run_queue *run_queue_here(void)
{
    return &run_queues[cpu_current()->id];
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

// Makes a CPU's queue, with its idle thread as the current one. Interrupts off.
void run_queue_init(struct cpu *cpu, struct thread *idle);
