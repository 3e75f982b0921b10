// SPDX-License-Identifier: MIT
// Scheduling: 32 priorities, round robin within one, a queue for each CPU.
//
// A thread is woken on the CPU where it last ran; a new one is placed on the CPUs in turn. There is
// no balancing; a thread moves only when someone hands over to it (thread_wake_here).
//
// Blocking. A thread makes itself known to what is to wake it (a record is issued, a ring is
// idle, a futex queued) and then calls thread_block(). The wake may come before it has got there,
// on any CPU: thread_wake() then leaves a mark, and thread_block() goes on at once. A mark may also
// be left by a wake that was no longer needed, so every continuation looks whether what it waited
// for is there, and blocks again if it is not.
//
// A blocked thread has no kernel frames, only its continuation, which starts with interrupts off
// and ends in arch_return_to_user(), thread_block() or thread_exit().
#pragma once

#include <stdatomic.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <core/time.h>
#include <cpu.h>
#include <object/thread.h>

// The current thread. Interrupts may be on: it is the same thread on whatever CPU.
static inline struct thread *thread_current(void)
{
    return arch_cpu_thread();
}

// The current thread, if there is one, was refused something by a job, rather than by a limit that
// waiting does not change: reaper_wait() asks.
static inline void thread_note_refusal(void)
{
    if (thread_current() != NULL) {
        thread_current()->refused_by_job = true;
    }
}

// Puts a new thread on a CPU.
void thread_launch(struct thread *thread);

// A blocked thread can go on; for any other it leaves a mark. Any context; takes the lock of a run
// queue. The thread may be gone the moment this returns: interrupts are off or a reference is held.
void thread_wake(struct thread *thread);

// The same, and it runs here as soon as the current thread blocks: it moves to this CPU, first in
// its queue. For a thread that is about to wait for it, or to answer it.
void thread_wake_here(struct thread *thread);

// A thread that is ready on this CPU runs before its equals here. For a thread that waits for it:
// it has what is left of the current turn, at the end of which it goes to the end of its queue.
// Interrupts off.
void thread_go_first(struct thread *thread);

// Leaves the current thread until it is woken. No lock held; interrupts may be on.
_Noreturn void thread_block(void (*continuation)(void));

// Others of the same priority have their turn. The current thread is in a system call whose results
// are set, and goes on to user mode.
_Noreturn void thread_yield(void);

// The same for a kernel thread in the midst of its work, if it has run for that long without a
// break. Interrupts on, no lock held.
void thread_give_way(uint64_t after_ns);

// The current thread has ended: it is never run again. No lock held, no reference to it is needed.
_Noreturn void thread_leave(void);

// What the CPU's need_resched stands for, of <arch/hooks.h>: on the way to user mode (it may not
// return, or later), and where the kernel can be preempted, in idle CPUs too. Interrupts off.
void thread_exit_work(void);
void thread_preempt(void);

// Priorities. A thread runs at the highest of its own and all that it is lent at the moment.
void thread_set_priority(struct thread *thread, uint8_t priority);

// One loan more of this priority, and one less. Any context; the caller holds a reference.
void thread_lend(struct thread *thread, uint8_t priority);
void thread_lend_over(struct thread *thread, uint8_t priority);

// Asks a thread to end: when it next would go to user mode or block it calls thread_exit(). True:
// it was blocked, and never runs again: thread_end_blocked() is the caller's to call. Any context.
bool thread_stop(struct thread *thread);

// Whether the current thread is to end: what takes long is done in steps and looks at this between
// them. It then lets go of what it has and returns TS_ERR_INTERRUPTED, which nobody sees. False in
// thread_exit(), which has things to do.
static inline bool thread_is_stopping(void)
{
    const struct thread *thread = thread_current();
    return thread != NULL &&
           atomic_load_explicit(TS_ATOMIC(&thread->stopping), memory_order_relaxed) &&
           !atomic_load_explicit(TS_ATOMIC(&thread->ending), memory_order_relaxed);
}

// Copies the user registers of a thread that is blocked: TS_ERR_BUSY if it is not.
TS_MUST_USE ts_status_t thread_registers(struct thread *thread, struct ts_registers *out_registers);

// Nanoseconds of CPU time that a thread used.
uint64_t thread_cpu_ns(const struct thread *thread);

// Counter ticks as nanoseconds.
static inline uint64_t ticks_to_ns(uint64_t ticks)
{
    return time_of_counts(ticks, arch_clock_frequency());
}

// Boot, on each CPU, interrupts off: makes its queues, with what becomes its idle thread (NULL:
// there is no memory, which is a panic); and then leaves the boot stack for the threads, for ever.
void sched_cpu_init(struct thread *idle);
_Noreturn void sched_cpu_start(void);
