// SPDX-License-Identifier: MIT
// The entry of system calls: dispatch by syscall.def.
#include <syscall/fast_path.h>
#include <syscall/syscall.h>

#include <arch/cpu.h>
#include <arch/hooks.h>
#include <object/reaper.h>
#include <sched/sched.h>
#include <section.h>
#include <tessera/abi/status.h>

typedef void (*syscall_handler_t)(struct arch_frame *frame);

// A power of two, so that a mask keeps every index inside.
#define HANDLERS (TS_SYS_COUNT <= 16 ? 16 : TS_SYS_COUNT <= 32 ? 32 : 64)

#define TS_SYSCALL(name, number, ...) \
    _Static_assert((number) < (int)TS_SYS_COUNT, "the numbers of system calls have no gap");
#include <tessera/abi/syscall.def>
#undef TS_SYSCALL

static const syscall_handler_t handlers[HANDLERS] = {
#define TS_SYSCALL(name, number, ...) [number] = syscall_##name,
#include <tessera/abi/syscall.def>
#undef TS_SYSCALL
};

// The fast paths end in here where they do not go. (Every function on their way ends in a jump to
// the next one.)
void syscall_entry(struct arch_frame *frame)
{
    section_begin();
    uint64_t number = arch_frame_number(frame);
    if (number == TS_SYS_op) {
        fast_path_op(frame);
    } else if (number == TS_SYS_reply_wait) {
        fast_path_reply_wait(frame);
    } else if (number == TS_SYS_enter) {
        fast_ring_enter(frame);
    } else {
        syscall_general(frame);
    }
}

__attribute__((noinline)) void syscall_general(struct arch_frame *frame)
{
    uint64_t number = arch_frame_number(frame);
    if (number >= TS_SYS_COUNT) {
        arch_frame_set_result(frame, TS_ERR_UNSUPPORTED, 0);
        return;
    }
    // A wrong guess of the branch above must not reach beyond the table.
    __asm__("" : "+r"(number));
    syscall_handler_t handler = handlers[number & (HANDLERS - 1)];
    arch_frame_keep_call(frame);
    arch_irq_enable();
    thread_current()->refused_by_job = false; // by this call, from here on
    handler(frame);
    // A call that was refused had no effect: it can be made again.
    if (reaper_wait((ts_status_t)arch_frame_number(frame))) { // the same register
        arch_frame_repeat_call(frame);
        handlers[arch_frame_number(frame)](frame);
    }
    arch_irq_disable();
}

// Reserved numbers.
void syscall_process_clone(struct arch_frame *frame)
{
    arch_frame_set_result(frame, TS_ERR_UNSUPPORTED, 0);
}

void syscall_upcall_return(struct arch_frame *frame)
{
    arch_frame_set_result(frame, TS_ERR_UNSUPPORTED, 0);
}
