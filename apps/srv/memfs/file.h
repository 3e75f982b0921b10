// SPDX-License-Identifier: MIT
// A file's bytes: extents of pages, in the order of their place in the file. What lies between them
// is a hole, which reads as zeros and costs nothing. An extent counts for the client that wrote
// there first, whichever client made the file, until it is cut off.
#pragma once

#include "tree.h"

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
    const struct piece_seen *recent = &node->recent;
    uint64_t at = offset - recent->offset;
    if (at < recent->length) {
        uint64_t left = recent->length - at;
        return (struct file_piece){recent->bytes + at, left < most ? left : most};
    }
    return file_piece_find(tree, node, offset, most);
}

// All of a range if it is where the last piece was found, which it mostly is; else NULL.
static inline unsigned char *file_range(const struct node *node, uint64_t offset, uint64_t length)
{
    const struct piece_seen *recent = &node->recent;
    uint64_t at = offset - recent->offset;
    return at < recent->length && length <= recent->length - at ? recent->bytes + at : NULL;
}

// Makes the pages that are missing in a range of up to TS_FILE_MOVE bytes, for the client.
// TS_ERR_LIMIT: beyond its share; TS_ERR_NO_SPACE, TS_ERR_MEMORY. All of them or none.
TS_MUST_USE ts_status_t file_fill(struct tree *tree, struct node *node, uint32_t client,
                                  uint64_t offset, uint64_t length);

// What lies behind `size` goes back to its payer, and is zeros if the file grows again.
void file_cut(struct tree *tree, struct node *node, uint64_t size);

// Pages that it has.
uint64_t file_pages(const struct node *node);

#define FILE_SIZE_MAX (UINT64_C(1) << 40)

// Truncates, or extends with zeros that take no pages. TS_ERR_TOO_LARGE.
TS_MUST_USE ts_status_t file_resize(struct tree *tree, struct node *node, uint64_t size);
