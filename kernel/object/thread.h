// SPDX-License-Identifier: MIT
// Threads. A thread is registers, a priority, and one request record for what it does
// synchronously; kernel/sched runs it.
//
// References: one by the thread's being alive, one for each handle, one by a ring that it used.
// When it has ended the reaper gives its kernel stack back as soon as no CPU stands on it, and
// drops the first; the body, with the vector area behind it, goes with the last.
#pragma once

#include <core/request.h>
#include <object/reaper.h>
#include <tessera/abi/syscall.h>
#include <arch/thread.h>

struct process;

enum thread_state {
    THREAD_IS_NEW,
    THREAD_IS_READY,
    THREAD_IS_RUNNING,
    THREAD_IS_BLOCKED,
    THREAD_IS_DEAD
};

// Where two handles of a thread were found: its ring, and its port with MANAGE. They are what they
// were while their entries have the words that they had.
struct thread_serves {
    uint64_t handles; // ring | port << 32; 0: none
    struct handle_entry *ring, *port;
    uint64_t ring_word, port_word;
};

struct thread {
    struct object object;
    struct arch_thread machine;
    // Scheduling: under the lock of the run queue of `cpu`.
    struct list run; // in a queue while READY
    _Atomic uint32_t cpu;
    uint8_t state;              // enum thread_state
    uint8_t own_priority;       // its own
    uint8_t priority;           // the highest of its own and those lent
    uint32_t lent;              // bit p: loans[p] != 0
    bool wake_pending;          // woken before it blocked
    bool stopping;              // to end
    bool ending;                // in thread_exit(): blocks as before
    uint32_t loans[PRIORITIES]; // requests that lend it this priority
    _Atomic uint64_t ticks;     // arch_counter() units spent running; written by its CPU
    // Its process; NULL: a kernel thread.
    struct process *process;
    struct list member; // in process.threads
    struct requester requester;
    // What it does now. Only the thread itself writes these, save `completed`.
    struct request request;  // a synchronous operation
    bool asking;             // `request` was issued and its answer not yet seen
    bool handing_over;       // one that is woken now runs next on this CPU
    _Atomic bool completed;  // request_complete() is through with `request`
    struct timer wake_timer; // wakes it from a wait for events, or later for nothing
    struct ring *ring;       // inside enter or reply_wait: a reference is held
    uint32_t submitted;      // enter: its result
    uint32_t wait_for;
    ts_time_t wait_until;
    vaddr_t clear_address;       // thread_exit: a word to clear, or 0
    bool refused_by_job;         // it was, since it last waited for the reaper
    struct thread_serves serves; // by its last reply_wait
    // Page faults (kernel/mm). Only the thread itself.
    ts_status_t fault_status; // why the last one was not resolved
    uint32_t fault_repeats;   // how often one had nothing to do, since
    vaddr_t fault_address;    // it was here
    uint64_t fault_changes;   // and address_space.changes was this
    struct work teardown;
    void (*end)(void); // its continuation once it is to end
};

extern const struct object_class thread_class;

static inline struct thread *thread_of(struct object *object)
{
    return list_entry(object, struct thread, object);
}

struct thread_start {
    vaddr_t entry, stack;
    uint64_t argument;
    vaddr_t thread_pointer;
    uint8_t priority;
};

// A new thread of a process, with a reference for the caller; it runs once thread_launch() is
// called, which the caller must do. TS_ERR_LIMIT, TS_ERR_MEMORY, TS_ERR_ARGUMENT (thread pointer),
// TS_ERR_GONE (the process ends).
TS_MUST_USE ts_status_t thread_create(struct process *process, const struct thread_start *start,
                                      struct thread **out_thread);

// A kernel thread, which runs `entry` (as a continuation) from the beginning, once it is launched.
// It is never stopped. NULL: no memory.
struct thread *kernel_thread_create(void (*entry)(void), uint8_t priority);
// The same, launched.
struct thread *kernel_thread_start(void (*entry)(void), uint8_t priority);

// Ends the current thread: what it asked for is cut off, what it holds is let go. No lock held.
_Noreturn void thread_exit(void);
// Has the reaper do that for one which thread_stop() found blocked, in steps and at its priority: a
// kill of very many makes none of them ready. Any context; no lock of a run queue held.
void thread_end_blocked(struct thread *thread);
