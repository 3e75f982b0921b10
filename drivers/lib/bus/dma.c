// SPDX-License-Identifier: MIT
#include <drivers/bus/dma.h>

#include <stdlib.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/resource.h>

// Pins all of it and checks that the device sees one range.
static ts_status_t pin(struct dma_memory *dma)
{
    size_t pages = dma->size / TS_PAGE_SIZE;
    uint64_t *addresses = malloc(pages * sizeof(*addresses));
    if (addresses == NULL) {
        return TS_ERR_MEMORY;
    }
    ts_status_t status = ts_domain_pin(dma->domain, dma->memory, 0, dma->size, addresses, pages);
    for (size_t i = 1; status == TS_OK && i < pages; i++) {
        if (addresses[i] != addresses[0] + i * TS_PAGE_SIZE) {
            status = ts_domain_unpin(dma->domain, dma->memory, 0, dma->size);
            status = status != TS_OK ? status : TS_ERR_MEMORY;
        }
    }
    dma->bus = addresses[0];
    free(addresses);
    return status;
}

ts_status_t dma_memory_create(struct dma_memory *dma, ts_handle_t domain, size_t size)
{
    *dma = (struct dma_memory){.domain = domain, .size = TS_PAGE_ROUND(size)};
    ts_status_t status =
        ts_memory_allocate(dma->size, TS_MEMORY_CONTIGUOUS, &dma->memory, &dma->address);
    if (status != TS_OK) {
        *dma = (struct dma_memory){0};
        return status;
    }
    status = pin(dma);
    if (status != TS_OK) {
        (void)ts_memory_unmap(dma->address, dma->size);
        ts_close(dma->memory);
        *dma = (struct dma_memory){0};
    }
    return status;
}

void dma_memory_destroy(struct dma_memory *dma)
{
    if (dma->size == 0) {
        return;
    }
    // The kernel keeps a pin that it will not undo, and with it the pages: nothing else to be done.
    (void)ts_domain_unpin(dma->domain, dma->memory, 0, dma->size);
    (void)ts_memory_unmap(dma->address, dma->size);
    ts_close(dma->memory);
    *dma = (struct dma_memory){0};
}
