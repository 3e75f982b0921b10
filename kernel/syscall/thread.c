// SPDX-License-Identifier: MIT
// The system calls thread_start, thread_exit, yield and process_exit.
#include <syscall/syscall.h>

#include <core/handle_table.h>
#include <object/process.h>
#include <sched/sched.h>
#include <stdatomic.h>
#include <syscall/install.h>

// The process in which the thread is to run, with a reference.
static ts_status_t process_get(uint64_t handle, struct process **out_process)
{
    struct handle held;
    if (handle == TS_HANDLE_NONE) {
        *out_process = process_current();
        object_get(&(*out_process)->object);
        return TS_OK;
    }
    if (handle > UINT32_MAX) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status =
        handle_get(&process_current()->handles, (ts_handle_t)handle, TS_RIGHT_MANAGE, &held);
    if (status != TS_OK) {
        return status;
    }
    if (held.object->class != &process_class) {
        object_put(held.object);
        return TS_ERR_KIND;
    }
    *out_process = process_of(held.object);
    return TS_OK;
}

// A process's threads may be as important as its first one, which its starter decides, and never
// more than the starter's own may be.
static ts_status_t check_priority(struct process *process, uint64_t word, uint8_t *out_priority)
{
    uint8_t most = process_current()->priority_max;
    bool first = process != process_current() &&
                 !atomic_load_explicit(TS_ATOMIC(&process->started), memory_order_relaxed);
    if (process != process_current() && !first && process->priority_max < most) {
        most = process->priority_max;
    }
    if (ts_priority_word_flags(word) != 0) {
        return TS_ERR_ARGUMENT; // flags: none are known
    }
    *out_priority = ts_priority_word_priority(word);
    if (*out_priority == TS_PRIORITY_INHERIT) {
        *out_priority =
            thread_current()->own_priority < most ? thread_current()->own_priority : most;
    }
    if (*out_priority > TS_PRIORITY_MAX) {
        return TS_ERR_ARGUMENT;
    }
    if (*out_priority > most) {
        return TS_ERR_LIMIT;
    }
    if (first) {
        process->priority_max = *out_priority;
    }
    return TS_OK;
}

// thread_start: a1 = process or 0, a2 = entry, a3 = stack, a4 = argument, a5 = thread pointer,
// a6 = priority | flags << 8; value = thread.
void syscall_thread_start(struct arch_frame *frame)
{
    struct thread_start start = {
        .entry = arch_frame_argument(frame, 1),
        .stack = arch_frame_argument(frame, 2),
        .argument = arch_frame_argument(frame, 3),
        .thread_pointer = arch_frame_argument(frame, 4),
    };
    struct process *process;
    struct thread *thread;
    ts_handle_t handle = TS_HANDLE_NONE;
    ts_status_t status = process_get(arch_frame_argument(frame, 0), &process);
    if (status != TS_OK) {
        arch_frame_set_result(frame, status, 0);
        return;
    }
    struct handle_table *table = &process_current()->handles;
    status = check_priority(process, arch_frame_argument(frame, 5), &start.priority);
    if (status == TS_OK) {
        status = handle_reserve(table, &handle);
    }
    if (status == TS_OK) {
        status = thread_create(process, &start, &thread);
        if (status != TS_OK) {
            handle_release(table, handle);
        }
    }
    if (status == TS_OK) {
        handle_fill(table, handle, object_handle_get(&thread->object, thread_class.rights));
        thread_launch(thread);
        object_put(&thread->object);
    }
    object_put(&process->object);
    arch_frame_set_result(frame, status, status == TS_OK ? handle : 0);
}

// thread_exit: a1 = address of a u32 which becomes 0 and is woken as a futex, or 0.
void syscall_thread_exit(struct arch_frame *frame)
{
    thread_current()->clear_address = arch_frame_argument(frame, 0);
    thread_exit();
}

void syscall_yield(struct arch_frame *frame)
{
    arch_frame_set_result(frame, TS_OK, 0);
    thread_yield();
}

// process_exit: a1 = status.
void syscall_process_exit(struct arch_frame *frame)
{
    const struct ts_process_report report = {
        .reason = TS_EXIT_STATUS,
        .status = (int32_t)arch_frame_argument(frame, 0),
    };
    process_end(process_current(), &report);
    thread_exit();
}
