// SPDX-License-Identifier: MIT
// No serial port, no way to look at a stack.
#include <arch/debug.h>

#include <arch/cpu.h>

void arch_serial_init(void)
{}

size_t arch_serial_write(const char *text, size_t length)
{
    return length;
}

unsigned arch_backtrace(const struct arch_frame *frame, uint64_t *out_addresses, unsigned max)
{
    return 0;
}

void arch_frame_print(const struct arch_frame *frame, void (*print)(const char *format, ...))
{}

void arch_stop_others(void)
{}

_Noreturn void arch_stop_here(void)
{
    arch_cpu_halt();
}

_Noreturn void arch_panic_end(void)
{
    arch_cpu_halt();
}
