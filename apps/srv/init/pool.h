// SPDX-License-Identifier: MIT
// Fixed pools of structures: init has no heap, and what it can be made to hold has a limit.
#pragma once

#include <stddef.h>

struct pool {
    unsigned char *storage;
    size_t item_size;
    size_t count, used; // used: items ever handed out
    void *free;         // given back, linked through their first word
};

#define POOL(type, number)                                                        \
    {                                                                             \
        .storage = (unsigned char *)(type[number]){0}, .item_size = sizeof(type), \
        .count = (number)                                                         \
    }

// A zeroed item, or NULL when all are in use.
void *pool_get(struct pool *pool);
void pool_put(struct pool *pool, void *item);
