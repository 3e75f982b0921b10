// SPDX-License-Identifier: MIT
#include <drivers/service/pool.h>

#include <tessera/lib/memory.h>

#define ARENA_LEAST     (16u * 1024u) // a pool's first arena; each is twice the one before
#define ARENA_DOUBLINGS 2u            // so often
#define ARENA_HEAD      ((sizeof(struct pool_arena) + 15u) & ~15u)
#define IDLE_NS         (POOL_IDLE_S * TS_SECOND)
#define STEPS           16u // arenas that are given back at once
#define PAUSE_NS        (20 * TS_MILLISECOND)

static struct pool *pools;
static struct ts_loop *loop; // NULL: nothing is given back
static struct ts_timer timer;

static void unlink_arena(struct pool_arena **list, struct pool_arena *arena)
{
    *(arena->previous != NULL ? &arena->previous->next : list) = arena->next;
    if (arena->next != NULL) {
        arena->next->previous = arena->previous;
    }
    arena->next = arena->previous = NULL;
}

static void link_first(struct pool_arena **list, struct pool_arena *arena)
{
    arena->next = *list;
    if (*list != NULL) {
        (*list)->previous = arena;
    }
    *list = arena;
}

// ---- Giving back

static void remove_empty(struct pool_arena *arena)
{
    struct pool *pool = arena->pool;
    if (pool->oldest == arena) {
        pool->oldest = arena->previous;
    }
    unlink_arena(&pool->empty, arena);
}

static void give_back_arena(struct pool_arena *arena)
{
    struct pool *pool = arena->pool;
    remove_empty(arena);
    pool->made -= arena->count;
    pool->arenas--;
    if (pool->left != NULL) {
        *pool->left += arena->bytes;
    }
    (void)ts_memory_unmap(arena, arena->bytes);
}

// Those that have been empty since then or longer. How many: not more than STEPS.
static uint32_t give_back(ts_time_t since)
{
    uint32_t given = 0;
    for (struct pool *pool = pools; pool != NULL; pool = pool->next) {
        while (given < STEPS && pool->oldest != NULL && pool->oldest->emptied <= since) {
            give_back_arena(pool->oldest);
            given++;
        }
    }
    return given;
}

// ---- Adding

static void *take_memory(struct pool *pool, size_t bytes)
{
    void *memory;
    if (pool->left != NULL && *pool->left < bytes) {
        return NULL;
    }
    if (ts_memory_allocate_now(bytes, &memory) != TS_OK) {
        return NULL;
    }
    if (pool->left != NULL) {
        *pool->left -= bytes;
    }
    return memory;
}

static void list_pool(struct pool *pool)
{
    if (pool->listed) {
        return;
    }
    pool->listed = true;
    pool->next = pools;
    pools = pool;
}

// A new arena, open. Large objects have one each.
static struct pool_arena *add_arena(struct pool *pool)
{
    size_t size = pool->size + sizeof(struct pool_item);
    unsigned doublings = pool->arenas < ARENA_DOUBLINGS ? pool->arenas : ARENA_DOUBLINGS;
    size_t target = (size_t)ARENA_LEAST << doublings, room = target - ARENA_HEAD;
    uint32_t count = size < ARENA_LEAST ? (uint32_t)(room / size) : 1;
    if (count > pool->limit - pool->made) {
        count = pool->limit - pool->made;
    }
    size_t bytes = TS_PAGE_ROUND(ARENA_HEAD + count * size);
    void *memory = count > 0 ? take_memory(pool, bytes) : NULL;
    if (memory == NULL) {
        return NULL;
    }
    struct pool_arena *arena = memory;
    *arena = (struct pool_arena){.pool = pool, .count = count, .bytes = bytes};
    for (char *at = (char *)memory + ARENA_HEAD + count * size; count > 0; count--) {
        struct pool_item *item = (struct pool_item *)(void *)(at -= size);
        *item = (struct pool_item){.arena = arena, .next = arena->free};
        arena->free = item;
    }
    pool->made += arena->count;
    pool->arenas++;
    list_pool(pool);
    link_first(&pool->open, arena);
    return arena;
}

static struct pool_arena *take_empty(struct pool *pool)
{
    struct pool_arena *arena = pool->empty;
    if (arena == NULL) {
        return NULL;
    }
    remove_empty(arena);
    link_first(&pool->open, arena);
    return arena;
}

struct pool_arena *pool_open(struct pool *pool)
{
    struct pool_arena *arena = take_empty(pool);
    if (arena == NULL) {
        arena = add_arena(pool);
    }
    // What other pools do not need makes room.
    if (arena == NULL && pool->made < pool->limit && give_back(INT64_MAX) > 0) {
        arena = add_arena(pool);
    }
    return arena;
}

// ---- Use

void pool_full(struct pool_arena *arena)
{
    unlink_arena(&arena->pool->open, arena);
}

void pool_reopen(struct pool_arena *arena)
{
    link_first(&arena->pool->open, arena);
}

void pool_emptied(struct pool_arena *arena)
{
    struct pool *pool = arena->pool;
    unlink_arena(&pool->open, arena);
    link_first(&pool->empty, arena);
    if (pool->oldest == NULL) {
        pool->oldest = arena;
    }
    if (loop == NULL) {
        return;
    }
    arena->emptied = ts_loop_now(loop);
    if (!timer.armed) {
        ts_timer_arm(loop, &timer, arena->emptied + IDLE_NS);
    }
}

// When the next arena has been empty for long enough; INT64_MAX: none is.
static ts_time_t soonest(void)
{
    ts_time_t next = INT64_MAX;
    for (const struct pool *pool = pools; pool != NULL; pool = pool->next) {
        if (pool->oldest != NULL && pool->oldest->emptied + IDLE_NS < next) {
            next = pool->oldest->emptied + IDLE_NS;
        }
    }
    return next;
}

static void on_timer(struct ts_timer *of)
{
    (void)of;
    ts_time_t now = ts_loop_now(loop);
    bool more = give_back(now - IDLE_NS) == STEPS;
    ts_time_t next = more ? now + PAUSE_NS : soonest();
    if (next != INT64_MAX) {
        ts_timer_arm(loop, &timer, next);
    }
}

void pool_start(struct ts_loop *of)
{
    loop = of;
    timer.fired = on_timer;
}
