// SPDX-License-Identifier: MIT
// The radix tree against a sorted array, with memory that fails now and then; no node may be lost.
#include <mm/radix.h>
#include <string.h>

#include "tests/host/check.h"

#define KEYS  2000u
#define STEPS 300000u

static unsigned nodes;
static unsigned fail_in; // 0: never

static struct radix_node *take(void *context)
{
    (void)context;
    if (fail_in != 0 && --fail_in == 0) {
        return NULL;
    }
    nodes++;
    return calloc(1, sizeof(struct radix_node));
}

static void give(struct radix_node *node, void *context)
{
    (void)context;
    CHECK(node->used == 0);
    nodes--;
    free(node);
}

static const struct radix_memory memory = {.take = take, .give = give};

static struct {
    uint64_t index;
    void *value;
} keys[KEYS]; // sorted by index; value NULL: absent

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void keys_make(void)
{
    for (unsigned i = 0; i < KEYS; i++) {
        unsigned bits = (unsigned)random_below(36) + 1; // small and large ones
        keys[i].index = random_next() & ((UINT64_C(1) << bits) - 1);
    }
    keys[0].index = 0;
    keys[1].index = RADIX_INDEX_MAX;
    qsort(keys, KEYS, sizeof(keys[0]), compare);
    for (unsigned i = 1; i < KEYS; i++) { // unique: later ones out of the way
        if (keys[i].index <= keys[i - 1].index) {
            keys[i].index = keys[i - 1].index + 1;
        }
    }
}

static void step(struct radix *radix, unsigned i)
{
    CHECK(radix_get(radix, keys[i].index) == keys[i].value);
    if (keys[i].value == NULL) {
        unsigned before = nodes;
        fail_in = random_below(4) == 0 ? (unsigned)random_below(6) + 1 : 0;
        void *value = (char *)keys + random_below(1000) + 1;
        if (radix_set(radix, keys[i].index, value, &memory)) {
            keys[i].value = value;
        } else {
            CHECK(fail_in == 0);
            // Only levels atop the old root may have stayed.
            CHECK(nodes <= before + RADIX_HEIGHT_MAX);
        }
        fail_in = 0;
    } else {
        CHECK(radix_remove(radix, keys[i].index, &memory) == keys[i].value);
        keys[i].value = NULL;
        CHECK(radix_remove(radix, keys[i].index, &memory) == NULL);
    }
    CHECK(radix_get(radix, keys[i].index) == keys[i].value);
}

// The next value, looked for a few steps at a time.
static void *next(const struct radix *radix, uint64_t *index)
{
    for (;;) {
        uint64_t from = *index;
        uint32_t given = 1 + (uint32_t)random_below(40), steps = given;
        void *value = radix_next(radix, index, &steps);
        CHECK(steps <= given && *index >= from);
        if (value != NULL || steps != 0) {
            return value;
        }
        CHECK(*index > from); // whatever was paid for got on
    }
}

static void walk(const struct radix *radix)
{
    uint64_t index = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        if (keys[i].value == NULL) {
            continue;
        }
        CHECK(next(radix, &index) == keys[i].value && index == keys[i].index);
        index++;
    }
    CHECK(next(radix, &index) == NULL);
}

// A node or an empty slot that is looked at takes a step, no fewer: a walk in steps is as long as
// it says.
static void test_steps(void)
{
    struct radix radix;
    radix_init(&radix);
    CHECK(radix_set(&radix, 0, &radix, &memory) && radix_set(&radix, 70, keys, &memory));
    CHECK(radix.height == 2);
    uint64_t index = 70;
    uint32_t steps = 100;
    CHECK(radix_next(&radix, &index, &steps) == keys && steps == 97); // two nodes and the value
    index = 1;
    steps = 100;
    CHECK(radix_next(&radix, &index, &steps) == keys && index == 70);
    CHECK(steps == 100 - 3 - 62 - 3 - 5 - 3);      // 1, to 64, there, to 70, there
    for (uint32_t given = 1; given < 3; given++) { // fewer than a look takes: one look
        index = 1;
        steps = given;
        CHECK(radix_next(&radix, &index, &steps) == NULL && steps == 0 && index == 2);
    }
    steps = 100;
    CHECK(radix_remove(&radix, 0, &memory) == &radix && radix_remove(&radix, 70, &memory) == keys);
    index = RADIX_INDEX_MAX; // the last that there may be
    CHECK(radix_set(&radix, index, keys, &memory));
    CHECK(radix_next(&radix, &index, &steps) == keys && index == RADIX_INDEX_MAX);
    CHECK(radix_remove(&radix, index, &memory) == keys);
    CHECK(nodes == 0);
}

int main(void)
{
    struct radix radix;
    test_steps();
    radix_init(&radix);
    CHECK(radix_get(&radix, 0) == NULL && radix_remove(&radix, 5, &memory) == NULL);
    CHECK(!radix_set(&radix, RADIX_INDEX_MAX + 1, &radix, &memory));
    // One value at index 0 takes no node.
    CHECK(radix_set(&radix, 0, &radix, &memory) && nodes == 0);
    CHECK(radix_get(&radix, 0) == &radix && radix_get(&radix, 1) == NULL);
    CHECK(radix_remove(&radix, 0, &memory) == &radix);

    // keys_make may run past the largest index when two random ones meet there.
    keys_make();
    CHECK(keys[KEYS - 1].index <= RADIX_INDEX_MAX);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&radix, (unsigned)random_below(KEYS));
        if (i % 50000 == 0) {
            walk(&radix);
        }
    }
    walk(&radix);
    for (unsigned i = 0; i < KEYS; i++) {
        if (keys[i].value != NULL) {
            CHECK(radix_remove(&radix, keys[i].index, &memory) == keys[i].value);
        }
    }
    // A failed set may have left levels over an empty slot; the next remove below takes them.
    (void)radix_remove(&radix, 0, &memory);
    CHECK(radix.root == NULL && nodes == 0);
    return 0;
}
