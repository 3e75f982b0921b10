// SPDX-License-Identifier: MIT
// See store.h.
#include "store.h"
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/memory.h>

#define ALL UINT64_MAX

// `count` bits from `bit` on.
static uint64_t mask_of(uint32_t bit, uint32_t count)
{
    return (count == STORE_CHUNK ? ALL : (UINT64_C(1) << count) - 1) << bit;
}

ts_status_t store_init(struct store *store, uint64_t pages, uint64_t clients)
{
    uint32_t places = 8;
    while (places < 2 * clients) {
        places *= 2;
    }
    uint64_t chunks = (pages + STORE_CHUNK - 1) / STORE_CHUNK;
    *store = (struct store){.chunk_count = (uint32_t)chunks, .capacity = pages};
    store->chunks = calloc(chunks, sizeof(*store->chunks));
    struct ts_holder *holders = calloc(places, sizeof(*holders));
    if (store->chunks == NULL || holders == NULL) {
        free(store->chunks);
        free(holders);
        return TS_ERR_MEMORY;
    }
    ts_share_init(&store->share, pages, holders, places);
    return TS_OK;
}

static ts_status_t chunk_add(struct store *store)
{
    struct chunk *chunk = store->chunks;
    while (chunk->bytes !=
           NULL) { // there is one: all pages of all chunks are more than any may have
        chunk++;
    }
    void *bytes;
    if (ts_memory_allocate_now(STORE_CHUNK * STORE_PAGE, &bytes) != TS_OK) {
        return TS_ERR_NO_SPACE;
    }
    *chunk = (struct chunk){.bytes = bytes, .free = ALL};
    store->free += STORE_CHUNK;
    return TS_OK;
}

static void chunk_remove(struct store *store, struct chunk *chunk)
{
    (void)ts_memory_unmap(chunk->bytes, STORE_CHUNK * STORE_PAGE);
    *chunk = (struct chunk){0};
    store->free -= STORE_CHUNK;
}

void store_fini(struct store *store)
{
    for (uint32_t i = 0; i < store->chunk_count; i++) {
        if (store->chunks[i].bytes != NULL) {
            chunk_remove(store, &store->chunks[i]);
        }
    }
    free(store->chunks);
    free(store->share.holders);
}

ts_status_t store_take(struct store *store, uint32_t client, uint32_t count)
{
    ts_status_t status = ts_share_take(&store->share, client, count);
    if (status != TS_OK) {
        return status;
    }
    while (status == TS_OK && store->free < count) {
        status = chunk_add(store);
    }
    if (status != TS_OK) {
        ts_share_give(&store->share, client, count);
    }
    return status;
}

// The first free page: `near`, or any.
static uint32_t first_free(const struct store *store, uint32_t near)
{
    uint32_t at = near / STORE_CHUNK;
    if (at < store->chunk_count && store->chunks[at].free >> (near % STORE_CHUNK) & 1) {
        return near;
    }
    for (at = 0; store->chunks[at].free == 0;) {
        at++; // there is one: it was taken
    }
    return at * STORE_CHUNK + (uint32_t)__builtin_ctzll(store->chunks[at].free);
}

uint32_t store_run(struct store *store, uint32_t near, uint32_t most, uint32_t *out_page)
{
    uint32_t page = first_free(store, near), bit = page % STORE_CHUNK;
    struct chunk *chunk = &store->chunks[page / STORE_CHUNK];
    uint64_t taken = ~(chunk->free >> bit);
    uint32_t count = taken ? (uint32_t)__builtin_ctzll(taken) : STORE_CHUNK;
    count = count < most ? count : most;
    for (uint32_t i = 0; i < count; i++) {
        if (chunk->dirty >> (bit + i) & 1) {
            memset(store_bytes(store, page + i), 0, STORE_PAGE);
        }
    }
    chunk->free &= ~mask_of(bit, count);
    chunk->dirty |= mask_of(bit, count);
    store->free -= count;
    *out_page = page;
    return count;
}

void store_give(struct store *store, uint32_t client, uint32_t page, uint32_t count)
{
    struct chunk *chunk = &store->chunks[page / STORE_CHUNK];
    chunk->free |= mask_of(page % STORE_CHUNK, count);
    store->free += count;
    ts_share_give(&store->share, client, count);
    if (chunk->free == ALL && store->free >= 2 * STORE_CHUNK) {
        chunk_remove(store, chunk);
    }
}
