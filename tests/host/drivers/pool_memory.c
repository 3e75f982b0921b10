// SPDX-License-Identifier: MIT
#include "pool_memory.h"

#include <stdlib.h>
#include <tessera/lib/memory.h>

size_t pool_mapped;
unsigned pool_unmaps;
bool pool_exhausted;
struct ts_loop pool_loop = {.now = TS_SECOND};

ts_status_t ts_memory_allocate_now(size_t size, void **out_address)
{
    if (pool_exhausted) {
        return TS_ERR_LIMIT;
    }
    *out_address = malloc(size); // the sanitizer sees what is written beyond an arena
    pool_mapped += TS_PAGE_ROUND(size);
    return TS_OK;
}

ts_status_t ts_memory_unmap(void *address, size_t length)
{
    pool_mapped -= length;
    pool_unmaps++;
    free(address);
    return TS_OK;
}

ts_time_t ts_clock_now(void)
{
    return pool_loop.now;
}

void pool_pass(ts_time_t time)
{
    ts_time_t until = pool_loop.now + time;
    struct ts_timer *timer;
    while ((timer = pool_loop.timers) != NULL && timer->deadline <= until) {
        if (timer->deadline > pool_loop.now) {
            pool_loop.now = timer->deadline;
        }
        ts_timer_disarm(&pool_loop, timer);
        timer->fired(timer);
    }
    pool_loop.now = until;
}
