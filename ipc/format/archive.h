// SPDX-License-Identifier: MIT
// Checked reader of boot archives (<tessera/abi/archive.h>), over memory or over a read function
// (a disk). The tables (entries and strings) are in memory, checked once when it is opened; file
// data is checked on demand. A corrupt archive is TS_ERR_CORRUPT, another version TS_ERR_VERSION.
#pragma once

#include <stdbool.h>
#include <tessera/abi/archive.h>
#include <tessera/abi/status.h>

struct ts_archive {
    const struct ts_archive_header *header;
    const struct ts_archive_entry *entries; // private or immutable memory
    const char *strings;
};

// How much ts_archive_open_tables needs: reads the header from the archive's first bytes (at least
// sizeof(struct ts_archive_header)) and checks it. `size`: of the whole archive or device, which
// may be larger. *out_offset, *out_size: the range that holds both tables.
TS_MUST_USE ts_status_t ts_archive_check_header(const void *bytes, uint64_t size,
                                                uint64_t *out_offset, uint64_t *out_size);

// Opens an archive whose header and tables are in memory: `tables` holds the range that
// ts_archive_check_header gave. Checks all of it: sorted, paths well-formed, parents, ranges, CRC.
// Both must stay, unchanged, while the archive is used.
TS_MUST_USE ts_status_t ts_archive_open_tables(struct ts_archive *archive,
                                               const struct ts_archive_header *header,
                                               const void *tables, uint64_t size);

// Opens an archive that is wholly in memory, `size` bytes from a page-aligned address.
TS_MUST_USE ts_status_t ts_archive_open(struct ts_archive *archive, const void *memory,
                                        uint64_t size);

// The entry with that path (without leading or final '/'; length bytes), its index.
// TS_ERR_NOT_FOUND, TS_ERR_NOT_DIRECTORY: a proper prefix names a file.
TS_MUST_USE ts_status_t ts_archive_find(const struct ts_archive *archive, const char *path,
                                        size_t length, uint32_t *out_index);

// Children of directory `directory`: the first child at or after index `from` (0 = the first).
// TS_ERR_NOT_FOUND: there is none. Go on with index + 1.
TS_MUST_USE ts_status_t ts_archive_next(const struct ts_archive *archive, uint32_t directory,
                                        uint32_t from, uint32_t *out_index);

// Last component of an entry's path; not zero-terminated.
const char *ts_archive_name(const struct ts_archive *archive, uint32_t index, size_t *out_length);

// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `length` bytes, going on from `crc` (0 at first).
uint32_t ts_crc32c(uint32_t crc, const void *bytes, size_t length);
