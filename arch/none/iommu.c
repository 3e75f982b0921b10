// SPDX-License-Identifier: MIT
// No IOMMU: arch_dma_held() says so, and the others are never called.
#include <arch/iommu.h>

#include <tessera/abi/status.h>

bool arch_dma_held(uint64_t device)
{
    return false;
}

ts_status_t arch_dma_create(uint64_t device, struct device_hold *owner, struct arch_dma **out_dma)
{
    return TS_ERR_LIMIT;
}

void arch_dma_destroy(struct arch_dma *dma)
{}

ts_status_t arch_dma_admit(struct arch_dma *dma, uint64_t admission)
{
    return TS_ERR_LIMIT;
}

void arch_dma_block(struct arch_dma *dma)
{}

void arch_dma_close(struct arch_dma *dma)
{}

ts_status_t arch_dma_map(struct arch_dma *dma, paddr_t page)
{
    return TS_ERR_LIMIT;
}

void arch_dma_unmap(struct arch_dma *dma, paddr_t page)
{}

void arch_dma_flush(struct arch_dma *dma)
{}
