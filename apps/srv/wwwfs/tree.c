// SPDX-License-Identifier: MIT
#include "tree.h"

#include <string.h>

#include <tessera/lib/listing.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/path.h>
#include <tessera/proto/file.h>

#include "cache.h"

// An open file or directory.
struct node {
    struct ts_object object;
    struct node *next_free;
    uint32_t entry;
    uint64_t position;
    struct ts_request *reading; // those that wait for a block, by request->next
    struct cache_waiter waiter;
    bool waits;
};

// How far a file's checksum has come.
struct check {
    uint64_t checked; // bytes from the start
    uint32_t crc;
    bool corrupt;
};

static struct {
    const struct ts_archive *archive;
    struct check *checks; // by entry
    struct node nodes[TREE_NODES];
    struct node *free;
} tree;

static const struct ts_operations node_operations;

static struct node *node_of(struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct node, object);
}

static const struct ts_archive_entry *entry_of(const struct node *node)
{
    return &tree.archive->entries[node->entry];
}

ts_status_t tree_init(const struct ts_archive *archive)
{
    void *checks;
    size_t size = archive->header->entry_count * sizeof(struct check);
    ts_status_t status = ts_memory_allocate(size, 0, NULL, &checks);
    if (status != TS_OK)
        return status;
    tree.archive = archive;
    tree.checks = checks;
    for (uint32_t i = TREE_NODES; i-- > 0;) {
        tree.nodes[i].next_free = tree.free;
        tree.free = &tree.nodes[i];
    }
    return TS_OK;
}

// Opening ---------------------------------------------------------------------------------

static void open_entry(struct ts_request *request, uint32_t entry)
{
    struct node *node = tree.free;
    if (node == NULL) {
        ts_request_reply(request, TS_ERR_LIMIT, 0);
        return;
    }
    tree.free = node->next_free;
    *node = (struct node){.object = {.operations = &node_operations}, .entry = entry};
    if (ts_request_reply_mint(request, &node->object, TREE_RIGHTS, 0) != TS_OK) {
        node->next_free = tree.free;
        tree.free = node;
    }
}

static void node_closed(struct ts_object *object)
{
    struct node *node = TS_OBJECT_OF(object, struct node, object);
    while (node->reading != NULL) {
        struct ts_request *request = node->reading;
        node->reading = request->next;
        ts_request_reply(request, TS_ERR_CANCELLED, 0);
    }
    if (node->waits)
        cache_forget(&node->waiter);
    node->next_free = tree.free;
    tree.free = node;
}

// From directory `at` along a client's path.
static ts_status_t walk(uint32_t at, const char *path, size_t length, uint32_t *out_entry)
{
    const struct ts_archive_entry *entries = tree.archive->entries;
    char whole[TS_PATH_MAX];
    size_t used = entries[at].path_length;
    struct ts_path_walk steps;
    ts_status_t status;
    memcpy(whole, tree.archive->strings + entries[at].path, used);
    ts_path_walk_init(&steps, path, length);
    while ((status = ts_path_step(&steps)) == TS_OK) {
        if (used + 1 + steps.length > sizeof(whole))
            return TS_ERR_NAME_TOO_LONG;
        if (used > 0)
            whole[used++] = '/';
        memcpy(whole + used, steps.component, steps.length);
        used += steps.length;
    }
    if (status != TS_ERR_NOT_FOUND) // the end of the path
        return status;
    return ts_archive_find(tree.archive, whole, used, out_entry);
}

static void node_open(struct ts_request *request)
{
    char path[TS_PATH_MAX];
    uint32_t entry;
    uint32_t flags = (uint32_t)request->argument;
    ts_status_t status = TS_OK;
    if (request->length > sizeof(path))
        status = TS_ERR_NAME_TOO_LONG;
    if (status == TS_OK)
        status = ts_request_pull(request, path, request->length, 0);
    if (status == TS_OK)
        status = walk(node_of(request)->entry, path, request->length, &entry);
    if (status == TS_OK && (flags & (TS_OPEN_CREATE | TS_OPEN_TRUNCATE | TS_OPEN_APPEND)) != 0)
        status = TS_ERR_READ_ONLY;
    if (status == TS_OK && (flags & TS_OPEN_DIRECTORY) != 0 &&
        tree.archive->entries[entry].type != TS_ARCHIVE_DIRECTORY)
        status = TS_ERR_NOT_DIRECTORY;
    if (status == TS_OK)
        open_entry(request, entry);
    else
        ts_request_reply(request, status, 0);
}

void tree_open_root(struct ts_request *request)
{
    open_entry(request, 0);
}

// Reading -----------------------------------------------------------------------------------

// Bytes that are about to be given out, in order for the first time, are checked first.
static ts_status_t check_bytes(const struct node *node, uint64_t offset, const uint8_t *bytes,
                               uint32_t length)
{
    struct check *check = &tree.checks[node->entry];
    const struct ts_archive_entry *entry = entry_of(node);
    if (!check->corrupt && offset <= check->checked && offset + length > check->checked) {
        uint32_t skip = (uint32_t)(check->checked - offset);
        check->crc = ts_crc32c(check->crc, bytes + skip, length - skip);
        check->checked = offset + length;
        check->corrupt = check->checked == entry->size && check->crc != entry->data_crc;
        if (check->corrupt)
            ts_log("wwwfs: %.*s: checksum is wrong", (int)entry->path_length,
                   tree.archive->strings + entry->path);
    }
    return check->corrupt ? TS_ERR_CORRUPT : TS_OK;
}

