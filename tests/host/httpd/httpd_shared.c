// SPDX-License-Identifier: MIT
// Who gives way when a pool that connections share is used up, and what pools give back.
#include <string.h>

#include <tessera/abi/status.h>
#include <tessera/lib/memory.h>

#include "pool.h"
#include "shared.h"
#include "tests/host/check.h"

static size_t mapped;

ts_status_t ts_memory_allocate(size_t size, unsigned flags, ts_handle_t *out_memory,
                               void **out_address)
{
    (void)flags;
    (void)out_memory;
    mapped += TS_PAGE_ROUND(size);
    *out_address = calloc(1, TS_PAGE_ROUND(size));
    return TS_OK;
}

ts_status_t ts_memory_unmap(void *address, size_t length)
{
    mapped -= length;
    free(address);
    return TS_OK;
}

static uint8_t address[16] = {[10] = 0xff, [11] = 0xff, [12] = 10};

// A connection of client 10.0.0.`client` that waits and holds of a pool.
static void begin(struct holder *holder, uint8_t client, enum shared pool, bool answering)
{
    *holder = (struct holder){0};
    address[15] = client;
    shared_set_peer(holder, address);
    shared_hold(holder, pool);
    shared_wait(holder, answering);
}

static void test_who_yields(void)
{
    struct holder a, b, c, d;
    CHECK(shared_yielding(SHARED_LARGE) == NULL && !shared_held(SHARED_LARGE));
    begin(&a, 1, SHARED_LARGE, false);
    begin(&b, 2, SHARED_LARGE, false);
    CHECK(shared_yielding(SHARED_LARGE) == &a); // one each: the oldest
    CHECK(shared_yielding(SHARED_PIECE) == NULL);
    begin(&c, 2, SHARED_LARGE, false);
    CHECK(shared_yielding(SHARED_LARGE) == &b); // the oldest of the client that has most
    shared_go_on(&b);
    CHECK(shared_yielding(SHARED_LARGE) == &c); // b does something
    shared_wait(&b, true);
    CHECK(shared_yielding(SHARED_LARGE) == &c); // b is being answered
    begin(&d, 1, SHARED_PIECE, false);          // another pool does not count
    CHECK(shared_yielding(SHARED_LARGE) == &c && shared_yielding(SHARED_PIECE) == &d);
    shared_forget(&c);
    CHECK(shared_yielding(SHARED_LARGE) == &a);
    shared_forget(&a);
    shared_forget(&b);
    shared_forget(&d);
    CHECK(!shared_held(SHARED_LARGE) && !shared_held(SHARED_PIECE));
}

// A host has the lower half of its IPv6 address to itself: all of it is one client.
static void test_one_host_of_ipv6(void)
{
    struct holder one, many[2];
    begin(&one, 1, SHARED_PLACE, false);
    for (uint8_t i = 0; i < 2; i++) {
        uint8_t of_host[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = i};
        many[i] = (struct holder){0};
        shared_hold(&many[i], SHARED_PLACE); // before the address is known
        shared_set_peer(&many[i], of_host);
        shared_wait(&many[i], false);
    }
    CHECK(shared_yielding(SHARED_PLACE) == &many[0]);
    shared_forget(&one);
    shared_forget(&many[0]);
    shared_forget(&many[1]);
}

// A pool of SIZE, which one client takes at twice its size; another still gets its place.
#define SIZE 256u

static unsigned places = SIZE, tried;

static void retry(struct holder *holder)
{
    CHECK(places > 0);
    places--;
    tried++;
    shared_hold(holder, SHARED_LARGE);
    shared_wait(holder, false);
}

static void ask(struct holder *holder, uint8_t client)
{
    *holder = (struct holder){0};
    address[15] = client;
    shared_set_peer(holder, address);
    if (places > 0) {
        retry(holder);
        return;
    }
    struct holder *yielding = shared_yielding(SHARED_LARGE);
    CHECK(yielding != NULL);
    shared_starve(holder, SHARED_LARGE, retry);
    shared_forget(yielding);
    places++;
}

static void test_twice_the_size(void)
{
    static struct holder hostile[2 * SIZE], honest[8];
    for (unsigned i = 0; i < 8; i++)
        ask(&honest[i], (uint8_t)(2 + i));
    for (unsigned i = 0; i < 2 * SIZE; i++) {
        ask(&hostile[i], 1);
        shared_resume();
    }
    CHECK_EQUAL(tried, 2 * SIZE + 8);
    for (unsigned i = 0; i < 8; i++) // none of the others gave way, though they are older
        CHECK((honest[i].holds & 1u << SHARED_LARGE) != 0);
    CHECK_EQUAL(places, 0);
}

static void test_pools_give_back(void)
{
    static struct pool pool = {.size = 1600, .limit = 1000, .clear = 16};
    void *items[1000];
    size_t before = mapped;
    for (unsigned i = 0; i < 1000; i++)
        items[i] = pool_take(&pool);
    CHECK(items[999] != NULL && pool_take(&pool) == NULL);
    CHECK(mapped - before >= 1000 * 1600);
    for (unsigned i = 0; i < 1000; i++) {
        if (i != 500)
            pool_give(&pool, items[i]);
    }
    CHECK(pool_trim_all()); // what is idle from now on
    void *again = pool_take(&pool);
    pool_give(&pool, again);
    (void)pool_trim_all();
    CHECK(mapped - before <= 128 << 10); // but for the piece that is used
    memset(items[500], 1, 1600);
    pool_give(&pool, items[500]);
    while (pool_trim_all())
        ;
    CHECK(pool.made == 0 && pool.used == 0);
    again = pool_take(&pool); // and it goes on
    CHECK(again != NULL && *(uint64_t *)again == 0);
    pool_give(&pool, again);
    while (pool_trim_all())
        ;
}

int main(void)
{
    test_who_yields();
    test_one_host_of_ipv6();
    test_pools_give_back();
    test_twice_the_size();
    return 0;
}
