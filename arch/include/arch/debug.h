// SPDX-License-Identifier: MIT
// What kernel/debug needs of a machine: text out, backtraces, stopping the other CPUs, ending.
#pragma once

#include <arch/frame.h>
#include <arch/types.h>

// The serial port, polled. Returns how many characters the port took: all if there is none. One
// that takes no more, as when nobody reads a virtual line, is waited for some tenths of a second;
// from then on each call only looks at it, until it takes one.
void arch_serial_init(void);
size_t arch_serial_write(const char *text, size_t length);

// Return addresses by frame pointers, innermost first, starting from `frame` or, when it is NULL,
// from the caller. Only follows pointers inside kernel stacks. Returns how many were stored.
unsigned arch_backtrace(const struct arch_frame *frame, uint64_t *out_addresses, unsigned max);

// Prints all registers of a frame and what the machine knows about the fault, by `print`.
void arch_frame_print(const struct arch_frame *frame, void (*print)(const char *format, ...));

// Stops all other CPUs where they are, whatever they do; waits a bounded time for them.
void arch_stop_others(void);

// This CPU stops for others' sake: it counts as stopped, and halts.
_Noreturn void arch_stop_here(void);

// The end after a panic: leaves an emulator if the command line says panic=exit, else halts.
_Noreturn void arch_panic_end(void);
