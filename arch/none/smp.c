// SPDX-License-Identifier: MIT
// The first CPU is the only one: nobody has to be waited for.
#include <arch/smp.h>

#include <cpu.h>
#include <spinlock.h>

void spin_wait(struct spinlock *lock)
{}

uint32_t arch_smp_start(void)
{
    return 1;
}

uint32_t cpu_count(void)
{
    return 1;
}

struct cpu *cpu_by_id(uint32_t id)
{
    return none_cpu;
}

void arch_cpu_kick(struct cpu *cpu)
{}

void arch_smp_serve(void)
{}

uint64_t arch_quiesce_begin(void)
{
    return 0;
}

bool arch_quiesce_done(uint64_t ticket)
{
    return true;
}

void arch_quiesce(void)
{}
