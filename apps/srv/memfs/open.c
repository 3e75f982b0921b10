// SPDX-License-Identifier: MIT
// Names: open, create, remove, rename, list.
#include <string.h>
#include <tessera/lib/listing.h>
#include "file.h"
#include "memfs.h"
#include "walk.h"

static const struct ts_operations memfs_operations;

// Bytes of a memory file never have to be waited for.
#define SIGNALS (TS_SIGNAL_READABLE | TS_SIGNAL_WRITABLE)

// A new open object for `node`.
static struct open_node *node_open(struct tree *tree, struct node *node, uint32_t flags)
{
    struct open_node *open = open_make(tree, node);
    if (open == NULL) {
        return NULL;
    }
    open->object.operations = &memfs_operations;
    open->flags = flags & (TS_OPEN_APPEND | TS_OPEN_NOWAIT);
    return open;
}

// What open and create are about to answer with.
struct found {
    struct node *node;
    bool made; // by this request: it goes if nobody gets it
};

// What was asked beside it happens only if the client got it.
static ts_status_t give_at_once(struct ts_request *request, struct open_node *open)
{
    ts_status_t status =
        ts_request_reply_mint_with(request, &open->object, request->rights, 0, SIGNALS);
    if (status != TS_OK) {
        open_put(open);
    }
    return status;
}

// The answer to open and create.
static void answer_node(struct ts_request *request, ts_status_t status, struct found found)
{
    struct tree *tree = opened(request)->tree;
    uint32_t flags = (uint32_t)request->arg;
    bool truncate = request->op == TS_OP_OPEN && (flags & TS_OPEN_TRUNCATE) != 0;
    struct open_node *open = status == TS_OK ? node_open(tree, found.node, flags) : NULL;
    if (open != NULL && !found.made && !truncate) {
        ts_request_give(request, &open->object, request->rights, SIGNALS);
        return;
    }
    if (open != NULL) {
        status = give_at_once(request, open);
    } else {
        status = status != TS_OK ? status : TS_ERR_MEMORY;
        ts_request_reply(request, status, 0);
    }
    if (status != TS_OK && found.made) {
        tree_unmake(tree, found.node);
    } else if (status == TS_OK && truncate) {
        (void)file_resize(tree, found.node, 0); // to less: that does not fail
    }
}

static void memfs_closed(struct ts_object *object)
{
    open_put(TS_OBJECT_OF(object, struct open_node, object));
}

// Pulls the request's path, to be walked from the object that was asked.
static ts_status_t path_of(struct ts_request *request, char *buffer, struct walk_path *out_path)
{
    out_path->from = opened(request)->node;
    out_path->rest = buffer;
    return ts_request_path(request, buffer, TS_PATH_MAX, &out_path->length);
}

static ts_status_t place_of(struct tree *tree, const struct walk_path *path,
                            struct tree_place *out_place)
{
    return tree_place(tree, path->from, path->rest, path->length, out_place);
}

static ts_status_t make(struct ts_request *request, const struct walk_path *path, uint32_t type,
                        struct found *out_found)
{
    struct tree *tree = opened(request)->tree;
    struct tree_place place;
    ts_status_t status = place_of(tree, path, &place);
    status =
        status != TS_OK ? status : tree_make(tree, &place, type, request->client, &out_found->node);
    out_found->made = status == TS_OK;
    return status;
}

static ts_status_t find_or_make(struct ts_request *request, const struct walk_path *path,
                                uint32_t flags, struct found *out_found)
{
    struct tree *tree = opened(request)->tree;
    ts_status_t status = tree_find(tree, path->from, path->rest, path->length, &out_found->node);
    if (status == TS_OK) {
        bool exclusive = (flags & TS_OPEN_CREATE) && (flags & TS_OPEN_EXCLUSIVE);
        return exclusive ? TS_ERR_EXISTS : TS_OK;
    }
    if (status != TS_ERR_NOT_FOUND || !(flags & TS_OPEN_CREATE)) {
        return status;
    }
    if (!ts_request_has(request, TS_RIGHT_WRITE)) {
        return TS_ERR_RIGHTS;
    }
    if (flags & TS_OPEN_DIRECTORY) {
        return TS_ERR_NOT_DIRECTORY; // which a new file would not be
    }
    return make(request, path, TS_FILE_REGULAR, out_found);
}

