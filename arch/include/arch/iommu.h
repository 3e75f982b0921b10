// SPDX-License-Identifier: MIT
// DMA held by hardware. Where the machine has an IOMMU, a device reaches the pages that its domain
// maps and nothing else: from the kernel's start on none reaches anything.
//
// The functions below are for one device each, which a domain owns (kernel/object/device_hold.h).
// They take leaf locks with interrupts off; none walks more than a page's tables or waits for more
// than the hardware's answer (microseconds; a panic after seconds: what a device reaches would be
// unknown).
#pragma once

#include <tessera/abi/types.h>
#include <arch/types.h>

struct arch_dma;
struct device_hold;

// Whether an IOMMU stands between the device (segment << 16 | bus << 8 | device << 3 | function)
// and memory.
bool arch_dma_held(uint64_t device);

// The tables of a device that is held, empty; dma_table_alloc(owner, …) gives their pages.
// TS_ERR_LIMIT: too many devices; TS_ERR_MEMORY. One for a device at a time.
TS_MUST_USE ts_status_t arch_dma_create(uint64_t device, struct device_hold *owner,
                                        struct arch_dma **out_dma);

// Blocks it, and gives back what is left. `dma` may be NULL. Interrupts on: firmware's regions, if
// the device has some, are many pages.
void arch_dma_destroy(struct arch_dma *dma);

// From now on the device reaches what is mapped, and its next fault is told with `admission`, which
// is not 0. TS_ERR_LIMIT, TS_ERR_MEMORY, TS_ERR_GONE (after arch_dma_close): it stays blocked.
TS_MUST_USE ts_status_t arch_dma_admit(struct arch_dma *dma, uint64_t admission);

// From now on it reaches nothing; no access of it is under way any more. Close: and it is never
// admitted by this `dma` again. A call of admit that is late for that takes nothing from the next
// holder of the device.
void arch_dma_block(struct arch_dma *dma);
void arch_dma_close(struct arch_dma *dma);

// One page more or less, at the bus address that is its physical one. A page counts how often it
// was mapped (pins may overlap). TS_ERR_RANGE: the IOMMU has no such address; TS_ERR_LIMIT: mapped
// 511 times, or the tables' payer has no pages left; TS_ERR_MEMORY.
TS_MUST_USE ts_status_t arch_dma_map(struct arch_dma *dma, paddr_t page);
void arch_dma_unmap(struct arch_dma *dma, paddr_t page);

// After unmapping, before the pages are anybody else's: the device has forgotten them, and accesses
// that were under way are done.
void arch_dma_flush(struct arch_dma *dma);