static void go_on(struct cache_waiter *waiter);

// Answers a read from the block that it begins in. False: it has to wait for the block.
static bool answer_read(struct node *node, struct ts_request *request)
{
    const struct ts_archive_entry *entry = entry_of(node);
    bool current = (request->flags & TS_FLAG_CURRENT) != 0;
    uint64_t offset = current ? node->position : request->offset;
    if (offset >= entry->size || request->room == 0) {
        ts_request_reply(request, TS_OK, 0);
        return true;
    }
    node->waiter.ready = go_on;
    struct cache_block *block = cache_get(entry->offset + offset, &node->waiter);
    if (block == NULL)
        return false;
    uint32_t within = (uint32_t)((entry->offset + offset) % CACHE_BLOCK);
    uint64_t left = entry->size - offset;
    uint32_t length = request->room < left ? request->room : (uint32_t)left;
    ts_status_t status = block->status;
    if (status == TS_OK && within >= block->length)
        status = TS_ERR_IO; // the disk is shorter than it said
    if (status == TS_OK && length > block->length - within)
        length = block->length - within;
    if (status == TS_OK)
        status = check_bytes(node, offset, block->bytes + within, length);
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return true;
    }
    if (current) {
        if (ts_request_reply_now(request, TS_OK, length, block->bytes + within, length) == TS_OK)
            node->position = offset + length;
    } else {
        ts_request_reply_stable(request, block->bytes + within, length);
    }
    if (offset + length < entry->size)
        cache_ahead(entry->offset + offset + length);
    return true;
}

static void serve(struct node *node)
{
    while (node->reading != NULL) {
        struct ts_request *request = node->reading;
        node->reading = request->next;
        if (!answer_read(node, request)) {
            request->next = node->reading;
            node->reading = request;
            node->waits = true;
            return;
        }
    }
}

static void go_on(struct cache_waiter *waiter)
{
    struct node *node = TS_OBJECT_OF(waiter, struct node, waiter);
    node->waits = false;
    serve(node);
}

static void node_read(struct ts_request *request)
{
    struct node *node = node_of(request);
    if (entry_of(node)->type != TS_ARCHIVE_FILE) {
        ts_request_reply(request, TS_ERR_IS_DIRECTORY, 0);
        return;
    }
    struct ts_request **last = &node->reading;
    while (*last != NULL)
        last = &(*last)->next;
    request->next = NULL;
    *last = request;
    if (!node->waits)
        serve(node);
}

static void node_cancel(struct ts_request *request)
{
    struct ts_request **at = &node_of(request)->reading;
    while (*at != NULL && *at != request)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = request->next;
    ts_request_reply(request, TS_ERR_CANCELLED, 0);
}

// Properties --------------------------------------------------------------------------------

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
    if (request->room < sizeof(attributes))
        ts_request_reply(request, TS_ERR_OVERFLOW, 0);
    else
        ts_request_reply_bytes(request, &attributes, sizeof(attributes));
}

static void node_get(struct ts_request *request)
{
    const struct node *node = node_of(request);
    const struct ts_archive_entry *entry = entry_of(node);
    switch (request->argument) {
    case TS_PROPERTY_SIZE: ts_request_reply_u64(request, entry->size); break;
    case TS_PROPERTY_POSITION: ts_request_reply_u64(request, node->position); break;
    case TS_PROPERTY_STATUS_FLAGS: ts_request_reply_u64(request, 0); break;
    case TS_PROPERTY_ATTRIBUTES: reply_attributes(request, node); break;
    case TS_PROPERTY_NAME:
        ts_request_reply_stable(request, tree.archive->strings + entry->path, entry->path_length);
        break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static void node_set(struct ts_request *request)
{
    uint64_t value;
    ts_status_t status = TS_ERR_READ_ONLY;
    if (request->argument == TS_PROPERTY_POSITION)
        status = ts_request_pull_exact(request, &value, sizeof(value));
    if (status == TS_OK && value > INT64_MAX)
        status = TS_ERR_OVERFLOW;
    if (status == TS_OK)
        node_of(request)->position = value;
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
    while (more && ts_archive_next(tree.archive, node->entry, index, &index) == TS_OK) {
        const struct ts_archive_entry *entry = &tree.archive->entries[index];
        size_t length;
        const char *name = ts_archive_name(tree.archive, index, &length);
        bool directory = entry->type == TS_ARCHIVE_DIRECTORY;
        more = ts_listing_add(&listing, (uint64_t)index + 1,
                              directory ? TS_FILE_DIRECTORY : TS_FILE_REGULAR, entry->size,
                              (uint64_t)index + 1, name, length);
        index += more;
    }
    if (!more && listing.used == 0)
        ts_request_reply(request, TS_ERR_OVERFLOW, 0); // not even one record fits
    else
        ts_request_reply_bytes(request, buffer, listing.used);
}

static const struct ts_operations node_operations = {
    .open = node_open,
    .list = node_list,
    .read = node_read,
    .get = node_get,
    .set = node_set,
    .cancel = node_cancel,
    .closed = node_closed,
};
