// SPDX-License-Identifier: MIT
#include "pool.h"

#include <string.h>

#include <tessera/lib/memory.h>

#define ARENA (64u * 1024u)

// Before each item; `next` is used while it is free.
struct pool_item {
    struct arena *arena;
    struct pool_item *next;
};
_Static_assert(sizeof(struct pool_item) == 16, "items keep the alignment");

// A piece of memory, at its start.
struct arena {
    struct arena *next, *previous; // of those with room
    struct pool_item *free;
    uint32_t used, count;
    size_t bytes;
    bool idle; // nothing of it was used since the last trim
};

#define ARENA_HEAD ((sizeof(struct arena) + 15u) & ~15u)

void (*pool_wants_trim)(void);
static struct pool *pools;

static void unlink_arena(struct pool *pool, struct arena *arena)
{
    *(arena->previous != NULL ? &arena->previous->next : &pool->first) = arena->next;
    *(arena->next != NULL ? &arena->next->previous : &pool->last) = arena->previous;
}

static void link_first(struct pool *pool, struct arena *arena)
{
    arena->next = pool->first;
    arena->previous = NULL;
    *(pool->first != NULL ? &pool->first->previous : &pool->last) = arena;
    pool->first = arena;
}

static void link_last(struct pool *pool, struct arena *arena)
{
    arena->next = NULL;
    arena->previous = pool->last;
    *(pool->last != NULL ? &pool->last->next : &pool->first) = arena;
    pool->last = arena;
}

static void add_arena(struct pool *pool)
{
    void *memory;
    uint32_t size = pool->size + (uint32_t)sizeof(struct pool_item);
    uint32_t count = size < ARENA - ARENA_HEAD ? (ARENA - ARENA_HEAD) / size : 1;
    if (count > pool->limit - pool->made)
        count = pool->limit - pool->made;
    size_t bytes = ARENA_HEAD + (size_t)count * size;
    if (count == 0 || ts_memory_allocate(bytes, 0, NULL, &memory) != TS_OK)
        return;
    struct arena *arena = memory;
    *arena = (struct arena){.count = count, .bytes = bytes};
    for (char *at = (char *)memory + ARENA_HEAD; count > 0; count--, at += size) {
        struct pool_item *item = (struct pool_item *)(void *)at;
        *item = (struct pool_item){.arena = arena, .next = arena->free};
        arena->free = item;
    }
    pool->made += arena->count;
    link_first(pool, arena);
    if (!pool->listed) {
        pool->listed = true;
        pool->next = pools;
        pools = pool;
    }
}

void *pool_take(struct pool *pool)
{
    if (pool->first == NULL)
        add_arena(pool);
    struct arena *arena = pool->first;
    if (arena == NULL)
        return NULL;
    struct pool_item *item = arena->free;
    arena->free = item->next;
    arena->idle = false;
    arena->used++;
    if (arena->free == NULL)
        unlink_arena(pool, arena);
    pool->used++;
    memset(item + 1, 0, pool->clear);
    return item + 1;
}

void pool_give(struct pool *pool, void *memory)
{
    struct pool_item *item = (struct pool_item *)memory - 1;
    struct arena *arena = item->arena;
    if (arena->free == NULL)
        link_first(pool, arena);
    item->next = arena->free;
    arena->free = item;
    pool->used--;
    if (--arena->used > 0)
        return;
    if (arena != pool->last) { // what is in use is used first, so that this one stays free
        unlink_arena(pool, arena);
        link_last(pool, arena);
    }
    if (pool_wants_trim != NULL)
        pool_wants_trim();
}

static bool trim(struct pool *pool)
{
    bool more = false;
    struct arena *before;
    for (struct arena *arena = pool->last; arena != NULL && arena->used == 0; arena = before) {
        before = arena->previous;
        if (!arena->idle) {
            arena->idle = more = true;
            continue;
        }
        unlink_arena(pool, arena);
        pool->made -= arena->count;
        (void)ts_memory_unmap(arena, TS_PAGE_ROUND(arena->bytes));
    }
    return more;
}

bool pool_trim_all(void)
{
    bool more = false;
    for (struct pool *pool = pools; pool != NULL; pool = pool->next)
        more |= trim(pool);
    return more;
}
