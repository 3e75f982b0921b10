// SPDX-License-Identifier: MIT
// Exceptions of programs that nobody resolves.
#pragma once

#include <arch/frame.h>
#include <arch/types.h>

// Ends the current thread's process with a report; arguments as of user_exception() in
// <arch/hooks.h>. Interrupts on.
_Noreturn void exception_end_process(const struct arch_frame *frame, uint32_t vector,
                                     uint64_t error, vaddr_t address);
