// SPDX-License-Identifier: MIT
// Page-table entries (Intel SDM vol. 3, 4.5), for the parts of the machine layer that make them.
#pragma once

#include <arch/space.h>
#include <arch/types.h>

#define PTE_PRESENT  UINT64_C(0x001)
#define PTE_WRITE    UINT64_C(0x002)
#define PTE_USER     UINT64_C(0x004)
#define PTE_PWT      UINT64_C(0x008) // with PCD an index into the PAT: see features.c
#define PTE_PCD      UINT64_C(0x010)
#define PTE_ACCESSED UINT64_C(0x020)
#define PTE_DIRTY    UINT64_C(0x040)
#define PTE_LARGE    UINT64_C(0x080)
#define PTE_GLOBAL   UINT64_C(0x100)
#define PTE_NX       (UINT64_C(1) << 63)
#define PTE_ADDRESS  UINT64_C(0x000ffffffffff000)

#define PTE_COUNT 512

static inline unsigned pte_index(vaddr_t address, unsigned level) // level 1: pages … 4: root
{
    return address >> (PAGE_SHIFT + 9 * (level - 1)) & (PTE_COUNT - 1);
}

// The entry of a page with this protection and cache.
uint64_t pte_make(paddr_t page, unsigned prot, enum arch_cache cache);

// Makes and loads the kernel's own page tables. First CPU, once, early allocator active.
void kernel_map_init(void);

// Top-level entries of the kernel half that are in use, copied into every space.
void kernel_root_copy(uint64_t *root);

// A stack in the kernel window with an unmapped page below it, for ever; returns its end.
vaddr_t kernel_stack_map(uint64_t bytes);

extern struct arch_space kernel_space;

// Handles what the page fault exception means for the kernel or a program (mm/fault.c).
struct arch_frame;
void page_fault(struct arch_frame *frame, vaddr_t address);

// If the instruction at frame->rip may fault, continues at its fix-up and returns true.
bool fault_fixup(struct arch_frame *frame);
