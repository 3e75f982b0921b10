// SPDX-License-Identifier: MIT
// Bytes of files: read, or given as pages of the cache. What is asked of a node is answered in
// order; the first that has to wait for the disk keeps the others waiting.
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>

#include "node.h"

// How far a file's checksum has come.
struct check {
    uint64_t checked; // bytes from the start
    uint32_t crc;
    bool corrupt;
};

static struct check *checks; // by entry

ts_status_t content_init(void)
{
    void *memory;
    size_t size = tree_archive->header->entry_count * sizeof(struct check);
    ts_status_t status = ts_memory_allocate(size, 0, NULL, &memory);
    if (status == TS_OK) {
        checks = memory;
    }
    return status;
}

// Bytes that are about to be given out, in order for the first time, are checked first.
static ts_status_t check_bytes(const struct node *node, uint64_t offset, const uint8_t *bytes,
                               uint32_t length)
{
    struct check *check = &checks[node->entry];
    const struct ts_archive_entry *entry = entry_of(node);
    if (!check->corrupt && offset <= check->checked && offset + length > check->checked) {
        uint32_t skip = (uint32_t)(check->checked - offset);
        check->crc = ts_crc32c(check->crc, bytes + skip, length - skip);
        check->checked = offset + length;
        check->corrupt = check->checked == entry->size && check->crc != entry->data_crc;
        if (check->corrupt) {
            ts_log("%.*s: checksum is wrong", (int)entry->path_length,
                   tree_archive->strings + entry->path);
        }
    }
    return check->corrupt ? TS_ERR_CORRUPT : TS_OK;
}

static void go_on(struct cache_waiter *waiter);

// Where a piece of a file is.
struct piece {
    struct cache_block *block;
    uint32_t within, length; // of the block; of the file, from there on
    ts_status_t status;
};

// The piece at `offset`, which lies within the file; what comes after it is begun to be read.
// False: the client has to wait for the disk.
static bool find_piece(struct node *node, uint64_t offset, uint64_t most, struct piece *out_piece)
{
    const struct ts_archive_entry *entry = entry_of(node);
    node->waiter.ready = go_on;
    struct cache_block *block = cache_get(entry->offset + offset, &node->waiter);
    if (block == NULL) {
        return false;
    }
    uint32_t within = (uint32_t)((entry->offset + offset) % CACHE_BLOCK);
    uint64_t left = entry->size - offset, length = most < left ? most : left;
    *out_piece = (struct piece){.block = block, .within = within, .status = block->status};
    if (out_piece->status == TS_OK && within >= block->length) {
        out_piece->status = TS_ERR_IO; // the disk is shorter than it said
    }
    if (out_piece->status != TS_OK) {
        return true;
    }
    if (length > block->length - within) {
        length = block->length - within;
    }
    out_piece->length = (uint32_t)length;
    out_piece->status = check_bytes(node, offset, block->bytes + within, out_piece->length);
    if (out_piece->status == TS_OK && length < left) {
        cache_ahead(entry->offset + offset + length);
    }
    return true;
}

static bool answer_read(struct node *node, struct ts_request *request)
{
    bool current = (request->flags & TS_FLAG_CURRENT) != 0;
    uint64_t offset = current ? node->position : request->offset;
    struct piece piece;
    if (offset >= entry_of(node)->size || request->room == 0) {
        ts_request_reply(request, TS_OK, 0);
        return true;
    }
    if (!find_piece(node, offset, request->room, &piece)) {
        return false;
    }
    const uint8_t *bytes = piece.block->bytes + piece.within;
    if (piece.status != TS_OK) {
        ts_request_reply(request, piece.status, 0);
    } else if (!current) {
        ts_request_reply_stable(request, bytes, piece.length);
    } else if (ts_request_reply_now(request, TS_OK, piece.length, bytes, piece.length) == TS_OK) {
        node->position = offset + piece.length;
    }
    return true;
}

static ts_status_t may_map(const struct ts_request *request, const struct ts_archive_entry *entry)
{
    if ((request->rights & (TS_RIGHT_WRITE | TS_RIGHT_EXECUTE)) != 0) {
        return TS_ERR_READ_ONLY;
    }
    if (entry->size <= CACHE_BLOCK) {
        return TS_ERR_UNSUPPORTED; // to read it is cheaper than a view, which keeps a whole block
    }
    if (request->offset % TS_PAGE_SIZE != 0) {
        return TS_ERR_ARGUMENT;
    }
    return request->offset >= entry->size ? TS_ERR_RANGE : TS_OK;
}

// The pages of the block that the range begins in. A file begins at a page, so that there are no
// bytes of another in them.
static bool answer_map(struct node *node, struct ts_request *request)
{
    const struct ts_archive_entry *entry = entry_of(node);
    uint64_t most = request->span != 0 ? TS_PAGE_ROUND(request->span) : entry->size;
    struct piece piece;
    ts_handle_t view;
    ts_status_t status = may_map(request, entry);
    if (status == TS_OK) {
        if (!find_piece(node, request->offset, most, &piece)) {
            return false;
        }
        status = piece.status;
    }
    if (status == TS_OK) {
        status =
            cache_view(piece.block, piece.within, (uint32_t)TS_PAGE_ROUND(piece.length), &view);
    }
    if (status == TS_OK) {
        (void)ts_request_reply_move(request, view, request->rights, 0);
    } else {
        ts_request_reply(request, status, 0);
    }
    return true;
}

static void serve(struct node *node)
{
    while (node->asking != NULL) {
        struct ts_request *request = node->asking;
        node->asking = request->next;
        bool answered =
            request->op == TS_OP_MAP ? answer_map(node, request) : answer_read(node, request);
        if (!answered) {
            request->next = node->asking;
            node->asking = request;
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

void content_ask(struct ts_request *request)
{
    struct node *node = node_of(request);
    if (entry_of(node)->type != TS_ARCHIVE_FILE) {
        ts_request_reply(request, TS_ERR_IS_DIRECTORY, 0);
        return;
    }
    struct ts_request **last = &node->asking;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    request->next = NULL;
    *last = request;
    if (!node->waits) {
        serve(node);
    }
}

void content_cancel(struct ts_request *request)
{
    struct ts_request **at = &node_of(request)->asking;
    while (*at != NULL && *at != request) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        return;
    }
    *at = request->next;
    ts_request_reply(request, TS_ERR_CANCELLED, 0);
}

void content_closed(struct node *node)
{
    while (node->asking != NULL) {
        struct ts_request *request = node->asking;
        node->asking = request->next;
        ts_request_reply(request, TS_ERR_CANCELLED, 0);
    }
    if (node->waits) {
        cache_forget(&node->waiter);
    }
}
