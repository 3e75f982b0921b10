// SPDX-License-Identifier: MIT
// A memory object grows by doubling and is mapped anew then. It shrinks to nothing only: a shorter
// file's pages beyond its end are given back by setting the object's size, which keeps the mapping.
#include <string.h>
#include <tessera/lib/memory.h>
#include "file.h"

#define CAPACITY_FIRST UINT64_C(16384)

static uint64_t pages_of(uint64_t size)
{
    return TS_PAGE_ROUND(size) / TS_PAGE_SIZE;
}

static void unmap(struct node *node)
{
    if (node->bytes) {
        (void)!ts_memory_unmap(node->bytes, node->capacity);
        node->bytes = NULL;
    }
}

// At least `size` bytes of room.
static ts_status_t reserve(struct node *node, uint64_t size)
{
    uint64_t capacity = node->capacity ? node->capacity : CAPACITY_FIRST;
    while (capacity < size) {
        capacity *= 2;
    }
    if (capacity == node->capacity) {
        return TS_OK;
    }
    ts_status_t status;
    if (!node->memory) {
        status = ts_memory_create(capacity, 0, &node->memory);
    } else {
        status = ts_set_u64(node->memory, TS_PROPERTY_SIZE, capacity);
    }
    if (status != TS_OK) {
        return status;
    }
    void *bytes;
    status = ts_memory_map(node->memory, NULL, capacity, 0, TS_MAP_READ | TS_MAP_WRITE, &bytes);
    if (status != TS_OK) {
        return status; // the object is larger than what is mapped: the next attempt maps it
    }
    unmap(node);
    node->bytes = bytes;
    node->capacity = capacity;
    return TS_OK;
}

void file_release(struct tree *tree, struct node *node)
{
    unmap(node);
    ts_close(node->memory);
    tree->pages -= pages_of(node->size);
    node->memory = TS_HANDLE_NONE;
    node->size = node->capacity = 0;
}

// Whole pages beyond the end go back to the system; what is left of the last one becomes zeros, or
// growing the file would show it again.
static void cut(struct node *node, uint64_t size)
{
    uint64_t keep = TS_PAGE_ROUND(size);
    uint64_t tail = keep < node->size ? keep : node->size;
    memset(node->bytes + size, 0, tail - size);
    if (keep >= node->size) {
        return;
    }
    ts_status_t status = ts_set_u64(node->memory, TS_PROPERTY_SIZE, keep);
    if (status == TS_OK) {
        status = ts_set_u64(node->memory, TS_PROPERTY_SIZE, node->capacity);
    }
    if (status != TS_OK) { // not given back, but never shown either
        memset(node->bytes + keep, 0, TS_PAGE_ROUND(node->size) - keep);
    }
}

ts_status_t file_resize(struct tree *tree, struct node *node, uint64_t size)
{
    if (size > FILE_SIZE_MAX) {
        return TS_ERR_TOO_LARGE;
    }
    uint64_t now = pages_of(node->size), then = pages_of(size);
    if (then > now && then - now > tree->page_limit - tree->pages) {
        return TS_ERR_NO_SPACE;
    }
    if (size > node->size) {
        ts_status_t status = reserve(node, size);
        if (status != TS_OK) {
            return status == TS_ERR_LIMIT ? TS_ERR_NO_SPACE : status;
        }
    } else if (size < node->size && size == 0) {
        file_release(tree, node);
        return TS_OK;
    } else if (size < node->size) {
        cut(node, size);
    }
    tree->pages += then - now;
    node->size = size;
    return TS_OK;
}
