// SPDX-License-Identifier: MIT
#include "tree.h"

#include <string.h>

#include <tessera/lib/listing.h>
#include <tessera/lib/path.h>
#include <tessera/proto/file.h>

#include "node.h"

static const struct ts_operations node_operations;

ts_status_t tree_init(const struct ts_archive *archive)
{
    nodes_init(archive);
    return content_init();
}

// ---- Opening

static void open_entry(struct ts_request *request, uint32_t entry)
{
    struct node *node = node_take(entry);
    if (node == NULL) {
        ts_request_reply(request, TS_ERR_LIMIT, 0);
        return;
    }
    node->object.operations = &node_operations;
    if (ts_request_reply_mint(request, &node->object, TREE_RIGHTS, 0) != TS_OK) {
        node_give(node);
    }
}

static void node_closed(struct ts_object *object)
{
    struct node *node = TS_OBJECT_OF(object, struct node, object);
    content_closed(node);
    node_give(node);
}

// From directory `at` along a client's path.
static ts_status_t walk(uint32_t at, const char *path, size_t length, uint32_t *out_entry)
{
    const struct ts_archive_entry *entries = tree_archive->entries;
    char whole[TS_PATH_MAX];
    size_t used = entries[at].path_length;
    struct ts_path_walk steps;
    ts_status_t status;
    memcpy(whole, tree_archive->strings + entries[at].path, used);
    ts_path_walk_init(&steps, path, length);
    while ((status = ts_path_step(&steps)) == TS_OK) {
        if (used + 1 + steps.length > sizeof(whole)) {
            return TS_ERR_NAME_TOO_LONG;
        }
        if (used > 0) {
            whole[used++] = '/';
        }
        memcpy(whole + used, steps.component, steps.length);
        used += steps.length;
    }
    if (status != TS_ERR_NOT_FOUND) { // the end of the path
        return status;
    }
    return ts_archive_find(tree_archive, whole, used, out_entry);
}

static void node_open(struct ts_request *request)
{
    char path[TS_PATH_MAX];
    uint32_t entry;
    uint32_t flags = (uint32_t)request->arg;
    ts_status_t status = TS_OK;
    if (request->length > sizeof(path)) {
        status = TS_ERR_NAME_TOO_LONG;
    }
    if (status == TS_OK) {
        status = ts_request_pull(request, path, request->length, 0);
    }
    if (status == TS_OK) {
        status = walk(node_of(request)->entry, path, request->length, &entry);
    }
    if (status == TS_OK && (flags & (TS_OPEN_CREATE | TS_OPEN_TRUNCATE | TS_OPEN_APPEND)) != 0) {
        status = TS_ERR_READ_ONLY;
    }
    if (status == TS_OK && (flags & TS_OPEN_DIRECTORY) != 0 &&
        tree_archive->entries[entry].type != TS_ARCHIVE_DIRECTORY) {
        status = TS_ERR_NOT_DIRECTORY;
    }
    if (status == TS_OK) {
        open_entry(request, entry);
    } else {
        ts_request_reply(request, status, 0);
    }
}

void tree_open_root(struct ts_request *request)
{
    open_entry(request, 0);
}

// ---- Properties

static void reply_attributes(struct ts_request *request, const struct node *node)
{
    const struct ts_archive_entry *entry = entry_of(node);
    bool directory = entry->type == TS_ARCHIVE_DIRECTORY;
    int64_t modified = (int64_t)(entry->modified_ns & INT64_MAX);
    struct ts_attributes attributes = {
        .mask = TS_ATTRIBUTE_MODE | TS_ATTRIBUTE_MODIFIED,
        .type = directory ? TS_FILE_DIRECTORY : TS_FILE_REGULAR,
        .mode = entry->mode & 0777u,
        .links = 1,
        .size = entry->size,
        .blocks = entry->size,
        .identity = node->entry + 1,
        .store = 1,
        .modified_ns = modified,
        .accessed_ns = modified,
        .changed_ns = modified,
        .created_ns = modified,
    };
    ts_request_reply_whole(request, &attributes, sizeof(attributes));
}

static void node_get(struct ts_request *request)
{
    const struct node *node = node_of(request);
    const struct ts_archive_entry *entry = entry_of(node);
    switch (request->arg) {
    case TS_PROPERTY_SIZE: ts_request_reply_u64(request, entry->size); break;
    case TS_PROPERTY_POSITION: ts_request_reply_u64(request, node->position); break;
    case TS_PROPERTY_STATUS_FLAGS: ts_request_reply_u64(request, 0); break;
    case TS_PROPERTY_ATTRIBUTES: reply_attributes(request, node); break;
    case TS_PROPERTY_NAME:
        ts_request_reply_stable(request, tree_archive->strings + entry->path, entry->path_length);
        break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static void node_set(struct ts_request *request)
{
    uint64_t value;
    ts_status_t status = TS_ERR_READ_ONLY;
    if (request->arg == TS_PROPERTY_POSITION) {
        status = ts_request_pull_exact(request, &value, sizeof(value));
    }
    if (status == TS_OK && value > INT64_MAX) {
        status = TS_ERR_OVERFLOW;
    }
    if (status == TS_OK) {
        node_of(request)->position = value;
    }
    ts_request_reply(request, status, 0);
}

static void node_list(struct ts_request *request)
{
    static _Alignas(8) char buffer[8192];
    struct node *node = node_of(request);
    struct ts_listing listing = {.buffer = buffer,
                                 .capacity = request->room < sizeof(buffer) ? request->room
                                                                            : sizeof(buffer)};
    uint32_t index = request->offset < UINT32_MAX ? (uint32_t)request->offset : UINT32_MAX;
    if (entry_of(node)->type != TS_ARCHIVE_DIRECTORY) {
        ts_request_reply(request, TS_ERR_NOT_DIRECTORY, 0);
        return;
    }
    bool more = true;
    while (more && ts_archive_next(tree_archive, node->entry, index, &index) == TS_OK) {
        const struct ts_archive_entry *entry = &tree_archive->entries[index];
        size_t length;
        const char *name = ts_archive_name(tree_archive, index, &length);
        bool directory = entry->type == TS_ARCHIVE_DIRECTORY;
        more = ts_listing_add(&listing, (uint64_t)index + 1,
                              directory ? TS_FILE_DIRECTORY : TS_FILE_REGULAR, entry->size,
                              (uint64_t)index + 1, name, length);
        index += more;
    }
    if (!more && listing.used == 0) {
        ts_request_reply(request, TS_ERR_OVERFLOW, 0); // not even one record fits
    } else {
        ts_request_reply_bytes(request, buffer, listing.used);
    }
}

static const struct ts_operations node_operations = {
    .open = node_open,
    .list = node_list,
    .read = content_ask,
    .map = content_ask,
    .get = node_get,
    .set = node_set,
    .cancel = content_cancel,
    .closed = node_closed,
};
