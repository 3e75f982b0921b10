// SPDX-License-Identifier: MIT
// A file's bytes: extents of pages, in the order of their place in the file. What lies between them
// is a hole, which reads as zeros and costs nothing. An extent counts for the client that wrote
// there first, whoever made the file, until it is cut off.
#pragma once

#include "tree.h"

#define FILE_MOVE_MAX (UINT64_C(1) << 20) // bytes that one request moves at the most

// What lies at an offset in one piece, at most `most` bytes.
struct file_piece {
    unsigned char *bytes; // NULL: a hole
    size_t length;
};
struct file_piece file_piece_find(const struct tree *tree, struct node *node, uint64_t offset,
                                  uint64_t most);

static inline struct file_piece file_piece(const struct tree *tree, struct node *node,
                                           uint64_t offset, uint64_t most)
{
    if (node->extent_recent < node->extent_count) { // mostly it is the same again
        const struct extent *extent = &node->extents[node->extent_recent];
        uint64_t at = offset - (uint64_t)extent->index * STORE_PAGE;
        uint64_t bytes = (uint64_t)extent->count * STORE_PAGE;
        if (at < bytes) {
            return (struct file_piece){store_bytes(&tree->store, extent->page) + at,
                                       bytes - at < most ? bytes - at : most};
        }
    }
    return file_piece_find(tree, node, offset, most);
}

// Makes the pages that are missing in a range of up to FILE_MOVE_MAX bytes, for the client.
// TS_ERR_LIMIT: beyond its share; TS_ERR_NO_SPACE, TS_ERR_MEMORY. All of them or none.
TS_MUST_USE ts_status_t file_fill(struct tree *tree, struct node *node, uint32_t client,
                                  uint64_t offset, uint64_t length);

// What lies behind `size` goes back to who paid for it, and is zeros if the file grows again.
void file_cut(struct tree *tree, struct node *node, uint64_t size);

// Pages that it has.
uint64_t file_pages(const struct node *node);
