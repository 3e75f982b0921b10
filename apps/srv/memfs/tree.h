// SPDX-License-Identifier: MIT
// The memory file system's tree: nodes, their names and their bytes. No requests and no handles of
// clients in here: the host tests drive it alone.
//
// A node is referenced by each of its names, which are entries of directories (entry.h), and by
// every open object. It goes with the last reference. A directory has one name; a file has as many
// as link gives it, and none of them is the first.
//
// The client pays: a node counts for the client that made it, with the name that it was made under,
// at one price whatever that is; each further name counts as much, for the client that gave it;
// pages of content for the client that first wrote there (file.h, store.h).
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/status.h>
#include <tessera/proto/file.h>
#include "store.h"

#define NODE_NAME_MAX 255u

// A piece of a file, and where it begins there. The one that was found last is looked at first.
struct piece_seen {
    uint64_t offset, length;
    unsigned char *bytes;
};

// Pages of a file that lie one after the other in one chunk.
struct extent {
    uint32_t index; // the first one's place in the file
    uint32_t page, count;
    uint32_t client;
};

// A name of a node in a directory.
struct entry {
    struct node *node;
    struct node *directory;
    struct entry *other, **other_at; // a further name of the node; and where this one is named
    struct entry *hash_next;
    struct entry *previous, *next; // of the directory, by serial
    uint64_t serial;
    bool paid; // by `client`; else with the node
    uint32_t client;
    size_t length;
    char name[NODE_NAME_MAX];
};

struct node {
    uint32_t references;
    uint32_t client;
    uint32_t type, mode, user, group;
    uint64_t identity;
    int64_t modified_ns, accessed_ns, changed_ns, created_ns;
    struct entry *names; // linked by `other`; NULL: the root, or removed
    uint32_t links;      // how many these are
    // directories
    struct entry *first, *last;
    uint64_t children;
    // files
    uint64_t size;
    struct extent *extents; // by index
    uint32_t extent_count, extent_room;
    struct piece_seen recent;
};

struct tree {
    struct node *root;
    struct entry **buckets;
    size_t bucket_count, named; // named: entries in the table
    struct ts_share nodes;      // but for the root; and further names
    struct store store;
    uint64_t next_identity;
    uint64_t seed; // of the hash: nobody else's
};

// So many nodes below the root, and pages of content. TS_ERR_MEMORY.
TS_MUST_USE ts_status_t tree_init(struct tree *tree, uint64_t node_limit, uint64_t page_limit,
                                  uint64_t seed);
void tree_fini(struct tree *tree); // nothing may be open

static inline void node_touch(struct node *node)
{
    node->modified_ns = node->changed_ns = ts_clock_realtime();
}

struct node *node_get(struct node *node);
void node_put(struct tree *tree, struct node *node);

// Walks `path` (not zero-terminated) from `from`. Borrowed result. TS_ERR_NOT_FOUND,
// TS_ERR_NOT_DIRECTORY, TS_ERR_NAME_TOO_LONG, TS_ERR_ARGUMENT ("." and ".." are the client's).
TS_MUST_USE ts_status_t tree_find(struct tree *tree, struct node *from, const char *path,
                                  size_t length, struct node **out_node);

// A part of a walk: goes from *node over those components of the path's first TREE_STEP bytes (it
// has more) that are there. Returns how many bytes that were; 0: the first component is not there,
// or is none. The rest begins between components, and fails as the whole path would.
#define TREE_STEP 512u // as long as any component and more
TS_MUST_USE size_t tree_walk(struct tree *tree, struct node **node, const char *path);

// All but the last component: the directory, and the last component within `path`.
// TS_ERR_ARGUMENT: there is none.
struct tree_place {
    struct node *directory;
    const char *name;
    size_t length;
};
TS_MUST_USE ts_status_t tree_place(struct tree *tree, struct node *from, const char *path,
                                   size_t length, struct tree_place *out_place);

// A new node under that name, for the client. TS_ERR_EXISTS, TS_ERR_LIMIT (beyond its share),
// TS_ERR_MEMORY. Borrowed.
TS_MUST_USE ts_status_t tree_make(struct tree *tree, const struct tree_place *place, uint32_t type,
                                  uint32_t client, struct node **out_node);
// Takes it away again: nobody has used it.
void tree_unmake(struct tree *tree, struct node *node);

// kind: as in the file protocol. TS_ERR_NOT_FOUND, TS_ERR_IS_DIRECTORY, TS_ERR_NOT_DIRECTORY,
// TS_ERR_NOT_EMPTY.
TS_MUST_USE ts_status_t tree_remove(struct tree *tree, const struct tree_place *place,
                                    uint32_t kind);

// Replaces a target of the same type unless `exclusive`. TS_ERR_ARGUMENT: below itself;
// TS_ERR_EXISTS, TS_ERR_NOT_EMPTY, TS_ERR_IS_DIRECTORY, TS_ERR_NOT_DIRECTORY.
TS_MUST_USE ts_status_t tree_rename(struct tree *tree, const struct tree_place *from,
                                    const struct tree_place *to, bool exclusive);

// Gives a file a second name, for the client. TS_ERR_NOT_FOUND, TS_ERR_IS_DIRECTORY (a directory
// has one), TS_ERR_EXISTS, TS_ERR_LIMIT (beyond its share), TS_ERR_MEMORY.
TS_MUST_USE ts_status_t tree_link(struct tree *tree, const struct tree_place *from,
                                  const struct tree_place *to, uint32_t client);

// The first entry of a directory whose serial is at least `cookie`; NULL: the end.
struct entry *tree_child(struct node *directory, uint64_t cookie);
