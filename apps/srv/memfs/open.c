// SPDX-License-Identifier: MIT
// Names: open, create, remove, rename, list.
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/listing.h>
#include "memfs.h"

struct open_node *opened(struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct open_node, object);
}

// Answers with a new open object for `node`. `session` NULL: a session begins.
static void answer_open(struct ts_request *request, struct tree *tree, struct session *session,
                        struct node *node, uint32_t flags)
{
    struct session *fresh = session ? NULL : calloc(1, sizeof *fresh);
    session = session ? session : fresh;
    struct open_node *open = session ? calloc(1, sizeof *open) : NULL;
    if (!open || session->open >= SESSION_OPEN_MAX) {
        free(open);
        free(fresh);
        ts_request_reply(request, open ? TS_ERR_LIMIT : TS_ERR_MEMORY, 0);
        return;
    }
    open->object.operations = &memfs_operations;
    open->session = session;
    open->tree = tree;
    open->node = node_get(node);
    open->flags = flags & (TS_OPEN_APPEND | TS_OPEN_NOWAIT);
    session->open++;
    if (ts_request_reply_mint(request, &open->object, request->rights, 0) != TS_OK) {
        session->open--;
        node_put(tree, node);
        free(open);
        free(fresh);
        return;
    }
    // Bytes of a memory file never have to be waited for.
    ts_object_signal(&open->object, 0, TS_SIGNAL_READABLE | TS_SIGNAL_WRITABLE);
}

// The answer to open and create.
static void answer_node(struct ts_request *request, ts_status_t status, struct node *node)
{
    const struct open_node *open = opened(request);
    if (status == TS_OK) {
        answer_open(request, open->tree, open->session, node, (uint32_t)request->argument);
    } else {
        ts_request_reply(request, status, 0);
    }
}

static void memfs_closed(struct ts_object *object)
{
    struct open_node *open = TS_OBJECT_OF(object, struct open_node, object);
    node_put(open->tree, open->node);
    if (--open->session->open == 0) {
        free(open->session);
    }
    free(open);
}

static ts_status_t find_or_make(struct ts_request *request, const char *path, size_t length,
                                uint32_t flags, struct node **out_node)
{
    struct tree *tree = opened(request)->tree;
    struct node *from = opened(request)->node;
    ts_status_t status = tree_find(tree, from, path, length, out_node);
    if (status == TS_OK) {
        bool exclusive = (flags & TS_OPEN_CREATE) && (flags & TS_OPEN_EXCLUSIVE);
        return exclusive ? TS_ERR_EXISTS : TS_OK;
    }
    if (status != TS_ERR_NOT_FOUND || !(flags & TS_OPEN_CREATE)) {
        return status;
    }
    struct tree_place place;
    if (!ts_request_has(request, TS_RIGHT_WRITE)) {
        return TS_ERR_RIGHTS;
    }
    status = tree_place(tree, from, path, length, &place);
    return status ? status : tree_make(tree, &place, TS_FILE_REGULAR, out_node);
}

#define OPEN_FLAGS                                                                             \
    (TS_OPEN_CREATE | TS_OPEN_EXCLUSIVE | TS_OPEN_TRUNCATE | TS_OPEN_APPEND | TS_OPEN_NOWAIT | \
     TS_OPEN_DIRECTORY)

static ts_status_t open_checked(struct ts_request *request, const char *path, size_t length,
                                uint32_t flags, struct node **out_node)
{
    if (flags & ~OPEN_FLAGS) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = find_or_make(request, path, length, flags, out_node);
    if (status != TS_OK) {
        return status;
    }
    bool directory = (*out_node)->type == TS_FILE_DIRECTORY;
    if ((flags & TS_OPEN_DIRECTORY) && !directory) {
        return TS_ERR_NOT_DIRECTORY;
    }
    if (!(flags & TS_OPEN_TRUNCATE)) {
        return TS_OK;
    }
    if (directory) {
        return TS_ERR_IS_DIRECTORY;
    }
    if (!ts_request_has(request, TS_RIGHT_WRITE)) {
        return TS_ERR_RIGHTS;
    }
    return file_resize(opened(request)->tree, *out_node, 0);
}

static void memfs_open(struct ts_request *request)
{
    char path[TS_PATH_MAX];
    size_t length;
    struct node *node = NULL;
    uint32_t flags = (uint32_t)request->argument;
    ts_status_t status = ts_request_path(request, path, sizeof path, &length);
    status = status ? status : open_checked(request, path, length, flags, &node);
    answer_node(request, status, node);
}

