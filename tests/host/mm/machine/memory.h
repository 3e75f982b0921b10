// SPDX-License-Identifier: MIT
// Physical memory on the host: an array of the test's.
#pragma once

#include <arch/types.h>

#define KERNEL_WINDOW_BASE UINT64_C(0xffffc00000000000)
#define KERNEL_WINDOW_END  UINT64_C(0xffffc08000000000)

extern char *world_ram;

static inline void *phys_to_virt(paddr_t address)
{
    return world_ram + address;
}

static inline paddr_t virt_to_phys(const void *pointer)
{
    return (paddr_t)((const char *)pointer - world_ram);
}