#define OPEN_FLAGS                                                                             \
    (TS_OPEN_CREATE | TS_OPEN_EXCLUSIVE | TS_OPEN_TRUNCATE | TS_OPEN_APPEND | TS_OPEN_NOWAIT | \
     TS_OPEN_DIRECTORY)

static ts_status_t open_checked(struct ts_request *request, const struct walk_path *path,
                                uint32_t flags, struct found *out_found)
{
    if (flags & ~OPEN_FLAGS) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = find_or_make(request, path, flags, out_found);
    if (status != TS_OK) {
        return status;
    }
    bool directory = out_found->node->type == TS_FILE_DIRECTORY;
    if ((flags & TS_OPEN_DIRECTORY) && !directory) {
        return TS_ERR_NOT_DIRECTORY;
    }
    if (!(flags & TS_OPEN_TRUNCATE)) {
        return TS_OK;
    }
    if (directory) {
        return TS_ERR_IS_DIRECTORY;
    }
    return ts_request_has(request, TS_RIGHT_WRITE) ? TS_OK : TS_ERR_RIGHTS;
}

static void memfs_open(struct ts_request *request)
{
    char buffer[TS_PATH_MAX];
    struct walk_path path;
    struct found found = {0};
    uint32_t flags = (uint32_t)request->arg;
    ts_status_t status = path_of(request, buffer, &path);
    if (status == TS_OK && !walked(request, memfs_open, &path, 1)) {
        return;
    }
    status = status != TS_OK ? status : open_checked(request, &path, flags, &found);
    answer_node(request, status, found);
}

static void memfs_create(struct ts_request *request)
{
    char buffer[TS_PATH_MAX];
    struct walk_path path;
    struct found found = {0};
    uint32_t kind = ts_open_arg_kind(request->arg);
    ts_status_t status = path_of(request, buffer, &path);
    if (status == TS_OK && kind != TS_FILE_REGULAR && kind != TS_FILE_DIRECTORY) {
        status = TS_ERR_ARGUMENT;
    }
    if (status == TS_OK && !walked(request, memfs_create, &path, 1)) {
        return;
    }
    status = status != TS_OK ? status : make(request, &path, kind, &found);
    answer_node(request, status, found);
}

static void memfs_remove(struct ts_request *request)
{
    char buffer[TS_PATH_MAX];
    struct walk_path path;
    struct tree_place place;
    struct tree *tree = opened(request)->tree;
    ts_status_t status = path_of(request, buffer, &path);
    if (status == TS_OK && !walked(request, memfs_remove, &path, 1)) {
        return;
    }
    status = status != TS_OK ? status : place_of(tree, &path, &place);
    status = status != TS_OK ? status : tree_remove(tree, &place, ts_open_arg_kind(request->arg));
    ts_request_reply(request, status, 0);
}

// The directory of the new name: this one, or another of this file system that came as a handle.
static ts_status_t other_directory(struct ts_request *request, struct node **out_node)
{
    *out_node = opened(request)->node;
    if (request->in_handles == 0) {
        return TS_OK;
    }
    ts_handle_t foreign;
    struct ts_object *own;
    ts_rights_t rights;
    ts_status_t status = ts_request_take(request, 0, &foreign, &own, &rights);
    if (status != TS_OK) {
        return status;
    }
    if (own == NULL || own->operations != &memfs_operations) {
        ts_close(foreign);
        return TS_ERR_UNSUPPORTED;
    }
    if (~rights & (TS_RIGHT_OPEN | TS_RIGHT_WRITE)) {
        return TS_ERR_RIGHTS;
    }
    *out_node = TS_OBJECT_OF(own, struct open_node, object)->node;
    return TS_OK;
}

