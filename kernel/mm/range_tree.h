// SPDX-License-Identifier: MIT
// Disjoint ranges of 64-bit addresses in an AVL tree that also finds gaps. Pure: no locks, no
// memory of its own (ranges are embedded in what they describe). Depth is at most 1.44 log2(n).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
    uint64_t start, end; // [start, end), not empty; changed by range_tree_resize only
    struct range *left, *right;
    uint64_t first, last; // of the subtree: smallest start, largest end
    uint64_t gap;         // of the subtree: largest hole between two of its ranges
    int height;
};

struct range_tree {
    struct range *root;
};

static inline void range_tree_init(struct range_tree *tree)
{
    tree->root = NULL;
}

// The range must not overlap any in the tree.
void range_tree_insert(struct range_tree *tree, struct range *range);
void range_tree_remove(struct range_tree *tree, struct range *range);
// Changes the borders of a range in the tree, which must not come to overlap another.
void range_tree_resize(struct range_tree *tree, struct range *range, uint64_t start, uint64_t end);

// The range that holds an address, or NULL.
struct range *range_tree_find(const struct range_tree *tree, uint64_t address);
// The first range that ends after `address` (it may hold it), or NULL.
struct range *range_tree_after(const struct range_tree *tree, uint64_t address);
// Whether anything overlaps [start, end).
bool range_tree_overlaps(const struct range_tree *tree, uint64_t start, uint64_t end);

// The lowest address >= from such that [address, address + length) is free and ends at or below
// `limit`. False: there is none. length > 0.
bool range_tree_gap(const struct range_tree *tree, uint64_t from, uint64_t limit, uint64_t length,
                    uint64_t *out_address);
