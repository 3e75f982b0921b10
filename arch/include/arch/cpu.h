// SPDX-License-Identifier: MIT
// One CPU: interrupts on and off, idling, hints. Interrupts off is the kernel's one notion of
// "non-preemptible". All are inline in <machine/irqflags.h> unless said otherwise; struct arch_cpu,
// the machine's part of struct cpu, and arch_cpu_thread(), the current thread, are in
// <machine/cpu.h>.
#pragma once

#include <arch/types.h>
#include <machine/cpu.h>
#include <machine/irqflags.h>

// irqflags_t arch_irq_save(void)           interrupts off; returns what they were
// void arch_irq_restore(irqflags_t flags)  back to what they were
// void arch_irq_enable(void), arch_irq_disable(void)
// bool arch_irq_enabled(void)
// void arch_cpu_relax(void)                in every spinning loop
// uint64_t arch_counter(void)              the free-running counter behind clock_now()

// Waits for an interrupt. To be called with interrupts off, after the caller has found nothing to
// do; turns them on and waits in one step, so that no wake-up is missed; returns with interrupts
// off, after at least one interrupt was handled.
void arch_cpu_idle(void);

// Turns interrupts off and stops this CPU for ever.
_Noreturn void arch_cpu_halt(void);

// Up to 64 random bits from the CPU's own generator. False when it has none or it gave up.
bool arch_random(uint64_t *out_value);

// The CPU's name as the hardware tells it, for the log.
const char *arch_cpu_name(void);
