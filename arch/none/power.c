// SPDX-License-Identifier: MIT
#include <arch/power.h>

#include <arch/cpu.h>

_Noreturn void arch_restart(void)
{
    arch_cpu_halt();
}

_Noreturn void arch_power_off(uint32_t status)
{
    arch_cpu_halt();
}
