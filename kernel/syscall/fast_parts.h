// SPDX-License-Identifier: MIT
// What the fast paths share. Inside kernel/syscall.
#pragma once

#include <arch/frame.h>
#include <core/handle_table.h>
#include <object/process.h>
#include <sched/run_queue.h>

// A thread of this CPU that waits with this continuation. Its run queue is locked. (A thread that
// is to end is blocked no more, and this CPU has left the stack of any thread but its current.)
static inline bool fast_is_blocked_here(const struct thread *thread, const struct cpu *cpu,
                                        void (*continuation)(void))
{
    return atomic_load_explicit(&thread->cpu, memory_order_relaxed) == cpu->id &&
           thread->state == THREAD_IS_BLOCKED && thread->machine.continuation == continuation;
}

// What an entry means while its word is that one, or NULL.
static inline struct object *fast_entry_object(struct handle_entry *entry, uint64_t word)
{
    struct object *object = atomic_load_explicit(&entry->object, memory_order_acquire);
    return atomic_load_explicit(&entry->word, memory_order_relaxed) == word ? object : NULL;
}

// The result of a system call which the kernel answers at once.
static inline void fast_answer(struct thread *thread, struct arch_frame *frame, uint64_t value)
{
    process_count(&thread->process->requests_issued, 1);
    arch_frame_set_result(frame, TS_OK, value);
}

// signal and wait by system call, on an event; on anything else they end in syscall_general(). They
// rely on the tests of fast_path_op(). (fast_event.c)
void fast_event_signal(struct thread *thread, struct arch_frame *frame);
void fast_event_wait(struct thread *thread, struct arch_frame *frame);
