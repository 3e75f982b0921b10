// SPDX-License-Identifier: MIT
// Interrupt flag, pause and time stamp counter, inline.
#pragma once

#include <arch/types.h>
#include <section.h>

#define RFLAGS_IF UINT64_C(0x200)

static inline irqflags_t arch_irq_save(void)
{
    irqflags_t flags;
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    if (flags & RFLAGS_IF) {
        section_begin();
    }
    return flags;
}

static inline void arch_irq_enable(void)
{
    section_end();
    __asm__ volatile("sti" : : : "memory");
}

static inline void arch_irq_disable(void)
{
    __asm__ volatile("cli" : : : "memory");
    section_begin();
}

static inline void arch_irq_restore(irqflags_t flags)
{
    // A branch is cheaper than POPF, on hardware and in emulators.
    if (flags & RFLAGS_IF) {
        arch_irq_enable();
    }
}

static inline bool arch_irq_enabled(void)
{
    irqflags_t flags;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
    return flags & RFLAGS_IF;
}

static inline void arch_cpu_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

static inline uint64_t arch_counter(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}
