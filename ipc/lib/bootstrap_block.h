// SPDX-License-Identifier: MIT
// Writing a bootstrap block (<tessera/abi/bootstrap.h>); spawn.c's own.
//
//   struct ts_bootstrap | handles[] | arguments[] | environment[] | strings
#pragma once

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/spawn.h>

struct ts_block_writer {
    struct ts_bootstrap *block; // zeroed memory
    uint32_t capacity;
    uint32_t strings; // where the next string goes
};

// Bytes that the block of this child takes, at least.
uint64_t ts_block_size(const struct ts_spawn *spawn);

// Lays the tables out. TS_ERR_TOO_LARGE.
TS_MUST_USE ts_status_t ts_block_begin(struct ts_block_writer *writer,
                                       const struct ts_spawn *spawn);

// The next handle; then arguments and environment.
void ts_block_handle(struct ts_block_writer *writer, const char *name, ts_handle_t handle);
void ts_block_strings(struct ts_block_writer *writer, const struct ts_spawn *spawn);
