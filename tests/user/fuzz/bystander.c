// SPDX-License-Identifier: MIT
// See bystander.h.
#include "bystander.h"

#include "tap.h"

#include <tessera/lib/memory.h>

#define WORDS (TS_PAGE_SIZE / sizeof(uint64_t))

static uint64_t *pages;
static ts_handle_t memory;
static unsigned next;

static uint64_t pattern(unsigned page)
{
    return (page + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

void bystander_begin(void)
{
    ts_handle_t between;
    void *at;
    CHECK_OK(ts_memory_allocate((size_t)BYSTANDER_PAGES * TS_PAGE_SIZE, 0, &memory, &at));
    CHECK_OK(ts_memory_create((size_t)BYSTANDER_PAGES * TS_PAGE_SIZE, 0, &between));
    pages = at;
    for (unsigned page = 0; page < BYSTANDER_PAGES; page++) {
        for (unsigned i = 0; i < WORDS; i++) {
            pages[page * WORDS + i] = pattern(page);
        }
        CHECK_OK(ts_memory_commit(between, (uint64_t)page * TS_PAGE_SIZE, TS_PAGE_SIZE));
    }
    ts_close(between); // what lay between is free now
    next = 0;
}

void bystander_check(unsigned count)
{
    for (; count > 0; count--, next = (next + 1) % BYSTANDER_PAGES) {
        const uint64_t *words = &pages[next * WORDS];
        uint64_t expected = pattern(next), different = 0;
        for (unsigned i = 0; i < WORDS; i++) {
            different |= words[i] ^ expected;
        }
        if (different == 0) {
            continue;
        }
        tap_note("page %u of the bystander begins with %016lx instead of %016lx", next,
                 (unsigned long)words[0], (unsigned long)expected);
        CHECK(!"memory of somebody else was written");
    }
}

void bystander_end(void)
{
    CHECK_OK(ts_memory_unmap(pages, (size_t)BYSTANDER_PAGES * TS_PAGE_SIZE));
    ts_close(memory);
}
