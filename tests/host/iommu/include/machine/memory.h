// SPDX-License-Identifier: MIT
// Physical memory on the host: the test's own, each byte at its own address.
#pragma once

#include <arch/types.h>

static inline void *phys_to_virt(paddr_t address)
{
    return (void *)(uintptr_t)address;
}

static inline paddr_t virt_to_phys(const void *pointer)
{
    return (paddr_t)(uintptr_t)pointer;
}

// No registers are looked after.
static inline bool arch_range_is_private(paddr_t base, uint64_t bytes)
{
    (void)base, (void)bytes;
    return false;
}
