// SPDX-License-Identifier: MIT
// Processes: an address space, a handle table, threads.
//
//   RUNNING   from creation on, with or without threads
//   ENDING    a report is written, no thread can be added, all are told to stop
//   (reaper)  the last thread gone: handles closed in chunks, then the space given back
//   ENDED     EXITED is set
//
// References to the body: one while the process is not ENDED, one for each handle, thread, ring and
// port of it. The space and the handle table outlive the last *user* of them: threads, rings, ports
// and process_space_get() count as users, and the reaper waits for them.
//
// Nothing in the end of a process needs memory or waits for another process.
#pragma once

#include <core/handle_table.h>
#include <core/object.h>
#include <mm/account.h>
#include <object/job.h>
#include <object/reaper.h>
#include <object/thread.h>
#include <sched/sched.h>
#include <tessera/abi/object.h>

struct address_space;

enum process_state { PROCESS_RUNNING, PROCESS_ENDING, PROCESS_ENDED };

struct process {
    struct object object;
    struct spinlock lock; // state, threads, report
    uint8_t state;        // enum process_state
    uint8_t priority_max; // of its threads; set by the starter of the first one
    bool started;         // it has had a thread
    uint8_t stage;        // of the teardown
    struct address_space *space;
    struct account *account;
    struct handle_table handles;
    struct job_member member;
    struct list threads;
    struct list pins; // of memory for devices; domain.c's
    uint32_t thread_count;
    _Atomic uint32_t users; // of space and table: 1 until the handles are closed
    struct work teardown;
    ts_time_t started_at;
    _Atomic uint64_t past_cpu_ns; // of threads that ended
    _Atomic uint64_t requests_issued, requests_served;
    struct ts_process_report report;
    char name[TS_NAME_MAX + 1];
};

extern const struct object_class process_class;

static inline struct process *process_of(struct object *object)
{
    return list_entry(object, struct process, object);
}

// Adds to a count for people (one may be lost when two threads add at once).
static inline void process_count(_Atomic uint64_t *counter, uint64_t count)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + count,
                          memory_order_relaxed);
}

// The process of the current thread (NULL: a kernel thread).
static inline struct process *process_current(void)
{
    return thread_current()->process;
}

// Empty. One reference for the caller, no handle. TS_ERR_LIMIT, TS_ERR_MEMORY, TS_ERR_GONE (its job
// was killed).
TS_MUST_USE ts_status_t process_create(struct job *job, const char *name, size_t name_length,
                                       struct process **out_process);

// Ends a process: the first report counts. Never blocks; any context without locks.
void process_end(struct process *process, const struct ts_process_report *report);

// A thread joins (TS_ERR_GONE: it is ending) and leaves; the last one out ends the process.
TS_MUST_USE ts_status_t process_thread_add(struct process *process, struct thread *thread);
void process_thread_gone(struct process *process, struct thread *thread);
// Calls `look` for the threads that are there when it begins, with the process's lock held, some in
// each hold. One that leaves meanwhile may be left out, and one that comes be looked at instead.
void process_threads_each(struct process *process, void (*look)(struct thread *, void *),
                          void *argument);

// Keeps space and handle table, as rings and ports do. TS_ERR_GONE: they are being given back.
TS_MUST_USE ts_status_t process_use(struct process *process);
void process_unuse(struct process *process);
