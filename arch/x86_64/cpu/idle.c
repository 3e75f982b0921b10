// SPDX-License-Identifier: MIT
#include <arch/cpu.h>

void arch_cpu_idle(void)
{
    section_end();
    // STI takes effect after the next instruction: nothing can come between the two.
    __asm__ volatile("sti; hlt; cli" : : : "memory");
    section_begin();
}

_Noreturn void arch_cpu_halt(void)
{
    for (;;) {
        __asm__ volatile("cli; hlt" : : : "memory");
    }
}
