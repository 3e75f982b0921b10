// SPDX-License-Identifier: MIT
// What gives way when a pool that connections share is used up.
#include <string.h>

#include "shared.h"
#include "tests/host/check.h"

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
    for (unsigned i = 0; i < 8; i++) {
        ask(&honest[i], (uint8_t)(2 + i));
    }
    for (unsigned i = 0; i < 2 * SIZE; i++) {
        ask(&hostile[i], 1);
        shared_resume();
    }
    CHECK_EQUAL(tried, 2 * SIZE + 8);
    for (unsigned i = 0; i < 8; i++) { // none of the others gave way, though they are older
        CHECK((honest[i].holds & 1u << SHARED_LARGE) != 0);
    }
    CHECK_EQUAL(places, 0);
}

int main(void)
{
    test_who_yields();
    test_one_host_of_ipv6();
    test_twice_the_size();
    return 0;
}
