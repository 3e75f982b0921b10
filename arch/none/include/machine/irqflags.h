// SPDX-License-Identifier: MIT
// No interrupts: they are always off.
#pragma once

#include <arch/types.h>

static inline irqflags_t arch_irq_save(void)
{
    return 0;
}

static inline void arch_irq_enable(void)
{}

static inline void arch_irq_disable(void)
{}

static inline void arch_irq_restore(irqflags_t flags)
{
    (void)flags;
}

static inline bool arch_irq_enabled(void)
{
    return false;
}

static inline void arch_cpu_relax(void)
{
    __asm__ volatile("" : : : "memory");
}

static inline uint64_t arch_counter(void)
{
    return 0;
}
