// SPDX-License-Identifier: MIT
// The served tree: paths to files, with a bounded cache of those in use and used lately.
//
// The tree does not change while the server runs. A file's content is mapped where its server
// offers that, so that the network stack copies straight from the file's pages; else small files
// are read into the cache once, and large ones had piece by piece for each reader (bytes == NULL).
// The list of a directory is a file that is made when it is first asked for (content_list.c).
#pragma once

#include <tessera/abi/ring.h>
#include <tessera/lib/loop.h>
#include <tessera/proto/file.h>

#include "http/answer.h"
#include "http/coding.h"
#include "root.h"

#define CONTENT_FILES      512u           // entries of the cache
#define CONTENT_PATH       1024u          // longer paths are not found
#define CONTENT_LISTS      8u             // made at the same time
#define CONTENT_SMALL      (256u * 1024u) // read whole into the cache
#define CONTENT_READ_BYTES (8u << 20)     // memory of all files that were read
#define CONTENT_MAP_BYTES  (256u << 20)   // addresses of all files that are mapped

enum content_state { CONTENT_LOADING, CONTENT_FILE, CONTENT_DIRECTORY, CONTENT_FAILED };

// What waits for a file; embedded in what asks.
struct content_waiter {
    struct content_waiter *next;
    void (*ready)(struct content_waiter *waiter);
};

struct content {
    struct content *hash_next, *newer, *older; // newer, older: by last use
    uint32_t hash, users;
    enum content_state state;
    ts_status_t status; // FAILED
    ts_handle_t handle; // of a large file that is had piece by piece
    struct http_resource resource;
    struct text media_type;
    const uint8_t *bytes; // the whole, NULL: read from the handle
    size_t mapped;        // bytes of address space
    bool was_read;        // bytes are a copy of ours
    bool has_pages;       // pieces of the handle's file may be mapped
    bool lists;           // a directory without an index is to be listed
    uint8_t absent;       // a bit (1 << coding) for each file beside it that is not there
    struct content_waiter *waiters;

    // While it loads.
    struct ts_async step;
    struct root_waiter root;
    struct ts_attributes attributes;
    ts_handle_t opened;
    uint32_t loaded, consumed, redirects;
    bool at_index;             // the file is the directory's index.html
    bool again;                // the tree's server died before
    struct content_list *list; // it is a directory, which is listed
    uint16_t path_length;
    char path[CONTENT_PATH + 16]; // room for "index.html"
};

// The file at `path` (as of path_decode), with one more user. NULL: the cache is full of files in
// use. `lists`: a directory without an index is its list. While it is LOADING `waiter` is kept and
// called when it is not any more.
struct content *content_get(struct text path, bool lists, struct content_waiter *waiter);

// The user does not wait any longer (its connection ended) or does not need it any more.
void content_forget(struct content *content, struct content_waiter *waiter);
void content_put(struct content *content);

// Its handle is dead: a request for the path from now on gets it anew.
void content_stale(struct content *content);

// The path that it was asked for by; and the file's own, which of a directory is its index.
struct text content_path(const struct content *content);
static inline struct text content_file(const struct content *content)
{
    return (struct text){content->path, content->path_length};
}

// The list of a directory, beside which there is nothing.
static inline bool content_is_list(const struct content *content)
{
    return content->path_length == 0 || content->path[content->path_length - 1] == '/';
}

uint32_t content_count(void); // files in the cache

// ---- Between the parts, from the lowest to the highest

#define CONTENT_INDEX   "index.html"
#define CONTENT_STEP_NS (10 * INT64_C(1000000000))

// content.c: the cache. An entry that is there already, used lately from now on; NULL: none.
struct content *content_find(struct text path, bool lists);
// A new one, LOADING and without a user. NULL: the cache is full of files in use.
struct content *content_new(struct text path, bool lists);
// The entry is what it is from now on; those that wait are told.
void content_loaded(struct content *content, enum content_state state, ts_status_t status);
// Gives up what is longest unused for so many bytes, read or mapped. False: that is not enough.
bool content_room(bool read, uint64_t wanted);
void content_set_bytes(struct content *content, const void *bytes, size_t size, bool read);
void content_drop_bytes(struct content *content);

// content_step.c: a step of loading. NULL: it has failed.
struct ts_submission *content_begin(struct content *content,
                                    void (*done)(struct ts_async *, const struct ts_event *));
// The last step is over.
void content_end(struct content *content, enum content_state state, ts_status_t status);
void content_failed(struct content *content, ts_status_t status); // a step has
bool content_take_list(struct content *content);                  // false: there is no room for it

// content_list.c: the index is not there, so the directory is to be opened anew (false: the entry
// has failed); it is open, and read.
bool content_list_start(struct content *content);
void content_list_read(struct content *content);
