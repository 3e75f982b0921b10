// SPDX-License-Identifier: MIT
#include "shared.h"

#include <string.h>

#include <drivers/service/pool.h>

#include "httpd.h"

#define BUCKETS 256u

struct peer {
    struct peer *next;
    uint32_t holders;
    uint32_t held[SHARED_POOLS];
    uint8_t address[16];
};

static struct pool peers = {
    .size = POOL_SIZE(struct peer), .limit = HTTPD_PLACES, .clear = sizeof(struct peer)};
static struct peer unknown, *buckets[BUCKETS];
static struct holder *newest, *oldest; // of those that wait
static uint32_t held[SHARED_POOLS];    // by everybody
static struct {
    struct holder *first, *last;
    uint32_t freed; // since the last of them tried
} starving[SHARED_POOLS];
static uint32_t starve; // how many in all

void shared_wait(struct holder *holder, bool answering)
{
    holder->answering = answering;
    if (holder->waits) {
        return;
    }
    holder->waits = true;
    holder->newer = NULL;
    holder->older = newest;
    *(newest != NULL ? &newest->newer : &oldest) = holder;
    newest = holder;
}

void shared_go_on(struct holder *holder)
{
    if (!holder->waits) {
        return;
    }
    holder->waits = false;
    *(holder->newer != NULL ? &holder->newer->older : &newest) = holder->older;
    *(holder->older != NULL ? &holder->older->newer : &oldest) = holder->newer;
}

bool shared_held(enum shared pool)
{
    return held[pool] > 0;
}

// ---- Clients

static struct peer *peer_of(const struct holder *holder)
{
    return holder->peer != NULL ? holder->peer : &unknown;
}

static void count(struct holder *holder, int by)
{
    for (unsigned pool = 0; pool < SHARED_POOLS; pool++) {
        if ((holder->holds & 1u << pool) != 0) {
            peer_of(holder)->held[pool] += (uint32_t)by;
        }
    }
}

static struct peer **bucket_of(const uint8_t *key)
{
    uint32_t hash = 2166136261u; // FNV-1a: a chain is at most as long as there are connections
    for (unsigned i = 0; i < 16; i++) {
        hash = (hash ^ key[i]) * 16777619u;
    }
    return &buckets[(hash ^ hash >> 16) % BUCKETS];
}

static struct peer *find_peer(const uint8_t *key)
{
    struct peer **bucket = bucket_of(key);
    for (struct peer *peer = *bucket; peer != NULL; peer = peer->next) {
        if (memcmp(peer->address, key, 16) == 0) {
            return peer;
        }
    }
    struct peer *peer = pool_take(&peers);
    if (peer == NULL) {
        return NULL;
    }
    memcpy(peer->address, key, 16);
    peer->next = *bucket;
    *bucket = peer;
    return peer;
}

void shared_set_peer(struct holder *holder, const uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t key[16];
    memcpy(key, address, 16);
    if (memcmp(key, mapped, sizeof(mapped)) != 0) {
        memset(key + 8, 0, 8);
    }
    struct peer *peer = holder->peer == NULL ? find_peer(key) : NULL;
    if (peer == NULL) {
        return;
    }
    count(holder, -1);
    holder->peer = peer;
    peer->holders++;
    count(holder, 1);
}

void shared_forget(struct holder *holder)
{
    struct peer *peer = holder->peer;
    shared_go_on(holder);
    for (unsigned pool = 0; pool < SHARED_POOLS; pool++) {
        shared_let_go(holder, pool);
    }
    holder->peer = NULL;
    if (peer == NULL || --peer->holders > 0) {
        return;
    }
    struct peer **at = bucket_of(peer->address);
    while (*at != peer) {
        at = &(*at)->next;
    }
    *at = peer->next;
    pool_give(&peers, peer);
}

// ---- Pools

void shared_hold(struct holder *holder, enum shared pool)
{
    if ((holder->holds & 1u << pool) != 0) {
        return;
    }
    held[pool]++;
    peer_of(holder)->held[pool]++;
    holder->holds |= (uint8_t)(1u << pool);
}

void shared_let_go(struct holder *holder, enum shared pool)
{
    if ((holder->holds & 1u << pool) == 0) {
        return;
    }
    held[pool]--;
    peer_of(holder)->held[pool]--;
    holder->holds &= (uint8_t) ~(1u << pool);
    shared_freed(pool);
}

void shared_freed(enum shared pool)
{
    starving[pool].freed += starving[pool].first != NULL;
}

// Whether a gives way rather than b, which has waited longer.
static bool yields_before(const struct holder *a, const struct holder *b, enum shared pool)
{
    uint32_t of_a = peer_of(a)->held[pool], of_b = peer_of(b)->held[pool];
    return of_a > of_b || (of_a == of_b && b->answering && !a->answering);
}

struct holder *shared_yielding(enum shared pool)
{
    struct holder *found = NULL;
    for (struct holder *holder = oldest; holder != NULL; holder = holder->newer) {
        if ((holder->holds & 1u << pool) == 0) {
            continue;
        }
        if (found == NULL || yields_before(holder, found, pool)) {
            found = holder;
        }
    }
    return found;
}

void shared_starve(struct holder *holder, enum shared pool, void (*retry)(struct holder *))
{
    holder->retry = retry;
    holder->next = NULL;
    starve++;
    if (starving[pool].first == NULL) {
        starving[pool].first = holder;
    } else {
        starving[pool].last->next = holder;
    }
    starving[pool].last = holder;
}

void shared_resume(void)
{
    if (starve == 0) {
        return;
    }
    // A retry may free something itself, of a connection that gave way: that is looked at too.
    for (unsigned pool = 0; pool < SHARED_POOLS; pool++) {
        while (starving[pool].freed > 0 && starving[pool].first != NULL) {
            struct holder *holder = starving[pool].first;
            starving[pool].freed--;
            starve--;
            starving[pool].first = holder->next;
            holder->retry(holder);
        }
        starving[pool].freed = 0;
    }
}
