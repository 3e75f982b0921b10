// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/path.h>
#include "file.h"
#include "tree.h"

#define BUCKETS_FIRST 64

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

static void touch(struct node *node)
{
    node->modified_ns = node->changed_ns = ts_clock_realtime();
}

static struct node *node_make(struct tree *tree, uint32_t type)
{
    struct node *node = calloc(1, sizeof(*node));
    if (node == NULL) {
        return NULL;
    }
    node->references = 1;
    node->type = type;
    node->mode = type == TS_FILE_DIRECTORY ? 0755 : 0644;
    node->identity = tree->next_identity++;
    touch(node);
    node->created_ns = node->accessed_ns = node->modified_ns;
    return node;
}

struct node *node_get(struct node *node)
{
    node->references++;
    return node;
}

void node_put(struct tree *tree, struct node *node)
{
    if (--node->references != 0) {
        return;
    }
    file_cut(tree, node, 0);
    if (node != tree->root) {
        ts_share_give(&tree->nodes, node->client, 1);
    }
    free(node);
}

ts_status_t tree_init(struct tree *tree, uint64_t node_limit, uint64_t page_limit, uint64_t seed)
{
    *tree = (struct tree){.bucket_count = BUCKETS_FIRST, .next_identity = 1, .seed = seed};
    ts_status_t status = store_init(&tree->store, page_limit, node_limit);
    if (status != TS_OK) {
        return status;
    }
    uint32_t places = 8;
    while (places < 2 * node_limit) {
        places *= 2;
    }
    struct ts_holder *holders = calloc(places, sizeof(*holders));
    tree->buckets = calloc(tree->bucket_count, sizeof(struct node *));
    tree->root = node_make(tree, TS_FILE_DIRECTORY);
    if (holders == NULL || tree->buckets == NULL || tree->root == NULL) {
        free(holders);
        free(tree->buckets);
        free(tree->root);
        store_fini(&tree->store);
        return TS_ERR_MEMORY;
    }
    ts_share_init(&tree->nodes, node_limit, holders, places);
    return TS_OK;
}

// names ----------------------------------------------------------------------------------------

static struct node **slot_of(const struct tree *tree, const struct node *directory,
                             const char *name, size_t length)
{
    struct node **slot = &tree->buckets[hash(tree, directory, name, length)];
    while (*slot != NULL && ((*slot)->parent != directory || (*slot)->name_length != length ||
                             memcmp((*slot)->name, name, length) != 0)) {
        slot = &(*slot)->hash_next;
    }
    return slot;
}

// Doubling the table is optional: without memory for it names are merely found more slowly.
static void grow(struct tree *tree)
{
    size_t old_count = tree->bucket_count;
    struct node **old = tree->buckets;
    struct node **new = calloc(old_count * 2, sizeof(*new));
    if (new == NULL) {
        return;
    }
    tree->buckets = new;
    tree->bucket_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        struct node *node = old[i];
        while (node != NULL) {
            struct node *next = node->hash_next;
            struct node **slot = &new[hash(tree, node->parent, node->name, node->name_length)];
            node->hash_next = *slot;
            *slot = node;
            node = next;
        }
    }
    free(old);
}

// Enters a node whose name and name_length are set. Its directory takes the reference.
static void attach(struct tree *tree, struct node *directory, struct node *node)
{
    static uint64_t serial;
    if (tree->named >= tree->bucket_count) {
        grow(tree);
    }
    node->parent = directory;
    struct node **slot = &tree->buckets[hash(tree, directory, node->name, node->name_length)];
    node->hash_next = *slot;
    *slot = node;
    node->serial = ++serial;
    node->next = NULL;
    node->previous = directory->last;
    if (directory->last != NULL) {
        directory->last->next = node;
    } else {
        directory->first = node;
    }
    directory->last = node;
    directory->children++;
    tree->named++;
    touch(directory);
}

static void detach(struct tree *tree, struct node *node)
{
    struct node *directory = node->parent;
    struct node **slot = slot_of(tree, directory, node->name, node->name_length);
    *slot = node->hash_next;
    if (node->previous != NULL) {
        node->previous->next = node->next;
    } else {
        directory->first = node->next;
    }
    if (node->next != NULL) {
        node->next->previous = node->previous;
    } else {
        directory->last = node->previous;
    }
    node->parent = node->next = node->previous = node->hash_next = NULL;
    directory->children--;
    tree->named--;
    touch(directory);
    node->changed_ns = directory->changed_ns;
}

void tree_fini(struct tree *tree)
{
    struct node *node = tree->root;
    while (node != NULL) { // depth first, from below
        if (node->first != NULL) {
            node = node->first;
            continue;
        }
        struct node *parent = node->parent;
        if (parent != NULL) {
            detach(tree, node);
        }
        node_put(tree, node);
        node = parent;
    }
    free(tree->buckets);
    tree->buckets = NULL;
    free(tree->nodes.holders);
    store_fini(&tree->store);
}

// paths ----------------------------------------------------------------------------------------

static inline ts_status_t step(struct tree *tree, struct node **node,
                               const struct ts_path_walk *walk)
{
    if ((*node)->type != TS_FILE_DIRECTORY) {
        return TS_ERR_NOT_DIRECTORY;
    }
    struct node *child = *slot_of(tree, *node, walk->component, walk->length);
    if (child == NULL) {
        return TS_ERR_NOT_FOUND;
    }
    *node = child;
    return TS_OK;
}

