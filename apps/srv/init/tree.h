// SPDX-License-Identifier: MIT
// The boot archive as a read-only file tree.
#pragma once

#include <tessera/proto/file.h>
#include "archive.h"
#include "broker.h"

struct tree_client {
    uint32_t objects;
    struct session_cache sessions[CONFIG_MOUNTS];
};

struct tree_object {
    struct ts_object object;
    struct tree_client *client;
    uint32_t entry;
    bool root;      // given at a start; others are taken from the client that opened them
    uint32_t asker; // that client
    uint64_t position;
    uint64_t flags; // STATUS_FLAGS
};

static inline struct tree_object *tree_object_of(const struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct tree_object, object);
}

static inline const struct ts_archive_entry *tree_entry_of(const struct tree_object *object)
{
    return &boot_archive.tables.entries[object->entry];
}

static inline enum ts_file_type tree_type_of(const struct ts_archive_entry *entry)
{
    return entry->type == TS_ARCHIVE_DIRECTORY ? TS_FILE_DIRECTORY : TS_FILE_REGULAR;
}

// tree_content.c, tree_list.c: operations of an object.
void tree_read(struct ts_request *request);
void tree_map(struct ts_request *request);
void tree_get(struct ts_request *request);
void tree_set(struct ts_request *request);
void tree_list(struct ts_request *request);

// tree.c
void tree_init(void);
// A root for one client, at `path` (without leading '/').
TS_MUST_USE ts_status_t tree_root_create(const char *path, ts_rights_t rights,
                                         ts_handle_t *out_handle);
