// SPDX-License-Identifier: MIT
// The boot archive as the kernel reads it: once, for the first program. The image comes from a boot
// loader and a disk, so everything in it is checked.
#pragma once

#include <stddef.h>
#include <tessera/abi/archive.h>
#include <tessera/abi/status.h>

// CRC-32C of bytes, continued from `crc` (0 to begin with).
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);

// Finds the file `path` in an archive of at most `size` bytes, and checks header, table and the
// file's data. TS_ERR_VERSION: not an archive, or another version; TS_ERR_CORRUPT: cut short, a
// checksum or an offset is wrong; TS_ERR_NOT_FOUND.
TS_MUST_USE ts_status_t archive_find(const void *archive, uint64_t size, const char *path,
                                     const void **out_data, uint64_t *out_size);
