// SPDX-License-Identifier: MIT
#include "pool.h"
#include <string.h>

void *pool_get(struct pool *pool)
{
    void *item = pool->free;
    if (item != NULL) {
        memcpy(&pool->free, item, sizeof(pool->free));
    } else if (pool->used < pool->count) {
        item = pool->storage + pool->used++ * pool->item_size;
    }
    if (item != NULL) {
        memset(item, 0, pool->item_size);
    }
    return item;
}

void pool_put(struct pool *pool, void *item)
{
    memcpy(item, &pool->free, sizeof(pool->free));
    pool->free = item;
}