static void memfs_create(struct ts_request *request)
{
    char path[TS_PATH_MAX];
    size_t length;
    struct tree_place place;
    struct node *node = NULL;
    uint32_t kind = (uint32_t)(request->argument >> 32);
    ts_status_t status = ts_request_path(request, path, sizeof path, &length);
    if (status == TS_OK && kind != TS_FILE_REGULAR && kind != TS_FILE_DIRECTORY) {
        status = TS_ERR_ARGUMENT;
    }
    struct tree *tree = opened(request)->tree;
    status = status ? status : tree_place(tree, opened(request)->node, path, length, &place);
    status = status ? status : tree_make(tree, &place, kind, &node);
    answer_node(request, status, node);
}

static void memfs_remove(struct ts_request *request)
{
    char path[TS_PATH_MAX];
    size_t length;
    struct tree_place place;
    struct tree *tree = opened(request)->tree;
    ts_status_t status = ts_request_path(request, path, sizeof path, &length);
    status = status ? status : tree_place(tree, opened(request)->node, path, length, &place);
    status = status ? status : tree_remove(tree, &place, (uint32_t)(request->argument >> 32));
    ts_request_reply(request, status, 0);
}

// The directory of the new name: this one, or another of this file system that came as a handle.
static ts_status_t other_directory(struct ts_request *request, struct node **out_node)
{
    *out_node = opened(request)->node;
    if (request->handles_in == 0) {
        return TS_OK;
    }
    ts_handle_t foreign;
    struct ts_object *own;
    ts_rights_t rights;
    ts_status_t status = ts_request_take(request, 0, &foreign, &own, &rights);
    if (status != TS_OK) {
        return status;
    }
    if (!own || own->operations != &memfs_operations) {
        ts_close(foreign);
        return TS_ERR_UNSUPPORTED;
    }
    if (~rights & (TS_RIGHT_OPEN | TS_RIGHT_WRITE)) {
        return TS_ERR_RIGHTS;
    }
    *out_node = TS_OBJECT_OF(own, struct open_node, object)->node;
    return TS_OK;
}

static ts_status_t rename_checked(struct ts_request *request, char *names, size_t capacity)
{
    if (request->length >= capacity) {
        return TS_ERR_NAME_TOO_LONG;
    }
    if (request->argument & ~(uint64_t)TS_OPEN_EXCLUSIVE) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = ts_request_pull(request, names, request->length, 0);
    if (status != TS_OK) {
        return status;
    }
    const char *zero = memchr(names, 0, request->length);
    struct node *target;
    if (!zero) {
        return TS_ERR_ARGUMENT;
    }
    status = other_directory(request, &target);
    struct tree_place from, to;
    struct tree *tree = opened(request)->tree;
    size_t old = (size_t)(zero - names);
    status = status ? status : tree_place(tree, opened(request)->node, names, old, &from);
    status = status ? status : tree_place(tree, target, zero + 1, request->length - old - 1, &to);
    return status ? status : tree_rename(tree, &from, &to, request->argument & TS_OPEN_EXCLUSIVE);
}

static void memfs_rename(struct ts_request *request)
{
    char names[2 * TS_PATH_MAX];
    ts_request_reply(request, rename_checked(request, names, sizeof names), 0);
}

static void memfs_list(struct ts_request *request)
{
    _Alignas(8) char buffer[TS_PAGE_SIZE];
    struct node *directory = opened(request)->node;
    if (directory->type != TS_FILE_DIRECTORY) {
        ts_request_reply(request, TS_ERR_NOT_DIRECTORY, 0);
        return;
    }
    size_t capacity = request->room < sizeof buffer ? request->room : sizeof buffer;
    struct ts_listing listing = {buffer, capacity & ~(size_t)7, 0};
    struct node *node = tree_child(directory, request->offset);
    if (node && listing.capacity < TS_FILE_ENTRY_LENGTH(node->name_length)) {
        ts_request_reply(request, TS_ERR_OVERFLOW, 0);
        return;
    }
    while (node && ts_listing_add(&listing, node->serial + 1, (enum ts_file_type)node->type,
                                  node->size, node->identity, node->name, node->name_length)) {
        node = node->next;
    }
    ts_request_reply_bytes(request, buffer, listing.used);
}

static void root_open(struct ts_request *request)
{
    if (request->length != 0) {
        ts_request_reply(request, TS_ERR_NOT_FOUND, 0);
        return;
    }
    struct tree *tree = TS_OBJECT_OF(request->object, struct memfs_root, object)->tree;
    answer_open(request, tree, NULL, tree->root, 0);
}

const struct ts_operations memfs_root_operations = {.open = root_open};

const struct ts_operations memfs_operations = {
    .open = memfs_open,
    .create = memfs_create,
    .remove = memfs_remove,
    .rename = memfs_rename,
    .list = memfs_list,
    .read = memfs_read,
    .write = memfs_write,
    .sync = memfs_sync,
    .get = memfs_get,
    .set = memfs_set,
    .map = memfs_map,
    .closed = memfs_closed,
};
