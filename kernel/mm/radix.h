// SPDX-License-Identifier: MIT
// A sparse array of pointers, by 36-bit index: a tree of nodes with 64 slots, as high as the
// largest index needs. Pure: no locks, and nodes come from the caller.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RADIX_BITS       6u
#define RADIX_SLOTS      (1u << RADIX_BITS)
#define RADIX_HEIGHT_MAX 6u
#define RADIX_INDEX_MAX  ((UINT64_C(1) << (RADIX_BITS * RADIX_HEIGHT_MAX)) - 1)

struct radix_node {
    uint32_t used; // slots that are not NULL
    void *slots[RADIX_SLOTS];
};

// Height 0: `root` is the value of index 0 itself.
struct radix {
    void *root;
    uint32_t height;
};

// The zeroed nodes that one radix_set needs are taken from `take`, which may fail (NULL); unused
// ones go to `give`.
struct radix_memory {
    struct radix_node *(*take)(void *context);
    void (*give)(struct radix_node *node, void *context);
    void *context;
};

static inline void radix_init(struct radix *radix)
{
    radix->root = NULL;
    radix->height = 0;
}

// NULL when nothing is there.
void *radix_get(const struct radix *radix, uint64_t index);

// Puts a value (not NULL) where there was none. False: no memory, nothing changed but that the
// tree may have become higher.
bool radix_set(struct radix *radix, uint64_t index, void *value, const struct radix_memory *memory);

// Takes a value out, NULL when there was none. Nodes that become empty are given back.
void *radix_remove(struct radix *radix, uint64_t index, const struct radix_memory *memory);

// The first value at or after *inout_index, with its index. NULL: there is none; or, when *steps is
// 0, it is to be looked for further from *inout_index on. A node or an empty slot that is looked at
// takes a step.
void *radix_next(const struct radix *radix, uint64_t *inout_index, uint32_t *steps);
