// SPDX-License-Identifier: MIT
#include "pool.h"

#include <string.h>

#include <tessera/lib/memory.h>

#define ARENA (64u * 1024u)

struct pool_item {
    struct pool_item *next;
};

static void refill(struct pool *pool)
{
    void *memory;
    uint32_t count = pool->size < ARENA ? ARENA / pool->size : 1;
    if (count > pool->limit - pool->made)
        count = pool->limit - pool->made;
    if (count == 0 || ts_memory_allocate((size_t)count * pool->size, 0, NULL, &memory) != TS_OK)
        return;
    pool->made += count;
    for (char *item = memory; count > 0; count--, item += pool->size) {
        struct pool_item *free = (struct pool_item *)(void *)item;
        free->next = pool->free;
        pool->free = free;
    }
}

void *pool_take(struct pool *pool)
{
    if (pool->free == NULL)
        refill(pool);
    struct pool_item *item = pool->free;
    if (item == NULL)
        return NULL;
    pool->free = item->next;
    pool->used++;
    memset(item, 0, pool->clear);
    return item;
}

void pool_give(struct pool *pool, void *item)
{
    struct pool_item *free = item;
    free->next = pool->free;
    pool->free = free;
    pool->used--;
}
