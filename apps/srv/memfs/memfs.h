// SPDX-License-Identifier: MIT
// The memory file system as objects: <tessera/proto/file.h>.
#pragma once

#include <tessera/lib/server.h>
#include "tree.h"

#define SESSION_OPEN_MAX 1024u // objects that one client may have open

struct session {
    uint32_t open; // objects; the session goes with the last
};

struct open_node {
    struct ts_object object;
    struct session *session;
    struct tree *tree;
    struct node *node;
    uint64_t position;
    uint32_t flags; // TS_OPEN_APPEND, TS_OPEN_NOWAIT
};

// The root that init opens for clients: open("") on it starts a session at the tree's root.
struct memfs_root {
    struct ts_object object; // memfs_root_operations
    struct tree *tree;
};

extern const struct ts_operations memfs_root_operations;
extern const struct ts_operations memfs_operations;

struct open_node *opened(struct ts_request *request);

// content.c
void memfs_read(struct ts_request *request);
void memfs_write(struct ts_request *request);
void memfs_sync(struct ts_request *request);
void memfs_get(struct ts_request *request);
void memfs_set(struct ts_request *request);
void memfs_map(struct ts_request *request);
