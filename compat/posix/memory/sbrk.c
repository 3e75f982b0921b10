// SPDX-License-Identifier: MIT
// The heap under newlib's malloc: memory objects, each in a region of its own; malloc copes with
// the gaps. A large object costs nothing by itself: pages and page tables are made, and
// charged, when malloc gets them. So it is malloc that fails where there are none, and no touch of
// what it gave does. malloc's own lock is held whenever sbrk is called.
#include <stdint.h>
#include <tessera/lib/memory.h>
#include <unistd.h>
#include "core/posix.h"

#define CHUNK_FIRST (UINT64_C(64) << 20)
#define CHUNK_MAX   (UINT64_C(4) << 30)
#define CHUNK_MIN   (UINT64_C(1) << 20)
#define RELEASE_MIN (256u << 10)         // less is not worth the calls
#define STEP        (UINT64_C(16) << 10) // pages that are made at once
#define TABLE       (UINT64_C(2) << 20)  // what a page table is for

static struct {
    uintptr_t base, top, end; // the last object is mapped at [base, end); [base, top) is malloc's
    uintptr_t made, tables;   // pages are there below `made`, page tables below `tables`
    ts_handle_t chunk;        // the object
    uint64_t next_size;
} heap;

// A further object, at least `need` bytes.
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
    void *address;
    status = ts_memory_map(memory, NULL, size, 0, TS_MAP_READ | TS_MAP_WRITE, &address);
    if (status != TS_OK) {
        ts_close(memory);
        return status;
    }
    ts_close(heap.chunk); // its mapping keeps it
    heap.chunk = memory;
    heap.base = heap.top = heap.made = heap.tables = (uintptr_t)address;
    heap.end = heap.base + size;
    heap.next_size = size < CHUNK_MAX ? size * 2 : size;
    return TS_OK;
}

// Truncating the object frees its pages; growing it again makes them zeros, to be charged anew.
static void release(uintptr_t from)
{
    uint64_t keep = TS_PAGE_ROUND(from - heap.base);
    uint64_t size = heap.end - heap.base;
    if (ts_set_u64(heap.chunk, TS_PROPERTY_SIZE, keep) == TS_OK &&
        ts_set_u64(heap.chunk, TS_PROPERTY_SIZE, size) != TS_OK) {
        heap.end = heap.base + keep;
    }
    heap.made = heap.tables = heap.base + keep;
}

// A touch by the kernel makes a page table, or says that it cannot.
static ts_status_t make_tables(uintptr_t until)
{
    ts_status_t status = TS_OK;
    while (status == TS_OK && heap.tables < until) {
        size_t bytes;
        status = ts_read(heap.chunk, (void *)heap.tables, 1, heap.tables - heap.base,
                         TS_DEADLINE_NONE, &bytes);
        heap.tables = (heap.tables / TABLE + 1) * TABLE;
    }
    return status;
}

// From `made` to there, all of it or nothing.
static ts_status_t make_exactly(uintptr_t until)
{
    uintptr_t from = heap.made;
    ts_status_t status = ts_memory_commit(heap.chunk, from - heap.base, until - from);
    status = status != TS_OK ? status : make_tables(until);
    if (status == TS_OK) {
        heap.made = until;
    } else {
        release(from);
    }
    return status;
}

// What is missing below `until`, and a little more if that can be had.
static ts_status_t make(uintptr_t until)
{
    if (until <= heap.made) {
        return TS_OK;
    }
    uintptr_t exact = TS_PAGE_ROUND(until), more = heap.made + STEP;
    if (more > exact && more <= heap.end && make_exactly(more) == TS_OK) {
        return TS_OK;
    }
    return make_exactly(exact);
}

void *sbrk(ptrdiff_t increment)
{
    uintptr_t old = heap.top;
    if (increment < 0) {
        uintptr_t less = -(uintptr_t)increment;
        if (less > old - heap.base) {
            return (void *)(intptr_t)posix_fail(ENOMEM);
        }
        heap.top = old - less;
        if (less >= RELEASE_MIN) {
            release(heap.top);
        }
        return (void *)old;
    }
    ts_status_t status = TS_OK;
    if ((uintptr_t)increment > heap.end - heap.top) {
        status = grow((uintptr_t)increment);
        old = heap.top;
    }
    status = status != TS_OK ? status : make(old + (uintptr_t)increment);
    if (status != TS_OK) {
        return (void *)(intptr_t)posix_fail(ENOMEM);
    }
    heap.top = old + (uintptr_t)increment;
    return (void *)old;
}
