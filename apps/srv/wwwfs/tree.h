// SPDX-License-Identifier: MIT
// The archive on the disk as a read-only file tree (tessera/proto/file.h).
//
// All of the disk is checked: header and tables before anything is served, each file's checksum
// while it is read in order for the first time. A file that fits in one answer is never given out
// before it was checked; of a longer one the last part is withheld.
#pragma once

#include <tessera/format/archive.h>
#include <tessera/lib/server.h>

#define TREE_NODES 1024u // objects open at the same time, all clients

#define TREE_RIGHTS                                                                      \
    (TS_RIGHT_READ | TS_RIGHT_OPEN | TS_RIGHT_MAP | TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE | \
     TS_RIGHT_TRANSFER)

// The tables must stay.
TS_MUST_USE ts_status_t tree_init(const struct ts_archive *archive);

// A session: opens the root anew.
void tree_open_root(struct ts_request *request);