ts_status_t tree_find(struct tree *tree, struct node *from, const char *path, size_t length,
                      struct node **out_node)
{
    struct ts_path_walk walk;
    ts_path_walk_init(&walk, path, length);
    ts_status_t status;
    while ((status = ts_path_step(&walk)) == TS_OK) {
        status = step(tree, &from, &walk);
        if (status != TS_OK) {
            return status;
        }
    }
    *out_node = from;
    return status == TS_ERR_NOT_FOUND ? TS_OK : status; // no further component
}

size_t tree_walk(struct tree *tree, struct node **node, const char *path)
{
    struct ts_path_walk walk;
    ts_path_walk_init(&walk, path, TREE_STEP);
    for (;;) {
        ts_status_t status = ts_path_step(&walk);
        if (status == TS_ERR_NOT_FOUND) {
            return TREE_STEP - 1; // nothing but separators, of which one may be half a ".."
        }
        // One that reaches the end here may be longer.
        bool whole = status == TS_OK && walk.component + walk.length < walk.end;
        if (!whole || step(tree, node, &walk) != TS_OK) {
            return (size_t)(walk.component - path);
        }
    }
}

ts_status_t tree_place(struct tree *tree, struct node *from, const char *path, size_t length,
                       struct tree_place *out_place)
{
    struct ts_path_walk walk;
    ts_path_walk_init(&walk, path, length);
    ts_status_t status = ts_path_step(&walk);
    if (status == TS_ERR_NOT_FOUND) {
        return TS_ERR_ARGUMENT;
    }
    while (status == TS_OK && !walk.last) {
        status = step(tree, &from, &walk);
        status = status != TS_OK ? status : ts_path_step(&walk);
    }
    if (status == TS_OK && from->type != TS_FILE_DIRECTORY) {
        status = TS_ERR_NOT_DIRECTORY;
    }
    if (status == TS_OK) {
        *out_place = (struct tree_place){from, walk.component, walk.length};
    }
    return status;
}

// changes --------------------------------------------------------------------------------------

// A directory that was removed while open keeps its node, but nothing can be put into it.
static bool removed(const struct tree *tree, const struct node *directory)
{
    return directory != tree->root && directory->parent == NULL;
}

static void name_set(struct node *node, const struct tree_place *place)
{
    memcpy(node->name, place->name, place->length);
    node->name_length = place->length;
}

ts_status_t tree_make(struct tree *tree, const struct tree_place *place, uint32_t type,
                      uint32_t client, struct node **out_node)
{
    if (removed(tree, place->directory)) {
        return TS_ERR_NOT_FOUND;
    }
    if ((*slot_of(tree, place->directory, place->name, place->length)) != NULL) {
        return TS_ERR_EXISTS;
    }
    ts_status_t status = ts_share_take(&tree->nodes, client, 1);
    if (status != TS_OK) {
        return status;
    }
    struct node *node = node_make(tree, type);
    if (node == NULL) {
        ts_share_give(&tree->nodes, client, 1);
        return TS_ERR_MEMORY;
    }
    node->client = client;
    name_set(node, place);
    attach(tree, place->directory, node);
    *out_node = node;
    return TS_OK;
}

void tree_unmake(struct tree *tree, struct node *node)
{
    detach(tree, node);
    node_put(tree, node);
}

static ts_status_t removable(const struct node *node, uint32_t kind)
{
    if (node->type == TS_FILE_DIRECTORY) {
        if (kind != TS_FILE_DIRECTORY) {
            return TS_ERR_IS_DIRECTORY;
        }
        return node->children ? TS_ERR_NOT_EMPTY : TS_OK;
    }
    return kind == TS_FILE_DIRECTORY ? TS_ERR_NOT_DIRECTORY : TS_OK;
}

ts_status_t tree_remove(struct tree *tree, const struct tree_place *place, uint32_t kind)
{
    struct node *node = *slot_of(tree, place->directory, place->name, place->length);
    if (node == NULL) {
        return TS_ERR_NOT_FOUND;
    }
    ts_status_t status = removable(node, kind);
    if (status == TS_OK) {
        detach(tree, node);
        node_put(tree, node);
    }
    return status;
}

static bool below(const struct node *node, const struct node *ancestor)
{
    for (; node != NULL; node = node->parent) {
        if (node == ancestor) {
            return true;
        }
    }
    return false;
}

ts_status_t tree_rename(struct tree *tree, const struct tree_place *from,
                        const struct tree_place *to, bool exclusive)
{
    struct node *node = *slot_of(tree, from->directory, from->name, from->length);
    if (node == NULL || removed(tree, to->directory)) {
        return TS_ERR_NOT_FOUND;
    }
    if (below(to->directory, node)) {
        return TS_ERR_ARGUMENT;
    }
    struct node *target = *slot_of(tree, to->directory, to->name, to->length);
    if (target != NULL && exclusive) {
        return TS_ERR_EXISTS;
    }
    if (target == node) {
        return TS_OK;
    }
    ts_status_t status = target != NULL ? removable(target, node->type) : TS_OK;
    if (status != TS_OK) {
        return status;
    }
    if (target != NULL) {
        detach(tree, target);
        node_put(tree, target);
    }
    detach(tree, node);
    name_set(node, to);
    attach(tree, to->directory, node);
    return TS_OK;
}

struct node *tree_child(struct node *directory, uint64_t cookie)
{
    struct node *node = directory->first;
    while (node != NULL && node->serial < cookie) {
        node = node->next;
    }
    return node;
}
