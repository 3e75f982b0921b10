// SPDX-License-Identifier: MIT
// The kernel's view of physical memory, and its own mappings.
#pragma once

#include <tessera/abi/types.h>
#include <arch/space.h>
#include <arch/types.h>
#include <machine/memory.h>

// The kernel's image is linked at KERNEL_IMAGE_BASE and above (<machine/memory.h>, as all constants
// and inline functions here).
//
// All RAM is mapped, not executable, and but for the image's text and constants writable, at
// KERNEL_DIRECT_BASE. Inline:
// void *phys_to_virt(paddr_t address)   RAM and firmware tables only, never device memory
// paddr_t virt_to_phys(const void *)    of an address in the direct map or the kernel image
// bool arch_range_is_private(paddr_t base, uint64_t bytes)
//     whether a range touches what is the kernel's alone, as interrupt controllers are: no driver
//     gets it, whatever its device says

// The kernel window, KERNEL_WINDOW_BASE to KERNEL_WINDOW_END, is for mappings made at run time.
// kernel_window_alloc gives out page-aligned addresses of it, never twice; nothing is mapped there
// until arch_space_map(arch_kernel_space(), …). Any context. TS_ERR_MEMORY when it is used up.
TS_MUST_USE ts_status_t kernel_window_alloc(uint64_t bytes, vaddr_t *out_address);

// Maps device memory or firmware tables for ever and returns a pointer to `address` itself (any
// alignment). NULL when page tables or window are used up.
volatile void *arch_device_map(paddr_t address, uint64_t bytes, unsigned prot,
                               enum arch_cache cache);

// Fills one page; the pointer is page-aligned.
void page_zero(void *page);
