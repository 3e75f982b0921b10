// SPDX-License-Identifier: MIT
// Directory listings (struct ts_file_entry of <tessera/proto/file.h>): how servers write them and
// how clients read what a server, which may be hostile, wrote.
#pragma once

#include <stdbool.h>
#include <tessera/lib/status.h>
#include <tessera/proto/file.h>

struct ts_listing {
    char *buffer; // aligned to 8
    size_t capacity, used;
};

// Appends a record; `next` is the cookie of what follows it. False: no room, nothing was written.
bool ts_listing_add(struct ts_listing *listing, uint64_t next, enum ts_file_type type,
                    uint64_t size, uint64_t identity, const char *name, size_t name_length);

// The record at *position of `bytes` bytes that ts_list gave, and moves on. NULL: the end.
// *out_status, when it is not NULL, is TS_ERR_PROTOCOL at a malformed record, else TS_OK.
const struct ts_file_entry *ts_listing_next(const void *buffer, size_t bytes, size_t *position,
                                            ts_status_t *out_status);
