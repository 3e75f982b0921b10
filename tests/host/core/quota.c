// SPDX-License-Identifier: MIT
// Quotas against a model: a tree of them under random charges, and two threads at one limit (rule
// M05: a limit is never exceeded by a level or by all below it together).
#include <tests/host/check.h>

#include <core/quota.h>
#include <pthread.h>
#include <string.h>

#define LEVELS 32u // as many as jobs have
#define NODES  64u
#define STEPS  400000u
#define RACES  300000u

static struct node {
    struct quota quota;
    uint64_t own[QUOTA_RESOURCES]; // charged at this level, not below
    uint32_t parent;               // index; its own: the root
} nodes[NODES];

static void make_tree(void)
{
    memset(nodes, 0, sizeof(nodes));
    for (uint32_t i = 0; i < NODES; i++) {
        const uint64_t limits[QUOTA_RESOURCES] = {1000 + random_below(2000), random_below(500), 50};
        // The first LEVELS are one below the other: a charge at the last one goes all the way up.
        nodes[i].parent = i == 0 ? 0 : i < LEVELS ? i - 1 : random_below(LEVELS - 1);
        quota_init(&nodes[i].quota, i == 0 ? NULL : &nodes[nodes[i].parent].quota, limits);
    }
    CHECK(nodes[0].quota.level == 1 && nodes[LEVELS - 1].quota.level == LEVELS);
}

static bool is_below(uint32_t node, uint32_t above)
{
    while (node != above && node != 0) {
        node = nodes[node].parent;
    }
    return node == above;
}

static uint64_t model_used(uint32_t above, unsigned resource)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        used += is_below(i, above) ? nodes[i].own[resource] : 0;
    }
    return used;
}

static bool model_permits(uint32_t at, unsigned resource, uint64_t count)
{
    for (uint32_t i = 0; i < NODES; i++) {
        uint64_t used = model_used(i, resource), limit = nodes[i].quota.limit[resource];
        if (is_below(at, i) && (used > limit || count > limit - used)) {
            return false;
        }
    }
    return true;
}

static void compare(void)
{
    for (uint32_t i = 0; i < NODES; i++) {
        for (unsigned resource = 0; resource < QUOTA_RESOURCES; resource++) {
            const struct quota *quota = &nodes[i].quota;
            uint64_t used = model_used(i, resource), limit = quota->limit[resource];
            CHECK(quota->used[resource] == used);
            CHECK(quota_left(quota, resource) == (used < limit ? limit - used : 0));
            CHECK(quota->peak[resource] >= used);
        }
    }
}

static void charge(uint32_t at, unsigned resource)
{
    // Now and then more than any number: it must not wrap.
    uint64_t count = random_below(50) == 0 ? UINT64_MAX - random_below(100) : random_below(60);
    bool permitted = model_permits(at, resource, count);
    CHECK(quota_charge(&nodes[at].quota, resource, count) == permitted);
    nodes[at].own[resource] += permitted ? count : 0;
}

static void uncharge(uint32_t at, unsigned resource)
{
    uint64_t count = nodes[at].own[resource];
    count = count == 0 ? 0 : random_below((uint32_t)count + 1);
    quota_uncharge(&nodes[at].quota, resource, count);
    nodes[at].own[resource] -= count;
}

static void limit_changes(uint32_t at, unsigned resource)
{
    uint64_t limit = random_below(3000), least = UINT64_MAX;
    quota_set_limit(&nodes[at].quota, resource, limit);
    for (uint32_t i = 0; i < NODES; i++) {
        uint64_t level = nodes[i].quota.limit[resource];
        least = is_below(at, i) && level < least ? level : least;
    }
    CHECK(quota_limit(&nodes[at].quota, resource) == least);
}

static void model(void)
{
    make_tree();
    for (uint32_t step = 0; step < STEPS / NODES; step++) {
        uint32_t at = random_below(NODES);
        unsigned resource = random_below(QUOTA_RESOURCES);
        switch (random_below(8)) {
        case 0: limit_changes(at, resource); break;
        case 1:
        case 2:
        case 3: uncharge(at, resource); break;
        default: charge(at, resource);
        }
        compare();
    }
}

// Two threads, a level each, below one that has room for little.
static struct quota above, below[2];

static void *racer(void *argument)
{
    struct quota *quota = argument;
    for (uint32_t i = 0; i < RACES; i++) {
        uint64_t count = 1 + i % 7;
        if (!quota_charge(quota, QUOTA_PAGES, count)) {
            continue;
        }
        CHECK(above.used[QUOTA_PAGES] <= 9 && quota->used[QUOTA_PAGES] >= count);
        quota_uncharge(quota, QUOTA_PAGES, count);
    }
    return NULL;
}

static void race(void)
{
    pthread_t threads[2];
    quota_init(&above, NULL, (const uint64_t[QUOTA_RESOURCES]){9});
    for (unsigned i = 0; i < 2; i++) {
        quota_init(&below[i], &above, (const uint64_t[QUOTA_RESOURCES]){100});
        CHECK(pthread_create(&threads[i], NULL, racer, &below[i]) == 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        CHECK(below[i].used[QUOTA_PAGES] == 0);
    }
    CHECK(above.used[QUOTA_PAGES] == 0 && above.peak[QUOTA_PAGES] <= 9);
}

int main(void)
{
    model();
    race();
    return 0;
}
