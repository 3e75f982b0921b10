// SPDX-License-Identifier: MIT
// Bytes and properties of the tree's objects.
#include <tessera/lib/memory.h>
#include "tree.h"

void tree_read(struct ts_request *request)
{
    struct tree_object *object = tree_object_of(request);
    const struct ts_archive_entry *entry = tree_entry_of(object);
    if (entry->type != TS_ARCHIVE_FILE) {
        ts_request_reply(request, TS_ERR_IS_DIRECTORY, 0);
        return;
    }
    bool current = request->flags & TS_FLAG_CURRENT;
    uint64_t offset = current ? object->position : request->offset;
    uint64_t length = offset < entry->size ? entry->size - offset : 0;
    uint32_t most = request->room < TS_FILE_MOVE ? request->room : TS_FILE_MOVE;
    if (length > most) {
        length = most;
    }
    if (current) {
        object->position = offset + length;
    }
    const unsigned char *bytes = length > 0 ? boot_archive.bytes + entry->offset + offset : NULL;
    ts_request_reply_stable(request, bytes, length);
}

void tree_map(struct ts_request *request)
{
    const struct ts_archive_entry *entry = tree_entry_of(tree_object_of(request));
    ts_handle_t view;
    ts_status_t status = TS_OK;
    if (entry->type != TS_ARCHIVE_FILE) {
        status = TS_ERR_IS_DIRECTORY;
    } else if (request->rights & TS_RIGHT_WRITE) {
        status = TS_ERR_READ_ONLY;
    } else if (request->offset % TS_PAGE_SIZE != 0) {
        status = TS_ERR_ARGUMENT;
    } else if (request->offset >= entry->size) {
        status = TS_ERR_RANGE;
    } else if (request->offset > 0) {
        status = TS_ERR_UNSUPPORTED; // views are init's expense: a client copies a part
    } else {
        status = archive_view(tree_object_of(request)->entry, &view);
    }
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
    } else {
        (void)ts_request_reply_move(request, view, request->rights, 0);
    }
}

static void get_attributes(struct ts_request *request)
{
    const struct ts_archive_entry *entry = tree_entry_of(tree_object_of(request));
    int64_t modified = (int64_t)entry->modified_ns;
    struct ts_attributes attributes = {
        .mask = TS_ATTRIBUTE_MODE | TS_ATTRIBUTE_MODIFIED,
        .type = tree_type_of(entry),
        .mode = entry->mode,
        .links = 1,
        .size = entry->size,
        .blocks = TS_PAGE_ROUND(entry->size),
        .identity = tree_object_of(request)->entry + 1,
        .store = boot_archive.tables.header->created_ns,
        .modified_ns = modified,
        .accessed_ns = modified,
        .changed_ns = modified,
        .created_ns = modified,
    };
    ts_request_reply_whole(request, &attributes, sizeof(attributes));
}

void tree_get(struct ts_request *request)
{
    struct tree_object *object = tree_object_of(request);
    size_t length;
    const char *path = archive_path(object->entry, &length);
    switch (request->arg) {
    case TS_PROPERTY_SIZE: ts_request_reply_u64(request, tree_entry_of(object)->size); break;
    case TS_PROPERTY_POSITION: ts_request_reply_u64(request, object->position); break;
    case TS_PROPERTY_STATUS_FLAGS: ts_request_reply_u64(request, object->flags); break;
    case TS_PROPERTY_ATTRIBUTES: get_attributes(request); break;
    case TS_PROPERTY_NAME: ts_request_reply_stable(request, path, length); break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

void tree_set(struct ts_request *request)
{
    struct tree_object *object = tree_object_of(request);
    uint64_t number;
    ts_status_t status = TS_OK;
    switch (request->arg) {
    case TS_PROPERTY_SIZE:
    case TS_PROPERTY_ATTRIBUTES: status = TS_ERR_READ_ONLY; break;
    case TS_PROPERTY_POSITION:
    case TS_PROPERTY_STATUS_FLAGS:
        status = ts_request_pull_exact(request, &number, sizeof(number));
        break;
    default: status = TS_ERR_UNSUPPORTED; break;
    }
    if (status == TS_OK && request->arg == TS_PROPERTY_STATUS_FLAGS) {
        object->flags = number & (TS_OPEN_APPEND | TS_OPEN_NOWAIT);
    } else if (status == TS_OK && number > INT64_MAX) {
        status = TS_ERR_ARGUMENT;
    } else if (status == TS_OK) {
        object->position = number;
    }
    ts_request_reply(request, status, 0);
}
