// SPDX-License-Identifier: MIT
// The registers of a thread in user mode. `struct arch_frame` lies at the very top of the thread's
// kernel stack, whichever way it entered the kernel; a blocked thread is nothing but this frame
// and its continuation. Complete type and inline accessors: <machine/frame.h>.
//
// A change of anything but results and arguments (pc, stack, flags, other registers) has to go
// through arch_frame_start() or arch_frame_import(), which make the thread leave by the slow,
// complete way.
#pragma once

#include <tessera/abi/object.h>
#include <arch/types.h>
#include <machine/frame.h>

// Inline:
// uint64_t arch_frame_number(const struct arch_frame *)               number of the system call
// uint64_t arch_frame_argument(const struct arch_frame *, unsigned i) its argument i, 0 to 5
// void arch_frame_set_argument(struct arch_frame *, unsigned i, uint64_t value)
//     what the thread finds in the register of argument i on return (for event words)
// void arch_frame_set_result(struct arch_frame *, int64_t status, uint64_t value)
// void arch_frame_keep_call(struct arch_frame *)      remembers number and arguments, over which
// void arch_frame_repeat_call(struct arch_frame *)    results are written, and puts them back
// bool arch_frame_is_syscall(const struct arch_frame *)
// bool arch_frame_is_user(const struct arch_frame *)    it interrupted user mode
// vaddr_t arch_frame_pc(…), arch_frame_stack(…), arch_frame_base(…)  program counter, stack and
//     frame pointer

// Sets a frame to start a thread in user mode at `pc` with stack pointer `stack` and `argument` in
// its first argument register; all other registers zero. `pc` and `stack` are a user's values: any
// value is safe, a senseless one faults in user mode.
void arch_frame_start(struct arch_frame *frame, vaddr_t pc, vaddr_t stack, uint64_t argument);

// Copies a user frame's registers out for a report or debugger (thread_pointer is left 0).
void arch_frame_export(const struct arch_frame *frame, struct ts_registers *out_registers);

// Puts registers into a user frame; flags that a program may not set are ignored.
// TS_ERR_ARGUMENT, with no effect, when pc is not a user address.
TS_MUST_USE ts_status_t arch_frame_import(struct arch_frame *frame,
                                          const struct ts_registers *registers);
