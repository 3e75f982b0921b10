// SPDX-License-Identifier: MIT
// Shares of a pool: the rule, by hand and one by one, and random clients against a plain array.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/share.h>

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

#define PLACES  64u
#define CLIENTS 90u

static struct ts_holder holders[PLACES];
static struct ts_share share;

static uint32_t seed = 1;

static uint32_t below(uint32_t limit)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % limit;
}

static void begin(uint64_t capacity)
{
    memset(holders, 0, sizeof(holders));
    ts_share_init(&share, capacity, holders, PLACES);
}

static uint64_t take_all(uint32_t client)
{
    uint64_t count = 0;
    while (ts_share_take(&share, client, 1) == TS_OK) {
        count++;
    }
    return count;
}

static void test_each_leaves_half(void)
{
    begin(100);
    CHECK(take_all(7) == 51);
    CHECK(take_all(8) == 25);
    CHECK(take_all(9) == 13);
    CHECK(take_all(7) == 0);
    CHECK(share.left == 11);
    ts_share_give(&share, 7, 51);
    CHECK(take_all(8) == 19 && ts_share_of(&share, 8) == 44);
    CHECK(ts_share_of(&share, 7) == 0 && ts_share_take(&share, 7, 0) == TS_OK);
}

// Many at once are what one by one would be.
static void test_many_at_once(void)
{
    for (uint64_t pool = 0; pool < 40; pool++) {
        for (uint64_t had = 0; had < 20; had++) {
            for (uint64_t more = 1; more < 30; more++) {
                begin(pool);
                uint64_t has = 0, added = 0;
                while (has < had && ts_share_take(&share, 1, 1) == TS_OK) {
                    has++;
                }
                struct ts_share before = share;
                while (added < more && ts_share_take(&share, 1, 1) == TS_OK) {
                    added++;
                }
                ts_share_give(&share, 1, added);
                CHECK(share.left == before.left);
                CHECK((more <= ts_share_left(&share, 1)) == (added == more));
                CHECK((ts_share_take(&share, 1, more) == TS_OK) == (added == more));
                CHECK(ts_share_of(&share, 1) == has + (added == more ? more : 0));
            }
        }
    }
    begin(UINT64_MAX);
    CHECK(ts_share_take(&share, 1, UINT64_MAX) == TS_ERR_LIMIT);
    CHECK(ts_share_take(&share, 1, UINT64_C(1) << 63) == TS_OK);
    CHECK(ts_share_take(&share, 2, UINT64_MAX) == TS_ERR_LIMIT);
}

static void test_against_an_array(void)
{
    static uint64_t has[CLIENTS];
    uint64_t left = 5000;
    uint32_t used = 0;
    begin(left);
    for (unsigned i = 0; i < 400000; i++) {
        uint32_t client = below(CLIENTS);
        if (below(2) == 0) {
            uint64_t count = 1 + below(40);
            bool fits =
                has[client] <= left && count <= left && count - 1 <= (left - has[client]) / 2;
            bool room = has[client] != 0 || used < 56;
            CHECK((ts_share_take(&share, client, count) == TS_OK) == (fits && room));
            if (fits && room) {
                used += has[client] == 0;
                has[client] += count;
                left -= count;
            }
        } else if (has[client] != 0) {
            uint64_t count = below(2) == 0 ? has[client] : 1 + below((uint32_t)has[client]);
            ts_share_give(&share, client, count);
            has[client] -= count;
            left += count;
            used -= has[client] == 0;
        }
        CHECK(share.left == left && share.used == used);
        CHECK(ts_share_of(&share, client) == has[client]);
    }
    for (uint32_t client = 0; client < CLIENTS; client++) {
        CHECK(ts_share_of(&share, client) == has[client]);
    }
}

int main(void)
{
    test_each_leaves_half();
    test_many_at_once();
    test_against_an_array();
    puts("share_test: ok");
    return 0;
}
