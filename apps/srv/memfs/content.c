// SPDX-License-Identifier: MIT
// Bytes and properties of open objects.
#include <string.h>
#include <tessera/lib/clock.h>
#include "file.h"
#include "memfs.h"

static ts_status_t regular(const struct open_node *open)
{
    return open->node->type == TS_FILE_REGULAR ? TS_OK : TS_ERR_IS_DIRECTORY;
}

static ts_status_t push_pieces(struct ts_request *request, uint64_t offset, size_t length)
{
    static const unsigned char zeros[4 * STORE_PAGE];
    struct open_node *open = opened(request);
    struct file_piece piece;
    ts_status_t status = TS_OK;
    for (size_t done = 0; status == TS_OK && done < length; done += piece.length) {
        piece = file_piece(open->tree, open->node, offset + done, length - done);
        if (piece.bytes == NULL && piece.length > sizeof(zeros)) {
            piece.length = sizeof(zeros);
        }
        status =
            ts_request_push(request, piece.bytes != NULL ? piece.bytes : zeros, piece.length, done);
    }
    return status;
}

// What does not lie in one piece.
static void read_pieces(struct ts_request *request, uint64_t offset, size_t length)
{
    struct open_node *open = opened(request);
    ts_status_t status = push_pieces(request, offset, length);
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
    } else if (!(request->flags & TS_FLAG_CURRENT)) {
        ts_request_reply(request, TS_OK, length);
    } else if (ts_request_reply_now(request, TS_OK, length, NULL, 0) == TS_OK) {
        open->position = offset + length;
    }
}

void memfs_read(struct ts_request *request)
{
    struct open_node *open = opened(request);
    struct node *node = open->node;
    bool current = request->flags & TS_FLAG_CURRENT;
    uint64_t offset = current ? open->position : request->offset;
    uint64_t left = offset < node->size ? node->size - offset : 0;
    uint64_t most = request->room < TS_FILE_MOVE ? request->room : TS_FILE_MOVE;
    size_t n = most < left ? most : left;
    const unsigned char *bytes = file_range(node, offset, n);
    if (bytes == NULL && regular(open) != TS_OK) { // a directory has no bytes
        ts_request_reply(request, TS_ERR_IS_DIRECTORY, 0);
        return;
    }
    if (bytes == NULL && n > 0) {
        struct file_piece piece = file_piece(open->tree, node, offset, n);
        if (piece.bytes == NULL || piece.length < n) {
            read_pieces(request, offset, n);
            return;
        }
        bytes = piece.bytes;
    }
    if (!current) {
        ts_request_reply_stable(request, bytes, n);
    } else if (ts_request_reply_now(request, TS_OK, n, bytes, n) == TS_OK) {
        open->position = offset + n; // only what the client has got
    }
}

// Where a write goes, how much of it, and that it may.
static ts_status_t write_place(struct ts_request *request, uint64_t *out_offset, size_t *out_length)
{
    struct open_node *open = opened(request);
    uint64_t offset = request->offset;
    if (open->flags & TS_OPEN_APPEND) {
        offset = open->node->size;
    } else if (request->flags & TS_FLAG_CURRENT) {
        offset = open->position;
    }
    *out_offset = offset;
    *out_length = request->length < TS_FILE_MOVE ? request->length : TS_FILE_MOVE;
    if (offset > FILE_SIZE_MAX || *out_length > FILE_SIZE_MAX - offset) {
        return TS_ERR_TOO_LARGE;
    }
    return regular(open);
}

static ts_status_t write_bytes(struct ts_request *request, uint64_t offset, size_t length)
{
    struct tree *tree = opened(request)->tree;
    struct node *node = opened(request)->node;
    ts_status_t status = file_fill(tree, node, request->client, offset, length);
    for (size_t done = 0; status == TS_OK && done < length;) {
        struct file_piece piece = file_piece(tree, node, offset + done, length - done);
        status = ts_request_pull(request, piece.bytes, piece.length, done);
        done += piece.length;
    }
    if (status != TS_OK) {
        file_cut(tree, node, node->size); // what it would have grown by
    } else if (offset + length > node->size) {
        node->size = offset + length;
    }
    return status;
}

void memfs_write(struct ts_request *request)
{
    struct open_node *open = opened(request);
    struct node *node = open->node;
    uint64_t offset;
    size_t length;
    ts_status_t status = write_place(request, &offset, &length);
    if (status == TS_OK && length > 0) {
        status = write_bytes(request, offset, length);
    }
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return;
    }
    if (request->flags & TS_FLAG_CURRENT) {
        open->position = offset + length;
    }
    node->modified_ns = node->changed_ns = ts_clock_realtime();
    ts_request_reply(request, TS_OK, length);
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
    size_t at = sizeof(path);
    const struct entry *entry = opened(request)->node->names; // whichever of them
    for (; entry != NULL; entry = entry->directory->names) {
        if (entry->length + 1 > at) {
            ts_request_reply(request, TS_ERR_NAME_TOO_LONG, 0);
            return;
        }
        if (at < sizeof(path)) {
            path[--at] = '/';
        }
        at -= entry->length;
        memcpy(path + at, entry->name, entry->length);
    }
    ts_request_reply_bytes(request, path + at, sizeof(path) - at);
}

static void reply_attributes(struct ts_request *request)
{
    const struct node *node = opened(request)->node;
    struct ts_attributes attributes = {
        .mask =
            TS_ATTRIBUTE_MODE | TS_ATTRIBUTE_OWNER | TS_ATTRIBUTE_MODIFIED | TS_ATTRIBUTE_ACCESSED,
        .type = node->type,
        .mode = node->mode,
        .links = node == opened(request)->tree->root ? 1 : node->links,
        .user = node->user,
        .group = node->group,
        .size = node->size,
        .blocks = file_pages(node) * STORE_PAGE,
        .identity = node->identity,
        .store = (uint64_t)opened(request)->tree->root->created_ns, // clients see it
        .modified_ns = node->modified_ns,
        .accessed_ns = node->accessed_ns,
        .changed_ns = node->changed_ns,
        .created_ns = node->created_ns,
    };
    ts_request_reply_bytes(request, &attributes, sizeof(attributes));
}

void memfs_get(struct ts_request *request)
{
    const struct open_node *open = opened(request);
    switch (request->arg) {
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
    ts_status_t status = ts_request_pull_exact(request, &set, sizeof(set));
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
    status = status != TS_OK ? status : file_resize(opened(request)->tree, open->node, size);
    if (status == TS_OK) {
        open->node->modified_ns = open->node->changed_ns = ts_clock_realtime();
    }
    return status;
}

static ts_status_t set_number(struct ts_request *request)
{
    struct open_node *open = opened(request);
    uint64_t number;
    ts_status_t status = ts_request_pull_exact(request, &number, sizeof(number));
    if (status != TS_OK) {
        return status;
    }
    switch (request->arg) {
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
    switch (request->arg) {
    case TS_PROPERTY_ATTRIBUTES: status = set_attributes(request); break;
    case TS_PROPERTY_SIZE:
    case TS_PROPERTY_POSITION:
    case TS_PROPERTY_STATUS_FLAGS: status = set_number(request); break;
    default: break;
    }
    ts_request_reply(request, status, 0);
}
