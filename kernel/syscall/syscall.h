// SPDX-License-Identifier: MIT
// System calls: a handler for each line of syscall.def, named syscall_<name>.
//
// A handler is called with interrupts on. It sets the results in the frame and returns, or it ends
// in thread_block(), whose continuation sets them, or it never comes back (exit, yield).
#pragma once

#include <arch/frame.h>
#include <tessera/abi/syscall.h>

#define TS_SYSCALL(name, number, ...) void syscall_##name(struct arch_frame *frame);
#include <tessera/abi/syscall.def>
#undef TS_SYSCALL

// Any system call, by its handler. Interrupts off at the entry of the system call.
void syscall_general(struct arch_frame *frame);
