// SPDX-License-Identifier: MIT
#include "fake_machine.h"

#include "tests/host/check.h"

#include <drivers/bus/dma.h>
#include <string.h>
#include <tessera/lib/clock.h>

ts_time_t fake_now = 1000;

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
    *dma =
        (struct dma_memory){.address = aligned_alloc(4096, size), .size = size, .domain = domain};
    CHECK(dma->address);
    memset(dma->address, 0, size);
    dma->bus = (uint64_t)(uintptr_t)dma->address;
    return TS_OK;
}

void dma_memory_destroy(struct dma_memory *dma)
{
    free(dma->address);
    *dma = (struct dma_memory){0};
}
