// SPDX-License-Identifier: MIT
// Files and directories: what the boot archive's server, memfs and every other file system serve.
//
//   open    path of components separated by '/', relative; "" opens the object anew, with a
//           position of its own. TS_OPEN_*. Opened objects of directories and files differ by
//           ATTRIBUTES.type. Streams (pipes, consoles) are files without position.
//   create  arg: kind, TS_FILE_REGULAR or TS_FILE_DIRECTORY; modes are set by ATTRIBUTES.
//   remove  kind TS_FILE_DIRECTORY: an empty directory (TS_ERR_NOT_EMPTY); 0 or TS_FILE_REGULAR:
//           anything else (TS_ERR_IS_DIRECTORY). Open objects of a removed file stay good.
//   rename  replaces a target of the same type, unless TS_OPEN_EXCLUSIVE.
//   list    a directory: struct ts_file_entry records. A cookie stays good while the directory is
//           open; entries made or removed meanwhile may or may not be seen, others exactly once.
//   read    any offset; 0 bytes at and beyond the end. CURRENT: at the position, which moves on.
//   write   any offset; a gap is zeros. CURRENT, and with TS_OPEN_APPEND at the end.
//   map     a memory object with the content from the offset (a multiple of pages) on: of a
//           read-only store the file's own pages, else a snapshot. Its size says how far it goes:
//           perhaps not to the end of what was asked; ask again for the rest. TS_ERR_UNSUPPORTED
//           and TS_ERR_LIMIT: not of this file, not now: read it.
//   get/set SIZE, POSITION (whatever fits an i64), STATUS_FLAGS, ATTRIBUTES, NAME (get: the path
//           below the server's root, for people)
#pragma once

#include <assert.h>
#include <stddef.h>
#include <tessera/abi/object.h>
#include <tessera/abi/types.h>

// What one read or write of a file moves at the most: so another client does not wait long. It
// moves no less, if so much is asked for and there.
#define TS_FILE_MOVE (1u << 16)

enum ts_file_type {
    TS_FILE_REGULAR = 1, // as in the boot archive
    TS_FILE_DIRECTORY = 2,
    TS_FILE_STREAM = 3, // pipe, socket, console: no position
    TS_FILE_DEVICE = 4,
    TS_FILE_SERVICE = 5, // the name of a service: opening it gives a session
};

// Which fields set(ATTRIBUTES) changes.
#define TS_ATTRIBUTE_MODE     1u
#define TS_ATTRIBUTE_OWNER    2u // user and group
#define TS_ATTRIBUTE_MODIFIED 4u
#define TS_ATTRIBUTE_ACCESSED 8u

struct ts_attributes {
    uint32_t mask; // set: TS_ATTRIBUTE_*; get: those that this store keeps
    uint32_t type; // enum ts_file_type
    uint32_t mode; // permission bits as in POSIX; advice: rights decide
    uint32_t links;
    uint32_t user, group;
    uint64_t size;     // bytes of content
    uint64_t blocks;   // bytes of storage used
    uint64_t identity; // the same for two names of one object, unique in its store
    uint64_t store;    // unique for each store of a server's instance
    int64_t modified_ns, accessed_ns, changed_ns, created_ns; // realtime
    uint64_t reserved[4];
};
static_assert(sizeof(struct ts_attributes) == 120, "attributes");

// A record of a directory's listing; records follow each other at multiples of 8.
struct ts_file_entry {
    uint64_t next; // cookie of what follows this entry
    uint64_t size;
    uint64_t identity;
    uint32_t type;          // enum ts_file_type
    uint16_t record_length; // from this record to the next one
    uint16_t name_length;
    char name[]; // no final zero
};
static_assert(offsetof(struct ts_file_entry, name) == 32, "file entry");

#define TS_FILE_ENTRY_LENGTH(name_length) ((32u + (name_length) + 7u) & ~7u)
