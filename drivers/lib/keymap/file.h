// SPDX-License-Identifier: MIT
// Layouts as files: /etc/keymaps, given as a folder.
#pragma once

#include <drivers/keymap/keymap.h>
#include <tessera/abi/types.h>

#define KEYMAP_NAME_MAX 31u // small letters, digits and '-'
#define KEYMAP_DEFAULT  "us"

// A layout that was read; its memory stays for good.
struct keymap_file {
    struct keymap map;
    char name[KEYMAP_NAME_MAX + 1];
};

// What a console does at its start: reads the layout of that name (NULL: none is asked for), or
// else KEYMAP_DEFAULT. What could not be read is logged, by its name: TS_ERR_ARGUMENT (no name of a
// layout), TS_ERR_NOT_FOUND, TS_ERR_CORRUPT, TS_ERR_VERSION, TS_ERR_TOO_LARGE, TS_ERR_MEMORY. Fails
// if that is so of the default. Blocks.
TS_MUST_USE ts_status_t keymap_load_or_default(ts_handle_t folder, const char *name,
                                               struct keymap_file *out_file);

// The sequences, once for all layouts; the memory stays for good. Errors as above. Blocks.
TS_MUST_USE ts_status_t keymap_compose_load(ts_handle_t folder, struct keymap_compose *out_compose);