// Pulls both names. The handle is taken once: a walk holds its directory.
static ts_status_t two_paths(struct ts_request *request, char *names, size_t capacity,
                             uint64_t flags, struct walk_path *out_paths)
{
    if (request->length >= capacity) {
        return TS_ERR_NAME_TOO_LONG;
    }
    if (request->arg & ~flags) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = ts_request_pull(request, names, request->length, 0);
    if (status != TS_OK) {
        return status;
    }
    const char *zero = memchr(names, 0, request->length);
    if (zero == NULL) {
        return TS_ERR_ARGUMENT;
    }
    struct node *target = walk_from(request, 1);
    status = target != NULL ? TS_OK : other_directory(request, &target);
    size_t old = (size_t)(zero - names);
    out_paths[0] = (struct walk_path){opened(request)->node, names, old};
    out_paths[1] = (struct walk_path){target, zero + 1, request->length - old - 1};
    return status;
}

static void memfs_rename(struct ts_request *request)
{
    char names[2 * TS_PATH_MAX];
    struct walk_path paths[2];
    struct tree_place from, to;
    struct tree *tree = opened(request)->tree;
    ts_status_t status = two_paths(request, names, sizeof(names), TS_OPEN_EXCLUSIVE, paths);
    if (status == TS_OK && !walked(request, memfs_rename, paths, 2)) {
        return;
    }
    status = status != TS_OK ? status : place_of(tree, &paths[0], &from);
    status = status != TS_OK ? status : place_of(tree, &paths[1], &to);
    status =
        status != TS_OK ? status : tree_rename(tree, &from, &to, request->arg & TS_OPEN_EXCLUSIVE);
    ts_request_reply(request, status, 0);
}

static void memfs_link(struct ts_request *request)
{
    char names[2 * TS_PATH_MAX];
    struct walk_path paths[2];
    struct tree_place from, to;
    struct tree *tree = opened(request)->tree;
    ts_status_t status = two_paths(request, names, sizeof(names), 0, paths);
    if (status == TS_OK && !walked(request, memfs_link, paths, 2)) {
        return;
    }
    status = status != TS_OK ? status : place_of(tree, &paths[0], &from);
    status = status != TS_OK ? status : place_of(tree, &paths[1], &to);
    status = status != TS_OK ? status : tree_link(tree, &from, &to, request->client);
    ts_request_reply(request, status, 0);
}

static void memfs_list(struct ts_request *request)
{
    _Alignas(8) char buffer[TS_PAGE_SIZE];
    struct node *directory = opened(request)->node;
    if (directory->type != TS_FILE_DIRECTORY) {
        ts_request_reply(request, TS_ERR_NOT_DIRECTORY, 0);
        return;
    }
    size_t capacity = request->room < sizeof(buffer) ? request->room : sizeof(buffer);
    struct ts_listing listing = {buffer, capacity & ~(size_t)7, 0};
    const struct entry *entry = tree_child(directory, request->offset);
    if (entry != NULL && listing.capacity < TS_FILE_ENTRY_LENGTH(entry->length)) {
        ts_request_reply(request, TS_ERR_OVERFLOW, 0);
        return;
    }
    while (entry != NULL &&
           ts_listing_add(&listing, entry->serial + 1, (enum ts_file_type)entry->node->type,
                          entry->node->size, entry->node->identity, entry->name, entry->length)) {
        entry = entry->next;
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
    struct open_node *open = node_open(tree, tree->root, 0);
    if (open != NULL) {
        ts_request_give(request, &open->object, request->rights, SIGNALS);
    } else {
        ts_request_reply(request, TS_ERR_MEMORY, 0);
    }
}

const struct ts_operations memfs_root_operations = {.open = root_open};

static const struct ts_operations memfs_operations = {
    .open = memfs_open,
    .create = memfs_create,
    .remove = memfs_remove,
    .rename = memfs_rename,
    .link = memfs_link,
    .list = memfs_list,
    .read = memfs_read,
    .write = memfs_write,
    .sync = memfs_sync,
    .get = memfs_get,
    .set = memfs_set,
    .cancel = walk_cancel,
    .closed = memfs_closed,
};
