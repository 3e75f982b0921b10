// SPDX-License-Identifier: MIT
// The end of the kernel: for its own bugs only, never for what a program, peer or device did.
#pragma once

#include <arch/frame.h>

// Says why on serial port and screen, with registers and a backtrace with names, stops the other
// CPUs, and leaves the emulator (panic=exit) or halts. Any context.
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The same for an exception in the kernel, whose registers are in `frame`.
_Noreturn void panic_frame(const struct arch_frame *frame, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// For a machine that lacks what the kernel needs, which is no bug: says what on serial port and
// screen, and ends as a panic does. Before there are other CPUs.
_Noreturn void cannot_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Whether a panic has begun on any CPU.
bool panic_active(void);

// KASSERT: an invariant; checked in the debug kernel. KREQUIRE: checked always.
#define KREQUIRE(condition) \
    ((condition) ? (void)0 : panic("%s:%d: %s", __FILE_NAME__, __LINE__, #condition))
#if TS_DEBUG
#define KASSERT(condition) KREQUIRE(condition)
#else
#define KASSERT(condition) ((void)sizeof((condition) ? 1 : 0))
#endif
