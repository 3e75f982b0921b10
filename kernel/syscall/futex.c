// SPDX-License-Identifier: MIT
// The system calls futex_wait and futex_wake. The waiter is the thread's own record.
#include <syscall/syscall.h>

#include <arch/cpu.h>
#include <object/process.h>
#include <sched/futex.h>
#include <sched/sched.h>

static _Noreturn void wait_continue(void)
{
    struct thread *thread = thread_current();
    if (!atomic_load_explicit(&thread->completed, memory_order_acquire)) {
        thread_block(wait_continue);
    }
    thread->asking = false;
    thread->request.state = REQUEST_FREE;
    arch_frame_set_result(arch_thread_frame(&thread->machine), thread->request.status, 0);
    arch_return_to_user();
}

// futex_wait: a1 = address, a2 = expected, a3 = deadline.
void syscall_futex_wait(struct arch_frame *frame)
{
    struct thread *thread = thread_current();
    struct request *request = &thread->request;
    uint64_t expected = arch_frame_argument(frame, 1);
    if (expected > UINT32_MAX) {
        arch_frame_set_result(frame, TS_ERR_ARGUMENT, 0);
        return;
    }
    const struct request_terms terms = {
        .op = TS_OP_FUTEX_WAIT,
        .deadline = (ts_time_t)arch_frame_argument(frame, 2),
    };
    request_begin(request, &terms);
    atomic_store_explicit(&thread->completed, false, memory_order_relaxed);
    thread->asking = true;
    ts_status_t status = futex_wait(request, arch_frame_argument(frame, 0), (uint32_t)expected);
    if (status == TS_OK) {
        arch_irq_disable();
        wait_continue();
    }
    thread->asking = false;
    request->state = REQUEST_FREE;
    arch_frame_set_result(frame, status, 0);
}

// futex_wake: a1 = address, a2 = most; value = woken.
void syscall_futex_wake(struct arch_frame *frame)
{
    uint64_t most = arch_frame_argument(frame, 1);
    uint32_t woken = 0;
    ts_status_t status = futex_wake(process_current()->space, arch_frame_argument(frame, 0),
                                    most > UINT32_MAX ? UINT32_MAX : (uint32_t)most, &woken);
    arch_frame_set_result(frame, status, woken);
}
