// SPDX-License-Identifier: MIT
// Where content lies: pages in chunks of 64. A chunk is mapped with all its pages and page tables
// when it is first needed, which is where there may be no memory; nothing fails by a touch. It goes
// back when none of its pages is in use and enough others are free.
//
// Pages are numbered through all chunks. Each is taken for a client, up to its share.
#pragma once

#include <tessera/lib/share.h>

#define STORE_PAGE  4096u
#define STORE_CHUNK 64u        // pages
#define STORE_NONE  UINT32_MAX // no page

struct chunk {
    unsigned char *bytes; // NULL: it is not there
    uint64_t free, dirty; // a bit a page; free and dirty: not zeros
};

struct store {
    struct ts_share share; // of pages
    struct chunk *chunks;
    uint32_t chunk_count;
    uint32_t free; // pages of the chunks that are there
    uint64_t capacity;
};

// `clients`: as many can have pages at the same time. TS_ERR_MEMORY.
TS_MUST_USE ts_status_t store_init(struct store *store, uint64_t pages, uint64_t clients);
void store_fini(struct store *store); // no page is in use

// Lets a client have `count` more, which are there from now on: `store_run` until all of them are
// in use. TS_ERR_LIMIT: beyond its share; TS_ERR_NO_SPACE: there is no memory.
TS_MUST_USE ts_status_t store_take(struct store *store, uint32_t client, uint32_t count);

// Some of them, at most `most`, one after the other in one chunk; from page `near` on if that is
// free (STORE_NONE: anywhere). They are zeros. Returns how many.
uint32_t store_run(struct store *store, uint32_t near, uint32_t most, uint32_t *out_page);

void store_give(struct store *store, uint32_t client, uint32_t page, uint32_t count);

static inline unsigned char *store_bytes(const struct store *store, uint32_t page)
{
    return store->chunks[page / STORE_CHUNK].bytes + (uint64_t)(page % STORE_CHUNK) * STORE_PAGE;
}

static inline uint64_t store_used(const struct store *store)
{
    return store->capacity - store->share.left;
}
