// SPDX-License-Identifier: MIT
// On the host nothing interrupts. (What saves and restores that is in the host's <spinlock.h>.)
#pragma once

#include <arch/types.h>
#include <spinlock.h>

static inline void arch_irq_disable(void)
{}

uint64_t arch_counter(void);
