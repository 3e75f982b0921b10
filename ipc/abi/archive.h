// SPDX-License-Identifier: MIT
// The boot archive: a read-only file tree in one image, little-endian, used as boot module and as
// a disk's content. Everything in it is checked by its reader; offsets are bytes from its start.
//
//   header (one page) | entries, sorted by path (bytewise) | strings | file data, page-aligned
//
// Paths are relative, components separated by '/', without empty, "." or ".." components. Every
// directory has an entry of its own, the root has the empty path and is entry 0.
#pragma once

#include <tessera/abi/types.h>

#define TS_ARCHIVE_MAGIC   UINT64_C(0x3141524553534554) // the bytes "TESSERA1"
#define TS_ARCHIVE_VERSION 1u
#define TS_ARCHIVE_ALIGN   4096u

enum ts_archive_type { TS_ARCHIVE_FILE = 1, TS_ARCHIVE_DIRECTORY = 2 };

struct ts_archive_header {
    uint64_t magic;
    uint32_t version, header_size;
    uint64_t size;             // of the whole archive, a multiple of TS_ARCHIVE_ALIGN
    uint64_t entries, strings; // offsets
    uint32_t entry_count, entry_size;
    uint64_t strings_size;
    uint64_t created_ns; // realtime
    uint32_t table_crc;  // CRC-32C of entries and strings
    uint32_t header_crc; // CRC-32C of this structure with header_crc 0
};
_Static_assert(sizeof(struct ts_archive_header) == 72, "archive header");

struct ts_archive_entry {
    uint32_t path, path_length; // in strings, no final zero
    uint64_t offset, size;      // of the data; 0, 0 for directories
    uint64_t modified_ns;       // realtime
    uint32_t type;              // enum ts_archive_type
    uint32_t mode;              // permission bits as in POSIX
    uint32_t data_crc;          // CRC-32C of the data
    uint32_t parent;            // index of the directory's entry
};
_Static_assert(sizeof(struct ts_archive_entry) == 48, "archive entry");
