// SPDX-License-Identifier: MIT
// Pools: objects are their owner's alone, and what a peak took is given back, by the rule of
// pool.h.
#include <drivers/service/pool.h>

#include "pool_memory.h"
#include "tests/host/check.h"

#define IDLE    (POOL_IDLE_S * TS_SECOND)
#define RESERVE (2 * 64u * 1024u) // more than the arena that a pool keeps
#define MOST    2000u

static void *objects[MOST];

static void take_all(struct pool *pool)
{
    for (unsigned i = 0; i < pool->limit; i++) {
        objects[i] = pool_take(pool);
        CHECK(objects[i] != NULL && (size_t)objects[i] % 16 == 0);
        memset(objects[i], (int)(i % 251), pool->size);
    }
    CHECK(pool_take(pool) == NULL);
    CHECK_EQUAL(pool->used, pool->limit);
}

static void give_all(struct pool *pool)
{
    for (unsigned i = 0; i < pool->limit; i++) {
        const unsigned char *bytes = objects[i];
        CHECK(bytes[0] == i % 251 && bytes[pool->size - 1] == i % 251);
        pool_give(pool, objects[i]);
    }
    CHECK_EQUAL(pool->used, 0);
}

// Of each size as many as its limit, which are kept apart; then one arena is left.
static void test_sizes(void)
{
    static const uint32_t sizes[] = {16, 48, 1600, 4080, 12272, 16384, 65536};
    static struct pool pools[sizeof(sizes) / sizeof(sizes[0])];
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct pool *pool = &pools[i];
        *pool = (struct pool){.size = sizes[i], .limit = sizes[i] < 10000 ? MOST : 50};
        size_t before = pool_mapped;
        take_all(pool);
        size_t most = (size_t)pool->limit * pool->size;
        CHECK(pool_mapped - before >= most && pool_mapped - before <= 2 * most + RESERVE);
        give_all(pool);
        pool_pass(IDLE + TS_SECOND);
        CHECK(pool->arenas == 1 && pool_mapped - before <= RESERVE);
        CHECK(pool_loop.timers == NULL); // there is nothing more to do
    }
}

static struct pool pool = {.size = 1600, .limit = MOST, .clear = 32};

// Not before its time, and not all at once.
static void test_when(void)
{
    take_all(&pool);
    size_t peak = pool_mapped;
    give_all(&pool);
    pool_pass(IDLE - 1);
    CHECK_EQUAL(pool_mapped, peak);
    unsigned before = pool_unmaps, arenas = pool.arenas;
    pool_pass(1);
    CHECK(arenas > 32 && pool_unmaps - before == 16);
    pool_pass(TS_SECOND / 10);
    CHECK_EQUAL(pool.arenas, 1);
    uint64_t *object = pool_take(&pool); // and it goes on
    CHECK(object != NULL && object[0] == 0 && object[3] == 0);
    pool_give(&pool, object);
}

// A service that is used lightly after a peak does not keep the peak's memory; `hold`: an object
// of the peak, whose arena then gives.
static void light_use(bool hold)
{
    take_all(&pool);
    void *held = hold ? objects[MOST / 2] : NULL;
    for (unsigned i = 0; i < MOST; i++) {
        if (objects[i] != held) {
            pool_give(&pool, objects[i]);
        }
    }
    for (unsigned i = 0; i < 400; i++) {
        void *one = pool_take(&pool), *other = pool_take(&pool);
        pool_give(&pool, one);
        pool_give(&pool, other);
        pool_pass(IDLE / 300);
    }
    CHECK(pool.arenas <= 2);
    if (held != NULL) {
        pool_give(&pool, held);
    }
    pool_pass(2 * IDLE);
    CHECK_EQUAL(pool.arenas, 1);
}

// What is empty makes room for another pool at once, within a sum and within the job's limit.
static void test_makes_room(void)
{
    static size_t left = 1016u * 1024u; // what is not enough for another arena stays
    static struct pool first = {.size = 4080, .limit = MOST, .left = &left},
                       second = {.size = 1008, .limit = MOST, .left = &left};
    unsigned count = 0;
    while ((objects[count] = pool_take(&first)) != NULL) {
        count++;
    }
    CHECK(count > 200 && pool_take(&second) == NULL && left < 64 * 1024);
    while (count > 0) {
        pool_give(&first, objects[--count]);
    }
    void *object = pool_take(&second);
    CHECK(object != NULL);
    pool_give(&second, object);
    pool_exhausted = true;
    while ((objects[count] = pool_take(&second)) != NULL) { // what is there already
        count++;
    }
    pool_exhausted = false;
    CHECK(pool_take(&second) != NULL && count > 0);
}

int main(void)
{
    pool_start(&pool_loop);
    test_sizes();
    test_when();
    light_use(true);
    light_use(false);
    test_makes_room();
    return 0;
}
