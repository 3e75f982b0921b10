// SPDX-License-Identifier: MIT
// One CPU that halts.
#include <arch/cpu.h>

#include <cpu.h>

struct cpu *none_cpu;

struct thread *arch_cpu_thread(void)
{
    return none_cpu->current;
}

void arch_cpu_idle(void)
{}

_Noreturn void arch_cpu_halt(void)
{
    for (;;) {
        arch_cpu_relax();
    }
}

bool arch_random(uint64_t *out_value)
{
    return false;
}

const char *arch_cpu_name(void)
{
    return "no machine";
}
