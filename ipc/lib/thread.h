// SPDX-License-Identifier: MIT
// Threads of the calling process. They have no libc state: pthreads of the POSIX layer have.
#pragma once

#include <tessera/abi/bootstrap.h>
#include <tessera/lib/op.h>

// A started thread. The storage is the caller's and must stay until ts_thread_join returned.
struct ts_thread {
    ts_handle_t handle;
    uint32_t running; // futex: 0 once the thread has left its stack
    void *stack;      // guard page and stack, of this library
    size_t stack_size;
    void (*entry)(void *argument);
    void *argument;
};

// Runs entry(argument) on a new stack with a guard page. `thread_pointer` is the base of its
// thread-local storage, 0 = none but a control block, which lies on the stack. priority:
// TS_PRIORITY_*. The thread ends when entry returns or calls ts_thread_exit.
TS_MUST_USE ts_status_t ts_thread_start(struct ts_thread *thread, void (*entry)(void *argument),
                                        void *argument, size_t stack_size, uint64_t thread_pointer,
                                        unsigned priority);

// Waits for its end, then frees its stack and handle.
TS_MUST_USE ts_status_t ts_thread_join(struct ts_thread *thread, ts_time_t deadline);
_Noreturn void ts_thread_exit(struct ts_thread *self);
void ts_thread_yield(void);

// Makes the control block of a thread to be started, without thread-local storage, with a canary of
// its own. Returns its address, which is the thread pointer.
uint64_t ts_thread_control_init(struct ts_thread_control *control);
