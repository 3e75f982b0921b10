// SPDX-License-Identifier: MIT
// Bytes and properties of open objects.
#include <string.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/memory.h>
#include "memfs.h"

static ts_status_t regular(const struct open_node *open)
{
    return open->node->type == TS_FILE_REGULAR ? TS_OK : TS_ERR_IS_DIRECTORY;
}

void memfs_read(struct ts_request *request)
{
    struct open_node *open = opened(request);
    struct node *node = open->node;
    bool current = request->flags & TS_FLAG_CURRENT;
    uint64_t offset = current ? open->position : request->offset;
    if (regular(open) != TS_OK) {
        ts_request_reply(request, TS_ERR_IS_DIRECTORY, 0);
        return;
    }
    uint64_t left = offset < node->size ? node->size - offset : 0;
    size_t n = request->room < left ? request->room : left;
    const unsigned char *bytes = n ? node->bytes + offset : NULL;
    if (!current) {
        ts_request_reply_stable(request, bytes, n);
    } else if (ts_request_reply_now(request, TS_OK, n, bytes, n) == TS_OK) {
        open->position = offset + n; // only what the client has got
    }
}

// Where a write goes, and that it may: files grow to hold it.
static ts_status_t write_place(struct ts_request *request, uint64_t *out_offset, uint64_t *out_end)
{
    struct open_node *open = opened(request);
    uint64_t offset = request->offset;
    if (open->flags & TS_OPEN_APPEND) {
        offset = open->node->size;
    } else if (request->flags & TS_FLAG_CURRENT) {
        offset = open->position;
    }
    *out_offset = offset;
    if (__builtin_add_overflow(offset, (uint64_t)request->length, out_end)) {
        return TS_ERR_TOO_LARGE;
    }
    return regular(open);
}

void memfs_write(struct ts_request *request)
{
    struct open_node *open = opened(request);
    struct node *node = open->node;
    struct tree *tree = opened(request)->tree;
    uint64_t offset, end, before = node->size;
    ts_status_t status = write_place(request, &offset, &end);
    if (status == TS_OK && request->length && end > node->size) {
        status = file_resize(tree, node, end);
    }
    if (status == TS_OK && request->length) {
        status = ts_request_pull(request, node->bytes + offset, request->length, 0);
        if (status != TS_OK && node->size > before) {
            (void)!file_resize(tree, node, before); // shrinking does not fail
        }
    }
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return;
    }
    if (request->flags & TS_FLAG_CURRENT) {
        open->position = end;
    }
    node->modified_ns = node->changed_ns = ts_clock_realtime();
    ts_request_reply(request, TS_OK, request->length);
}

// What is written is as durable as this store is.
void memfs_sync(struct ts_request *request)
{
    ts_request_reply(request, TS_OK, 0);
}

// The path below the root, from its end.
static void reply_name(struct ts_request *request)
{
    char path[TS_PATH_MAX];
    size_t at = sizeof path;
    for (struct node *n = opened(request)->node; n->parent; n = n->parent) {
        if (n->name_length + 1 > at) {
            ts_request_reply(request, TS_ERR_NAME_TOO_LONG, 0);
            return;
        }
        if (at < sizeof path) {
            path[--at] = '/';
        }
        at -= n->name_length;
        memcpy(path + at, n->name, n->name_length);
    }
    ts_request_reply_bytes(request, path + at, sizeof path - at);
}

static void reply_attributes(struct ts_request *request)
{
    const struct node *node = opened(request)->node;
    struct ts_attributes attributes = {
        .mask =
            TS_ATTRIBUTE_MODE | TS_ATTRIBUTE_OWNER | TS_ATTRIBUTE_MODIFIED | TS_ATTRIBUTE_ACCESSED,
        .type = node->type,
        .mode = node->mode,
        .links = node->parent || node == opened(request)->tree->root ? 1 : 0,
        .user = node->user,
        .group = node->group,
        .size = node->size,
        .blocks = TS_PAGE_ROUND(node->size),
        .identity = node->identity,
        .store = opened(request)->tree->seed,
        .modified_ns = node->modified_ns,
        .accessed_ns = node->accessed_ns,
        .changed_ns = node->changed_ns,
        .created_ns = node->created_ns,
    };
    ts_request_reply_bytes(request, &attributes, sizeof attributes);
}

