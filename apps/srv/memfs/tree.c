// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/path.h>
#include "entry.h"
#include "file.h"

#define BUCKETS_FIRST 64

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
    node_touch(node);
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
    tree->buckets = calloc(tree->bucket_count, sizeof(struct entry *));
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

// A name goes, and the node with the last one, if it is not open.
static void unname(struct tree *tree, struct entry *entry)
{
    struct node *node = entry->node;
    entry_detach(tree, entry);
    entry_free(tree, entry);
    node_put(tree, node);
}

void tree_fini(struct tree *tree)
{
    struct node *directory = tree->root;
    while (directory->first != NULL || directory != tree->root) { // depth first, from below
        struct entry *entry = directory->first;
        if (entry == NULL) {
            entry = directory->names;
            directory = entry->directory;
            unname(tree, entry);
        } else if (entry->node->type == TS_FILE_DIRECTORY) {
            directory = entry->node;
        } else {
            unname(tree, entry);
        }
    }
    node_put(tree, tree->root);
    free(tree->buckets);
    tree->buckets = NULL;
    free(tree->nodes.holders);
    store_fini(&tree->store);
}

// ---- paths

static inline ts_status_t step(struct tree *tree, struct node **node,
                               const struct ts_path_walk *walk)
{
    if ((*node)->type != TS_FILE_DIRECTORY) {
        return TS_ERR_NOT_DIRECTORY;
    }
    const struct entry *child = *entry_slot(tree, *node, walk->component, walk->length);
    if (child == NULL) {
        return TS_ERR_NOT_FOUND;
    }
    *node = child->node;
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

// ---- changes

// A directory that was removed while open keeps its node, but nothing can be put into it.
static bool removed(const struct tree *tree, const struct node *directory)
{
    return directory != tree->root && directory->names == NULL;
}

static struct entry *entry_at(const struct tree *tree, const struct tree_place *place)
{
    return *entry_slot(tree, place->directory, place->name, place->length);
}

// Whether a new name may come there.
static ts_status_t vacant(const struct tree *tree, const struct tree_place *place)
{
    if (removed(tree, place->directory)) {
        return TS_ERR_NOT_FOUND;
    }
    return entry_at(tree, place) != NULL ? TS_ERR_EXISTS : TS_OK;
}

ts_status_t tree_make(struct tree *tree, const struct tree_place *place, uint32_t type,
                      uint32_t client, struct node **out_node)
{
    ts_status_t status = vacant(tree, place);
    if (status == TS_OK) {
        status = ts_share_take(&tree->nodes, client, 1);
    }
    if (status != TS_OK) {
        return status;
    }
    struct node *node = node_make(tree, type);
    struct entry *entry = node != NULL ? entry_make(node, place) : NULL;
    if (entry == NULL) {
        free(node);
        ts_share_give(&tree->nodes, client, 1);
        return TS_ERR_MEMORY;
    }
    node->client = client;
    entry_attach(tree, place->directory, entry);
    *out_node = node;
    return TS_OK;
}

void tree_unmake(struct tree *tree, struct node *node)
{
    unname(tree, node->names);
}

ts_status_t tree_link(struct tree *tree, const struct tree_place *from, const struct tree_place *to,
                      uint32_t client)
{
    const struct entry *old = entry_at(tree, from);
    if (old == NULL) {
        return TS_ERR_NOT_FOUND;
    }
    struct node *node = old->node;
    ts_status_t status = node->type == TS_FILE_DIRECTORY ? TS_ERR_IS_DIRECTORY : vacant(tree, to);
    if (status == TS_OK) {
        status = ts_share_take(&tree->nodes, client, 1);
    }
    if (status != TS_OK) {
        return status;
    }
    struct entry *entry = entry_make(node, to);
    if (entry == NULL) {
        ts_share_give(&tree->nodes, client, 1);
        return TS_ERR_MEMORY;
    }
    entry->paid = true;
    entry->client = client;
    entry_attach(tree, to->directory, entry);
    node_get(node);
    node->changed_ns = to->directory->changed_ns;
    return TS_OK;
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
    struct entry *entry = entry_at(tree, place);
    if (entry == NULL) {
        return TS_ERR_NOT_FOUND;
    }
    ts_status_t status = removable(entry->node, kind);
    if (status == TS_OK) {
        unname(tree, entry);
    }
    return status;
}

// For a directory, which has one name.
static bool below(const struct node *node, const struct node *ancestor)
{
    while (node != ancestor && node->names != NULL) {
        node = node->names->directory;
    }
    return node == ancestor;
}

ts_status_t tree_rename(struct tree *tree, const struct tree_place *from,
                        const struct tree_place *to, bool exclusive)
{
    struct entry *entry = entry_at(tree, from);
    if (entry == NULL || removed(tree, to->directory)) {
        return TS_ERR_NOT_FOUND;
    }
    if (below(to->directory, entry->node)) {
        return TS_ERR_ARGUMENT;
    }
    struct entry *target = entry_at(tree, to);
    if (target != NULL && exclusive) {
        return TS_ERR_EXISTS;
    }
    if (target != NULL && target->node == entry->node) {
        return TS_OK; // two names of one file both stay, as in POSIX
    }
    ts_status_t status = target != NULL ? removable(target->node, entry->node->type) : TS_OK;
    if (status != TS_OK) {
        return status;
    }
    if (target != NULL) {
        unname(tree, target);
    }
    entry_detach(tree, entry);
    entry_name(entry, to);
    entry_attach(tree, to->directory, entry);
    return TS_OK;
}

struct entry *tree_child(struct node *directory, uint64_t cookie)
{
    struct entry *entry = directory->first;
    while (entry != NULL && entry->serial < cookie) {
        entry = entry->next;
    }
    return entry;
}
