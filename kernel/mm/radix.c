// SPDX-License-Identifier: MIT
// See radix.h.
#include <mm/radix.h>

// Whether `index` is below what a tree of this height reaches.
static bool radix_reaches(uint32_t height, uint64_t index)
{
    return index >> (RADIX_BITS * height) == 0;
}

static unsigned slot_of(uint64_t index, uint32_t level)
{
    return (unsigned)(index >> (RADIX_BITS * (level - 1))) & (RADIX_SLOTS - 1);
}

void *radix_get(const struct radix *radix, uint64_t index)
{
    if (index > RADIX_INDEX_MAX || !radix_reaches(radix->height, index)) {
        return NULL;
    }
    void *at = radix->root;
    for (uint32_t level = radix->height; level > 0 && at != NULL; level--) {
        at = ((struct radix_node *)at)->slots[slot_of(index, level)];
    }
    return at;
}

// Puts nodes atop until the tree reaches `index`. An empty tree only grows in number.
static bool radix_grow(struct radix *radix, uint64_t index, const struct radix_memory *memory)
{
    while (!radix_reaches(radix->height, index)) {
        if (radix->root != NULL) {
            struct radix_node *node = memory->take(memory->context);
            if (node == NULL) {
                return false;
            }
            node->slots[0] = radix->root;
            node->used = 1;
            radix->root = node;
        }
        radix->height++;
    }
    return true;
}

bool radix_set(struct radix *radix, uint64_t index, void *value, const struct radix_memory *memory)
{
    if (index > RADIX_INDEX_MAX || !radix_grow(radix, index, memory)) {
        return false;
    }
    void **at = &radix->root;
    struct radix_node *parent = NULL;
    for (uint32_t level = radix->height; level > 0; level--) {
        if (*at == NULL) {
            struct radix_node *node = memory->take(memory->context);
            if (node == NULL) {
                // Nodes made on the way have no value below: radix_remove takes them off.
                (void)radix_remove(radix, index, memory);
                return false;
            }
            *at = node;
            if (parent != NULL) {
                parent->used++;
            }
        }
        parent = *at;
        at = &parent->slots[slot_of(index, level)];
    }
    *at = value;
    if (parent != NULL) {
        parent->used++;
    }
    return true;
}

void *radix_remove(struct radix *radix, uint64_t index, const struct radix_memory *memory)
{
    if (index > RADIX_INDEX_MAX || !radix_reaches(radix->height, index)) {
        return NULL;
    }
    void **path[RADIX_HEIGHT_MAX + 1]; // where each level's node, and at 0 the value, hangs
    void **at = &radix->root;
    uint32_t level = radix->height;
    for (;; level--) {
        path[level] = at;
        if (level == 0 || *at == NULL) {
            break;
        }
        at = &((struct radix_node *)*at)->slots[slot_of(index, level)];
    }
    void *value = *at;
    *at = NULL;
    bool gone = value != NULL; // what hung at `level` counted in its parent
    while (level++ < radix->height) {
        struct radix_node *node = *path[level];
        node->used -= gone;
        gone = node->used == 0;
        if (!gone) {
            break;
        }
        *path[level] = NULL;
        memory->give(node, memory->context);
    }
    if (radix->root == NULL) {
        radix->height = 0;
    }
    return value;
}

void *radix_next(const struct radix *radix, uint64_t *inout_index, uint32_t *steps)
{
    while (*inout_index <= RADIX_INDEX_MAX && radix_reaches(radix->height, *inout_index) &&
           radix->root != NULL && *steps > 0) {
        *steps -= *steps > radix->height ? radix->height + 1 : *steps;
        const struct radix_node *node = NULL;
        void *at = radix->root;
        uint32_t level = radix->height;
        for (; level > 0 && at != NULL; level--) {
            node = at;
            at = node->slots[slot_of(*inout_index, level)];
        }
        if (at != NULL) {
            return at;
        }
        // Nothing below a slot that covers 64^level indices: go on behind it, and behind those next
        // to it in the node.
        uint64_t covered = UINT64_C(1) << (RADIX_BITS * level);
        unsigned slot = slot_of(*inout_index, level + 1);
        *inout_index = (*inout_index & ~(covered - 1)) + covered;
        while (++slot < RADIX_SLOTS && node->slots[slot] == NULL && *steps > 0) {
            *inout_index += covered;
            --*steps;
        }
    }
    return NULL;
}
