// SPDX-License-Identifier: MIT
// An open file or directory: what tree.c (which names there are) and content.c (bytes) work on.
#pragma once

#include "cache.h"
#include "tree.h"

struct node {
    struct ts_object object;
    struct node *next_free;
    uint32_t entry; // of the archive
    uint64_t position;
    struct ts_request *asking; // those that wait for a block, by request->next
    struct cache_waiter waiter;
    bool waits;
};

extern const struct ts_archive *tree_archive; // all that is served

// No node is open. The archive's tables must stay.
void nodes_init(const struct ts_archive *archive);

// One of TREE_NODES, zeros but for its entry; NULL: all are open.
struct node *node_take(uint32_t entry);
void node_give(struct node *node);

static inline struct node *node_of(struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct node, object);
}

static inline const struct ts_archive_entry *entry_of(const struct node *node)
{
    return &tree_archive->entries[node->entry];
}

TS_MUST_USE ts_status_t content_init(void);

// Handlers of read and map, of what cancels one of them, and of the node's end.
void content_ask(struct ts_request *request);
void content_cancel(struct ts_request *request);
void content_closed(struct node *node);