void memfs_get(struct ts_request *request)
{
    const struct open_node *open = opened(request);
    switch (request->argument) {
    case TS_PROPERTY_SIZE: ts_request_reply_u64(request, open->node->size); break;
    case TS_PROPERTY_POSITION: ts_request_reply_u64(request, open->position); break;
    case TS_PROPERTY_STATUS_FLAGS: ts_request_reply_u64(request, open->flags); break;
    case TS_PROPERTY_NAME: reply_name(request); break;
    case TS_PROPERTY_ATTRIBUTES: reply_attributes(request); break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

#define ATTRIBUTES_KEPT \
    (TS_ATTRIBUTE_MODE | TS_ATTRIBUTE_OWNER | TS_ATTRIBUTE_MODIFIED | TS_ATTRIBUTE_ACCESSED)

static ts_status_t set_attributes(struct ts_request *request)
{
    struct ts_attributes set;
    struct node *node = opened(request)->node;
    if (!ts_request_has(request, TS_RIGHT_WRITE)) {
        return TS_ERR_RIGHTS;
    }
    ts_status_t status = ts_request_pull_exact(request, &set, sizeof set);
    if (status != TS_OK) {
        return status;
    }
    if (set.mask & ~ATTRIBUTES_KEPT || ((set.mask & TS_ATTRIBUTE_MODE) && set.mode & ~07777u)) {
        return TS_ERR_ARGUMENT;
    }
    if (set.mask & TS_ATTRIBUTE_MODE) {
        node->mode = set.mode;
    }
    if (set.mask & TS_ATTRIBUTE_OWNER) {
        node->user = set.user;
        node->group = set.group;
    }
    if (set.mask & TS_ATTRIBUTE_MODIFIED) {
        node->modified_ns = set.modified_ns;
    }
    if (set.mask & TS_ATTRIBUTE_ACCESSED) {
        node->accessed_ns = set.accessed_ns;
    }
    node->changed_ns = ts_clock_realtime();
    return TS_OK;
}

static ts_status_t set_size(struct ts_request *request, uint64_t size)
{
    struct open_node *open = opened(request);
    if (!ts_request_has(request, TS_RIGHT_WRITE)) {
        return TS_ERR_RIGHTS;
    }
    ts_status_t status = regular(open);
    status = status ? status : file_resize(opened(request)->tree, open->node, size);
    if (status == TS_OK) {
        open->node->modified_ns = open->node->changed_ns = ts_clock_realtime();
    }
    return status;
}

static ts_status_t set_number(struct ts_request *request)
{
    struct open_node *open = opened(request);
    uint64_t number;
    ts_status_t status = ts_request_pull_exact(request, &number, sizeof number);
    if (status != TS_OK) {
        return status;
    }
    switch (request->argument) {
    case TS_PROPERTY_SIZE: return set_size(request, number);
    case TS_PROPERTY_POSITION:
        if (number > INT64_MAX) {
            return TS_ERR_ARGUMENT;
        }
        open->position = number;
        return TS_OK;
    default: // STATUS_FLAGS
        if (number & ~(uint64_t)(TS_OPEN_APPEND | TS_OPEN_NOWAIT)) {
            return TS_ERR_ARGUMENT;
        }
        open->flags = (uint32_t)number;
        return TS_OK;
    }
}

void memfs_set(struct ts_request *request)
{
    ts_status_t status = TS_ERR_UNSUPPORTED;
    switch (request->argument) {
    case TS_PROPERTY_ATTRIBUTES: status = set_attributes(request); break;
    case TS_PROPERTY_SIZE:
    case TS_PROPERTY_POSITION:
    case TS_PROPERTY_STATUS_FLAGS: status = set_number(request); break;
    default: break;
    }
    ts_request_reply(request, status, 0);
}

// A copy: the file goes on changing, and who maps a program must not see that.
static ts_status_t snapshot(const struct node *node, uint64_t offset, uint64_t length,
                            ts_handle_t *out_memory)
{
    void *copy;
    ts_status_t status = ts_memory_allocate(TS_PAGE_ROUND(length), 0, out_memory, &copy);
    if (status != TS_OK) {
        return status;
    }
    memcpy(copy, node->bytes + offset, length);
    (void)!ts_memory_unmap(copy, TS_PAGE_ROUND(length));
    return TS_OK;
}

void memfs_map(struct ts_request *request)
{
    const struct open_node *open = opened(request);
    ts_handle_t memory;
    ts_status_t status = regular(open);
    if (status == TS_OK && request->offset % TS_PAGE_SIZE) {
        status = TS_ERR_ARGUMENT;
    }
    if (status == TS_OK && request->offset >= open->node->size) {
        status = TS_ERR_RANGE;
    }
    if (status == TS_OK) {
        uint64_t left = open->node->size - request->offset;
        uint64_t length = request->span && request->span < left ? request->span : left;
        status = snapshot(open->node, request->offset, length, &memory);
    }
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return;
    }
    (void)!ts_request_reply_move(request, memory, TS_RIGHTS_ALL, 0);
}
