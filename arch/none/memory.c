// SPDX-License-Identifier: MIT
#include <arch/memory.h>

#include <string.h>
#include <tessera/abi/status.h>

ts_status_t kernel_window_alloc(uint64_t bytes, vaddr_t *out_address)
{
    return TS_ERR_MEMORY;
}

volatile void *arch_device_map(paddr_t address, uint64_t bytes, unsigned prot,
                               enum arch_cache cache)
{
    return NULL;
}

void page_zero(void *page)
{
    memset(page, 0, PAGE_SIZE);
}
