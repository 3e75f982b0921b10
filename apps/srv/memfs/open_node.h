// SPDX-License-Identifier: MIT
// An open file or directory: the node, and where its clients are in it.
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

static inline struct open_node *opened(const struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct open_node, object);
}

// With one reference to it, and one to the node. NULL: no memory.
struct open_node *open_make(struct tree *tree, struct node *node);
struct open_node *open_get(struct open_node *open);
void open_put(struct open_node *open);
