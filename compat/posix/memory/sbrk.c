// SPDX-License-Identifier: MIT
// The heap under newlib's malloc: memory objects mapped one after the other in one region of the
// address space. Pages are charged when they are touched, so a large object costs nothing by
// itself; malloc's own lock is held whenever sbrk is called.
#include <stdint.h>
#include <tessera/lib/memory.h>
#include <unistd.h>
#include "core/posix.h"

#define CHUNK_FIRST (UINT64_C(64) << 20)
#define CHUNK_MAX   (UINT64_C(4) << 30)
#define CHUNK_MIN   (UINT64_C(1) << 20)
#define RELEASE_MIN (256u << 10) // less is not worth the calls

static struct {
    uintptr_t base, top, end; // [base, end) is mapped, [base, top) is malloc's
    uintptr_t chunk_base;     // of the last object
    ts_handle_t chunk;        // kept to give pages back
    uint64_t next_size;
} heap;

// A further object, at least `need` bytes, after the last one.
static ts_status_t grow(uint64_t need)
{
    uint64_t size = heap.next_size ? heap.next_size : CHUNK_FIRST;
    while (size < need) {
        size *= 2;
    }
    ts_handle_t memory;
    ts_status_t status = ts_memory_create(size, 0, &memory);
    while (status != TS_OK && size / 2 >= need && size / 2 >= CHUNK_MIN) {
        size /= 2;
        status = ts_memory_create(size, 0, &memory);
    }
    if (status != TS_OK) {
        return status;
    }
    unsigned flags = TS_MAP_READ | TS_MAP_WRITE | (heap.end ? TS_MAP_FIXED : 0);
    void *address;
    status = ts_memory_map(memory, (void *)heap.end, size, 0, flags, &address);
    if (status == TS_ERR_EXISTS) { // something else lies there: malloc copes with a gap
        status = ts_memory_map(memory, NULL, size, 0, TS_MAP_READ | TS_MAP_WRITE, &address);
    }
    if (status != TS_OK) {
        ts_close(memory);
        return status;
    }
    ts_close(heap.chunk);
    if ((uintptr_t)address != heap.end) {
        heap.base = heap.top = (uintptr_t)address;
    }
    heap.chunk = memory;
    heap.chunk_base = (uintptr_t)address;
    heap.end = heap.chunk_base + size;
    heap.next_size = size < CHUNK_MAX ? size * 2 : size;
    return TS_OK;
}

// Truncating the object frees its pages; growing it again makes them zeros, to be charged anew.
static void release(uintptr_t from)
{
    uint64_t keep = TS_PAGE_ROUND(from - heap.chunk_base);
    uint64_t size = heap.end - heap.chunk_base;
    if (ts_set_u64(heap.chunk, TS_PROPERTY_SIZE, keep) == TS_OK &&
        ts_set_u64(heap.chunk, TS_PROPERTY_SIZE, size) != TS_OK) {
        heap.end = heap.chunk_base + keep;
    }
}

void *sbrk(ptrdiff_t increment)
{
    uintptr_t old = heap.top;
    if (increment < 0) {
        uintptr_t less = -(uintptr_t)increment;
        uintptr_t floor = heap.chunk_base > heap.base ? heap.chunk_base : heap.base;
        if (less > old - floor) {
            return (void *)(intptr_t)posix_fail(ENOMEM);
        }
        heap.top = old - less;
        if (less >= RELEASE_MIN) {
            release(heap.top);
        }
        return (void *)old;
    }
    if ((uintptr_t)increment > heap.end - heap.top) {
        ts_status_t status = grow((uintptr_t)increment);
        if (status != TS_OK) {
            return (void *)(intptr_t)posix_fail(ENOMEM);
        }
        old = heap.top;
    }
    heap.top = old + (uintptr_t)increment;
    return (void *)old;
}
