// SPDX-License-Identifier: MIT
// Objects of one size, at most `limit` of them. They lie in arenas, memory objects with all their
// pages: the job's limit is met where an arena is added, and no touch ends the service later.
//
// What a peak took is given back: an arena that has been empty for POOL_IDLE_S seconds, or at once
// where another needs the memory; save one of each pool, which is kept for the next. Arenas that
// are in use give first, and of the empty ones the one that was used last, so that others stay
// empty.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <tessera/lib/loop.h>

#define POOL_IDLE_S 3

// Before each object; `next` is used while it is free.
struct pool_item {
    struct pool_arena *arena;
    struct pool_item *next;
};
_Static_assert(sizeof(struct pool_item) == 16, "objects keep the alignment");

struct pool;

struct pool_arena {
    struct pool *pool;
    struct pool_arena *next, *previous; // in one of the pool's lists
    struct pool_item *free;             // NULL: it is full, and in no list
    uint32_t used, count;
    size_t bytes;
    ts_time_t emptied; // when
};

struct pool {
    uint32_t size;  // bytes of an object, a multiple of 16: POOL_SIZE
    uint32_t limit; // most objects
    uint32_t clear; // bytes at its start that are zero when it is taken; the rest is anything
    size_t *left;   // bytes that arenas may still take, of several pools together; NULL: any
    uint32_t used, made, arenas;
    struct pool_arena *open;           // those with room; at most one of them is empty, the last
    struct pool_arena *empty, *oldest; // the other empty ones: first the one that was used last
    struct pool *next;                 // of all that have had memory
    bool listed;
};

#define POOL_SIZE(type) ((sizeof(type) + 15u) & ~15u)

// From now on what is empty is given back, by a timer of the loop.
void pool_start(struct ts_loop *loop);

// For pool_take and pool_give.
struct pool_arena *pool_open(struct pool *pool); // one with room; NULL
void pool_full(struct pool_arena *arena);
void pool_reopen(struct pool_arena *arena);
void pool_emptied(struct pool_arena *arena);

// NULL: the limit, that of several pools or the job's is reached.
static inline void *pool_take(struct pool *pool)
{
    struct pool_arena *arena = pool->open != NULL ? pool->open : pool_open(pool);
    if (arena == NULL) {
        return NULL;
    }
    struct pool_item *item = arena->free;
    arena->free = item->next;
    arena->used++;
    pool->used++;
    if (arena->free == NULL) {
        pool_full(arena);
    }
    if (pool->clear > 0) {
        memset(item + 1, 0, pool->clear);
    }
    return item + 1;
}

static inline struct pool_arena *pool_arena_of(const void *object)
{
    return ((const struct pool_item *)object - 1)->arena;
}

static inline void pool_give(struct pool *pool, void *object)
{
    struct pool_item *item = (struct pool_item *)object - 1;
    struct pool_arena *arena = item->arena;
    if (arena->free == NULL) {
        pool_reopen(arena);
    }
    item->next = arena->free;
    arena->free = item;
    pool->used--;
    if (--arena->used == 0 && (arena->next != NULL || arena->previous != NULL)) {
        pool_emptied(arena);
    }
}
