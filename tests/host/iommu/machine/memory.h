// SPDX-License-Identifier: MIT
// Physical memory on the host: an array of the test's.
#pragma once

#include <arch/types.h>
#include <machine/iommu.h>

extern char world_ram[];

static inline void *phys_to_virt(paddr_t address)
{
    return world_ram + address;
}

static inline paddr_t virt_to_phys(const void *pointer)
{
    return (paddr_t)((const char *)pointer - world_ram);
}

static inline bool arch_range_is_private(paddr_t base, uint64_t bytes)
{
    return iommu_has_registers(base, bytes);
}
