// SPDX-License-Identifier: MIT
#include "fake_machine.h"

#include "tests/host/check.h"

#include <drivers/bus/dma.h>
#include <string.h>
#include <sys/mman.h>
#include <tessera/lib/clock.h>

ts_time_t fake_now = 1000;
bool fake_dma_low;

ts_time_t ts_clock_now(void)
{
    return fake_now;
}

ts_time_t ts_deadline_in(ts_time_t ns)
{
    return fake_now + ns;
}

void ts_sleep_until(ts_time_t deadline)
{
    fake_now = deadline;
}

ts_status_t dma_memory_create(struct dma_memory *dma, ts_handle_t domain, size_t size)
{
    size = (size + 4095) & ~(size_t)4095;
    void *address = fake_dma_low ? mmap(NULL, size, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0)
                                 : aligned_alloc(4096, size);
    CHECK(address != NULL && address != MAP_FAILED);
    *dma = (struct dma_memory){.address = address, .size = size, .domain = domain};
    memset(dma->address, 0, size);
    dma->bus = (uint64_t)(uintptr_t)dma->address;
    return TS_OK;
}

void dma_memory_destroy(struct dma_memory *dma)
{
    if (!fake_dma_low) {
        free(dma->address);
    } else if (dma->address != NULL) {
        munmap(dma->address, dma->size);
    }
    *dma = (struct dma_memory){0};
}
