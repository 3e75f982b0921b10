// SPDX-License-Identifier: MIT
// Physical memory is where it is. The window is as large as any, and nothing of it is given out.
#pragma once

#include <arch/types.h>

#define KERNEL_WINDOW_BASE UINT64_C(0xffffc00000000000)
#define KERNEL_WINDOW_END  UINT64_C(0xffffc08000000000)
#define KERNEL_IMAGE_BASE  UINT64_C(0xffffffff80000000)

static inline void *phys_to_virt(paddr_t address)
{
    return (void *)address;
}

static inline bool arch_range_is_private(paddr_t base, uint64_t bytes)
{
    (void)base, (void)bytes;
    return false;
}

static inline paddr_t virt_to_phys(const void *pointer)
{
    return (paddr_t)pointer;
}
