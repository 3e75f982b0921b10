// SPDX-License-Identifier: MIT
// Objects of one size, taken from memory objects as they are needed, at most `limit` of them.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct pool_item;

struct pool {
    uint32_t size, limit; // bytes of an item; most items
    uint32_t clear;       // bytes at its start that are zero when it is taken; the rest is anything
    uint32_t used, made;
    struct pool_item *free;
};

#define POOL_SIZE(type) ((sizeof(type) + 15u) & ~15u)

// NULL: the limit or the job's is reached.
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *item);
