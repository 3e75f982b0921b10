// SPDX-License-Identifier: MIT
// See vast.h. What the kernel walks over is either very many things or a very large hole.
#include "vast.h"

#include "measure.h"

#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/port.h>

#define PAGE ((uint64_t)TS_PAGE_SIZE)
#define GIB  ((uint64_t)1 << 30)

enum { REGIONS = 60000, INBOX_PAGES = 8192, PROTECTION = TS_MAP_READ | TS_MAP_WRITE };

static void resize(ts_handle_t memory, uint64_t bytes)
{
    measure_need(ts_set_u64(memory, TS_PROPERTY_SIZE, bytes), "size");
}

// An inbox of more than there is, and one of much.
static void inboxes(void)
{
    ts_handle_t vast, large, port;
    measure_need(ts_memory_create(60 * GIB, 0, &vast), "memory");
    ts_status_t status = ts_port_create(1, 1, vast, 64, &port);
    measure_need(status == TS_ERR_LIMIT ? TS_OK : TS_ERR_CORRUPT, "an inbox of 60 GiB");
    measure_need(ts_memory_create(INBOX_PAGES * PAGE, 0, &large), "memory");
    measure_need(ts_port_create(1, 1, large, 64, &port), "inbox");
    ts_close(port);
    ts_close(large);
    ts_close(vast);
}

// Regions of one page each, some of them touched, and then the memory is gone.
static void regions(void)
{
    ts_handle_t memory;
    void *at;
    measure_need(ts_memory_create(REGIONS * PAGE, 0, &memory), "memory");
    for (uint64_t i = 0; i < REGIONS; i++) {
        measure_need(ts_memory_map(memory, NULL, PAGE, i * PAGE, PROTECTION, &at), "region");
        if (i % 8 == 0) {
            *(volatile char *)at = 1;
        }
    }
    resize(memory, PAGE);
    ts_close(memory); // the regions go with the process
}

// Pages as far apart as they can be, mapped in one piece, which another piece begins.
static void far_apart(void)
{
    ts_handle_t memory;
    void *at;
    uint64_t size = (uint64_t)1 << 44;
    measure_need(ts_memory_create(size, 0, &memory), "memory");
    measure_need(ts_memory_map(memory, NULL, size, 0, PROTECTION, &at), "region");
    for (uint64_t i = 0; i < 200; i++) {
        ((volatile char *)at)[i * (size / 200)] = 1;
    }
    resize(memory, 0);
    resize(memory, size);
    for (uint64_t i = 0; i < 2000; i++) {
        ((volatile char *)at)[i * 65 * PAGE] = 1; // each in a node of its own
    }
    resize(memory, 0);
    measure_need(ts_memory_unmap(at, size), "unmap");
    ts_close(memory);
}

void vast_memory(void)
{
    inboxes();
    far_apart();
    regions();
}
