// SPDX-License-Identifier: MIT
// The memory file system as objects: <tessera/proto/file.h>.
#pragma once

#include <tessera/lib/server.h>
#include "tree.h"

struct open_node {
    struct ts_object object;
    struct tree *tree;
    struct node *node;
    uint64_t position;
    uint32_t flags;      // TS_OPEN_APPEND, TS_OPEN_NOWAIT
    uint32_t references; // its handles together, and walks that began here
};

// The root that init opens for clients: open("") on it gives the tree's root.
struct memfs_root {
    struct ts_object object; // memfs_root_operations
    struct tree *tree;
};

extern const struct ts_operations memfs_root_operations;
extern const struct ts_operations memfs_operations;

static inline struct open_node *opened(const struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct open_node, object);
}
struct open_node *open_get(struct open_node *open);
void open_put(struct open_node *open);

// content.c
void memfs_read(struct ts_request *request);
void memfs_write(struct ts_request *request);
void memfs_sync(struct ts_request *request);
void memfs_get(struct ts_request *request);
void memfs_set(struct ts_request *request);
