// SPDX-License-Identifier: MIT
// The boot archive, as init has it: its bytes are mapped, and it is the memory that views are of.
#pragma once

#include <tessera/format/archive.h>
#include <tessera/lib/status.h>

struct boot_archive {
    struct ts_archive tables;
    const unsigned char *bytes;
    ts_handle_t memory;
    size_t longest_path;
};

extern struct boot_archive boot_archive;

// Takes the one that the kernel gave.
TS_MUST_USE ts_status_t archive_open(void);

const char *archive_path(uint32_t entry, size_t *out_length);

// Whether a file's bytes have the checksum of its entry; looked at once.
bool archive_is_sound(uint32_t entry);

// A file's content as a view of the archive's memory; the caller's to close.
TS_MUST_USE ts_status_t archive_view(uint32_t entry, ts_handle_t *out_view);

// A file's content, which stays.
TS_MUST_USE ts_status_t archive_file(const char *path, const unsigned char **out_bytes,
                                     uint64_t *out_size);

// The same of a program, as a view.
TS_MUST_USE ts_status_t archive_program(const char *path, ts_handle_t *out_image,
                                        uint64_t *out_size);
