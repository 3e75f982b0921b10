// SPDX-License-Identifier: MIT
#include "entry.h"
#include <stdlib.h>
#include <string.h>

// SipHash would be more than this needs: names come from local clients, which are limited in number
// of nodes; the seed keeps them from choosing collisions beforehand. FNV-1a over a seeded start.
static size_t hash(const struct tree *tree, const struct node *directory, const char *name,
                   size_t length)
{
    uint64_t h =
        UINT64_C(0xcbf29ce484222325) ^ tree->seed ^ directory->identity * 0x9e3779b97f4a7c15;
    for (size_t i = 0; i < length; i++) {
        h = (h ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    }
    h ^= h >> 32;
    return (size_t)(h & (tree->bucket_count - 1));
}

struct entry **entry_slot(const struct tree *tree, const struct node *directory, const char *name,
                          size_t length)
{
    struct entry **slot = &tree->buckets[hash(tree, directory, name, length)];
    while (*slot != NULL && ((*slot)->directory != directory || (*slot)->length != length ||
                             memcmp((*slot)->name, name, length) != 0)) {
        slot = &(*slot)->hash_next;
    }
    return slot;
}

// Doubling the table is optional: without memory for it names are merely found more slowly.
static void grow(struct tree *tree)
{
    size_t old_count = tree->bucket_count;
    struct entry **old = tree->buckets;
    struct entry **new = calloc(old_count * 2, sizeof(*new));
    if (new == NULL) {
        return;
    }
    tree->buckets = new;
    tree->bucket_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        struct entry *entry = old[i];
        while (entry != NULL) {
            struct entry *next = entry->hash_next;
            struct entry **slot = &new[hash(tree, entry->directory, entry->name, entry->length)];
            entry->hash_next = *slot;
            *slot = entry;
            entry = next;
        }
    }
    free(old);
}

void entry_name(struct entry *entry, const struct tree_place *place)
{
    memcpy(entry->name, place->name, place->length);
    entry->length = place->length;
}

struct entry *entry_make(struct node *node, const struct tree_place *place)
{
    struct entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return NULL;
    }
    entry->node = node;
    entry->other = node->names;
    entry->other_at = &node->names;
    if (entry->other != NULL) {
        entry->other->other_at = &entry->other;
    }
    node->names = entry;
    node->links++;
    entry_name(entry, place);
    return entry;
}

void entry_attach(struct tree *tree, struct node *directory, struct entry *entry)
{
    static uint64_t serial;
    if (tree->named >= tree->bucket_count) {
        grow(tree);
    }
    entry->directory = directory;
    struct entry **slot = entry_slot(tree, directory, entry->name, entry->length);
    entry->hash_next = *slot;
    *slot = entry;
    entry->serial = ++serial;
    entry->next = NULL;
    entry->previous = directory->last;
    if (directory->last != NULL) {
        directory->last->next = entry;
    } else {
        directory->first = entry;
    }
    directory->last = entry;
    directory->children++;
    tree->named++;
    node_touch(directory);
}

void entry_detach(struct tree *tree, struct entry *entry)
{
    struct node *directory = entry->directory;
    *entry_slot(tree, directory, entry->name, entry->length) = entry->hash_next;
    if (entry->previous != NULL) {
        entry->previous->next = entry->next;
    } else {
        directory->first = entry->next;
    }
    if (entry->next != NULL) {
        entry->next->previous = entry->previous;
    } else {
        directory->last = entry->previous;
    }
    directory->children--;
    tree->named--;
    node_touch(directory);
    entry->node->changed_ns = directory->changed_ns;
}

void entry_free(struct tree *tree, struct entry *entry)
{
    *entry->other_at = entry->other;
    if (entry->other != NULL) {
        entry->other->other_at = entry->other_at;
    }
    entry->node->links--;
    if (entry->paid) {
        ts_share_give(&tree->nodes, entry->client, 1);
    }
    free(entry);
}
