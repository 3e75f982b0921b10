// SPDX-License-Identifier: MIT
// Paths: what clients resolve before asking and what servers split.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <tessera/lib/status.h>

// Joins `path` to the absolute directory `base` and resolves ".", ".." and doubled separators, by
// the text alone; ".." of the root is the root. The result is relative to the root, without a
// leading or final '/', ends in zero and is empty for the root itself. *out_directory: it was
// written with a final '/' or '.', so must be a directory; may be NULL.
// TS_ERR_NAME_TOO_LONG: a component over 255 bytes, or no room.
TS_MUST_USE ts_status_t ts_path_normalise(const char *base, const char *path, char *out,
                                          size_t capacity, bool *out_directory);

// A server's walk over a path: not zero-terminated, bytes from a client.
struct ts_path_walk {
    const char *next, *end;
    const char *component; // set by ts_path_step
    size_t length;
    bool last; // nothing but separators follows
};

void ts_path_walk_init(struct ts_path_walk *walk, const char *path, size_t length);

// Goes to the next component, skipping "." and empty ones. TS_ERR_NOT_FOUND: there is none.
// TS_ERR_ARGUMENT: "..", or a zero byte. TS_ERR_NAME_TOO_LONG.
TS_MUST_USE ts_status_t ts_path_step(struct ts_path_walk *walk);
