// SPDX-License-Identifier: MIT
// The kernel half of every address space. Each region has top-level entries of its own, filled
// once at boot, so that all spaces share them by copying the upper half of the root.
#pragma once

#include <arch/types.h>
#include <machine/apic.h>
#include <machine/iommu.h>

#define KERNEL_DIRECT_BASE UINT64_C(0xffff800000000000) // all RAM, at most 64 TiB
#define KERNEL_DIRECT_END  UINT64_C(0xffffc00000000000)
#define KERNEL_WINDOW_BASE UINT64_C(0xffffc00000000000) // mappings made at run time, 512 GiB
#define KERNEL_WINDOW_END  UINT64_C(0xffffc08000000000)
#define KERNEL_IMAGE_BASE  UINT64_C(0xffffffff80000000) // physical 0 of the image's view

static inline void *phys_to_virt(paddr_t address)
{
    return (void *)(KERNEL_DIRECT_BASE + address);
}

static inline paddr_t virt_to_phys(const void *pointer)
{
    vaddr_t address = (vaddr_t)pointer;
    return address >= KERNEL_IMAGE_BASE ? address - KERNEL_IMAGE_BASE
                                        : address - KERNEL_DIRECT_BASE;
}

// Whether a range of physical addresses touches what is the kernel's alone: the interrupt
// controllers, 1 MiB each for the I/O APICs and for the local APIC and interrupt messages, and the
// I/O APICs that firmware has put elsewhere; IOMMUs.
// A device that claims to have its own registers there gets them for no driver.
static inline bool arch_range_is_private(paddr_t base, uint64_t bytes)
{
    const paddr_t io_apic = 0xfec00000, local_apic = 0xfee00000, size = 0x100000;
    return (base < io_apic + size && io_apic < base + bytes) ||
           (base < local_apic + size && local_apic < base + bytes) ||
           io_apic_has_registers(base, bytes) || iommu_has_registers(base, bytes);
}
