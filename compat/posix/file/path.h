// SPDX-License-Identifier: MIT
// From a POSIX path to an object: below the named handle `file`, with the working directory of this
// library. `..` is resolved by the text: there are no symbolic links.
#pragma once

#include <stdbool.h>
#include <tessera/abi/ring.h>
#include <tessera/lib/status.h>

struct posix_path {
    ts_handle_t root;
    bool directory;         // it was written with a final '/' or '.': must be one
    char text[TS_PATH_MAX]; // relative to root; empty for the root itself
};

// `fd`: AT_FDCWD or an open directory, for relative paths. 0, or an errno.
int posix_path_resolve(int fd, const char *path, struct posix_path *out);

// open(2) without a descriptor: flags as there; 0, or an errno. *out_handle is the caller's.
int posix_path_open(const struct posix_path *path, int flags, ts_handle_t *out_handle);

// PWD of the environment if it is a directory, else the root.
void posix_directory_init(void);
