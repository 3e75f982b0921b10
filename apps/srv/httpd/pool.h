// SPDX-License-Identifier: MIT
// Objects of one size, taken from memory objects as they are needed, at most `limit` of them. What
// a peak took is given back: a piece of memory of which nothing was used for POOL_IDLE_S seconds.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_IDLE_S 10

struct arena;

struct pool {
    uint32_t size, limit; // bytes of an item; most items
    uint32_t clear;       // bytes at its start that are zero when it is taken; the rest is anything
    uint32_t used, made;
    struct arena *first, *last; // those with room, those of which nothing is used at the end
    struct pool *next;          // of all that have memory
    bool listed;
};

#define POOL_SIZE(type) ((sizeof(type) + 15u) & ~15u)

// NULL: the limit or the job's is reached.
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *item);

// Gives back what was not used since the last call. False: there is nothing that a later call could
// give back.
bool pool_trim_all(void);

extern void (*pool_wants_trim)(void); // called when there is
