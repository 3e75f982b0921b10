// SPDX-License-Identifier: MIT
// See file.h.
#include "file.h"
#include <stdlib.h>
#include <string.h>

#define EXTENTS_FIRST 4u

static uint32_t end_of(const struct extent *extent)
{
    return extent->index + extent->count;
}

// The first extent that ends behind a page of the file; extent_count: none does.
static uint32_t find(const struct node *node, uint32_t index)
{
    uint32_t low = 0, high = node->extent_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (end_of(&node->extents[middle]) > index) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

struct file_piece file_piece_find(const struct tree *tree, struct node *node, uint64_t offset,
                                  uint64_t most)
{
    uint32_t index = (uint32_t)(offset / STORE_PAGE), at = find(node, index);
    if (at == node->extent_count) {
        return (struct file_piece){NULL, most};
    }
    const struct extent *extent = &node->extents[at];
    uint64_t begin = (uint64_t)extent->index * STORE_PAGE;
    if (index < extent->index) {
        return (struct file_piece){NULL, begin - offset < most ? begin - offset : most};
    }
    node->recent = (struct piece_seen){begin, (uint64_t)extent->count * STORE_PAGE,
                                       store_bytes(&tree->store, extent->page)};
    return file_piece(tree, node, offset, most);
}

// How many pages of a range there are not.
static uint32_t missing(const struct node *node, uint32_t first, uint32_t end)
{
    uint32_t count = 0, at = first;
    for (uint32_t i = find(node, first); i < node->extent_count && at < end; i++) {
        const struct extent *extent = &node->extents[i];
        if (extent->index > at) {
            count += (extent->index < end ? extent->index : end) - at;
        }
        at = end_of(extent);
    }
    return at < end ? count + (end - at) : count;
}

// Room for so many extents.
static ts_status_t reserve(struct node *node, uint32_t count)
{
    if (count <= node->extent_room) {
        return TS_OK;
    }
    uint32_t room = node->extent_room ? 2 * node->extent_room : EXTENTS_FIRST;
    room = room < count ? count : room;
    struct extent *extents = realloc(node->extents, room * sizeof(*extents));
    if (extents == NULL) {
        return TS_ERR_MEMORY;
    }
    node->extents = extents;
    node->extent_room = room;
    return TS_OK;
}

// Gives most of the room back that is not needed: it is not charged by itself.
static void trim(struct node *node)
{
    if (node->extent_count == 0) {
        free(node->extents);
        node->extents = NULL;
        node->extent_room = 0;
        return;
    }
    uint32_t room = node->extent_count < EXTENTS_FIRST ? EXTENTS_FIRST : node->extent_count;
    struct extent *extents =
        node->extent_room > 2 * room ? realloc(node->extents, room * sizeof(*extents)) : NULL;
    if (extents != NULL) {
        node->extents = extents;
        node->extent_room = room;
    }
}

// Puts it before extent `at`, or makes the one before longer.
static void insert(struct node *node, uint32_t at, struct extent extent)
{
    struct extent *before = at > 0 ? &node->extents[at - 1] : NULL;
    if (before != NULL && before->client == extent.client && end_of(before) == extent.index &&
        before->page + before->count == extent.page && extent.page % STORE_CHUNK) {
        before->count += extent.count;
        return;
    }
    memmove(&node->extents[at + 1], &node->extents[at], (node->extent_count - at) * sizeof(extent));
    node->extents[at] = extent;
    node->extent_count++;
}

static void fill(struct tree *tree, struct node *node, uint32_t client, uint32_t at, uint32_t end)
{
    while (at < end) {
        uint32_t i = find(node, at);
        const struct extent *extent = &node->extents[i];
        uint32_t until = i < node->extent_count && extent->index < end ? extent->index : end;
        if (until <= at) {
            at = end_of(extent);
            continue;
        }
        uint32_t page, near = i > 0 ? extent[-1].page + extent[-1].count : STORE_NONE;
        uint32_t count = store_run(&tree->store, near, until - at, &page);
        insert(node, i, (struct extent){at, page, count, client});
        at += count;
    }
}

ts_status_t file_fill(struct tree *tree, struct node *node, uint32_t client, uint64_t offset,
                      uint64_t length)
{
    uint32_t first = (uint32_t)(offset / STORE_PAGE);
    uint32_t end = (uint32_t)((offset + length + STORE_PAGE - 1) / STORE_PAGE);
    uint32_t count = missing(node, first, end);
    if (count == 0) {
        return TS_OK;
    }
    ts_status_t status = reserve(node, node->extent_count + count); // each by itself at the worst
    status = status != TS_OK ? status : store_take(&tree->store, client, count);
    if (status == TS_OK) {
        fill(tree, node, client, first, end);
    }
    trim(node);
    return status;
}

void file_cut(struct tree *tree, struct node *node, uint64_t size)
{
    uint32_t pages = (uint32_t)((size + STORE_PAGE - 1) / STORE_PAGE);
    node->recent.length = 0;
    while (node->extent_count > 0) {
        struct extent *last = &node->extents[node->extent_count - 1];
        if (end_of(last) <= pages) {
            break;
        }
        uint32_t keep = last->index < pages ? pages - last->index : 0;
        store_give(&tree->store, last->client, last->page + keep, last->count - keep);
        last->count = keep;
        node->extent_count -= keep == 0;
    }
    trim(node);
    if (size % STORE_PAGE) {
        struct file_piece tail = file_piece(tree, node, size, STORE_PAGE - size % STORE_PAGE);
        if (tail.bytes != NULL) {
            memset(tail.bytes, 0, tail.length);
        }
    }
}

ts_status_t file_resize(struct tree *tree, struct node *node, uint64_t size)
{
    if (size > FILE_SIZE_MAX) {
        return TS_ERR_TOO_LARGE;
    }
    if (size < node->size) {
        file_cut(tree, node, size);
    }
    node->size = size;
    return TS_OK;
}

uint64_t file_pages(const struct node *node)
{
    uint64_t pages = 0;
    for (uint32_t i = 0; i < node->extent_count; i++) {
        pages += node->extents[i].count;
    }
    return pages;
}
