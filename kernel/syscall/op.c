// SPDX-License-Identifier: MIT
// The system call op: one operation on one object, waiting for its completion.
//   a1 = op | flags << 8 | rights << 16 | handle << 32, a2 address, a3 length, a4 offset,
//   a5 arg, a6 deadline; status, value.
#include <syscall/operation.h>
#include <syscall/syscall.h>

#include <arch/cpu.h>
#include <arch/user.h>
#include <object/process.h>
#include <sched/sched.h>
#include <tessera/abi/operation.h>

static struct operation decode(const struct arch_frame *frame)
{
    uint64_t word = arch_frame_argument(frame, 0);
    uint64_t length = arch_frame_argument(frame, 2);
    return (struct operation){
        .op = ts_op_word_op(word),
        .flags = ts_op_word_flags(word),
        .rights = ts_op_word_rights(word),
        .handle = ts_op_word_handle(word),
        .address = arch_frame_argument(frame, 1),
        // What does not fit is too long in any case.
        .length = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length,
        .offset = arch_frame_argument(frame, 3),
        .arg = arch_frame_argument(frame, 4),
        .deadline = (ts_time_t)arch_frame_argument(frame, 5),
    };
}

// A call's handles go to its structure; open's redirect has no event flags to travel in.
static uint64_t result_value(struct request *request)
{
    if (request->op == TS_OP_CALL && request->out_handles != 0) {
        // The handles are there whether or not the structure still is.
        (void)copy_to_user(request->call_address, request->reserved,
                           request->out_handles * sizeof(ts_handle_t));
    }
    if ((request->event_flags & TS_EVENT_REDIRECT) != 0) {
        return ts_open_redirect((ts_handle_t)request->value, (uint32_t)request->extra);
    }
    return request->value;
}

_Noreturn void op_continue(void)
{
    struct thread *thread = thread_current();
    // Pairs with the release in environment_wake_thread.
    if (!atomic_load_explicit(&thread->completed, memory_order_acquire)) {
        thread_block(op_continue);
    }
    struct request *request = &thread->request;
    thread->asking = false;
    arch_irq_enable();
    uint64_t value = result_value(request);
    request->state = REQUEST_FREE;
    arch_irq_disable();
    arch_frame_set_result(arch_thread_frame(&thread->machine), request->status, value);
    arch_return_to_user();
}

void syscall_op(struct arch_frame *frame)
{
    struct asked asked = {.operation = decode(frame), .thread = thread_current()};
    struct operation *operation = &asked.operation;
    ts_status_t status = TS_ERR_UNSUPPORTED;
    if (operation->op < TS_OP_COUNT) {
        status = operation_check_flags(operation->op, operation->flags, false);
    }
    process_count(&asked.thread->process->requests_issued, 1);
    if (status == TS_OK && operation_start(&asked, &status) == OUTCOME_ISSUED) {
        arch_irq_disable();
        op_continue();
    }
    arch_frame_set_result(frame, status, operation->value);
}
