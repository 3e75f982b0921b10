// SPDX-License-Identifier: MIT
// The memory file system as objects: <tessera/proto/file.h>.
#pragma once

#include "open_node.h"

// The root that init opens for clients: open("") on it gives the tree's root.
struct memfs_root {
    struct ts_object object; // memfs_root_operations
    struct tree *tree;
};

extern const struct ts_operations memfs_root_operations;

// content.c
void memfs_read(struct ts_request *request);
void memfs_write(struct ts_request *request);
void memfs_sync(struct ts_request *request);
void memfs_get(struct ts_request *request);
void memfs_set(struct ts_request *request);
