// SPDX-License-Identifier: MIT
// What the fast paths share. Inside kernel/syscall.
#pragma once

#include <arch/frame.h>
#include <core/handle_table.h>
#include <core/port.h>
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

// The same of one that was woken and has not run since: it has nothing on its kernel stack. (One
// that was woken over to this CPU may be blocking still on its old one, which stands on that stack
// and has not saved its vectors.)
static inline bool fast_is_woken_here(const struct thread *thread, const struct cpu *cpu,
                                      void (*continuation)(void))
{
    return atomic_load_explicit(&thread->cpu, memory_order_relaxed) == cpu->id &&
           thread->state == THREAD_IS_READY && !list_empty(&thread->run) &&
           thread->machine.continuation == continuation && thread->machine.saved_stack == 0 &&
           !arch_thread_on_cpu(&thread->machine);
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

// The answer in the registers of reply_wait. What `result` says may be no result.
static inline struct reply reply_of_registers(const struct arch_frame *frame)
{
    uint64_t word = arch_frame_argument(frame, 2), object = arch_frame_argument(frame, 5);
    struct reply reply = {.id = arch_frame_argument(frame, 1),
                          .status = ts_reply_word_status(word),
                          .value = arch_frame_argument(frame, 3)};
    if (reply.status == TS_OK && word != 0) {
        reply.result = ts_reply_word_result(word);
        reply.tag = arch_frame_argument(frame, 4);
        reply.oid = ts_reply_object_oid(object);
        reply.rights = ts_reply_object_rights(object);
        reply.signals = ts_reply_object_signals(object);
    }
    return reply;
}

// Whether that is an answer that the registers have room for.
static inline bool reply_registers_are_good(const struct reply *reply)
{
    return reply->result == TS_REPLY_NONE ||
           (reply->result == TS_REPLY_MINT && (reply->rights & ~TS_RIGHTS_ALL) == 0 &&
            (reply->signals & ~TS_SIGNALS_ALL) == 0);
}

// signal and wait by system call, on an event; on anything else they end in syscall_general(). They
// rely on the tests of fast_path_op(). (fast_event.c)
void fast_event_signal(struct thread *thread, struct arch_frame *frame);
void fast_event_wait(struct thread *thread, struct arch_frame *frame);
