// SPDX-License-Identifier: MIT
// The access log, in the common format: lines in this process's memory, which end with it.
//
// They are written into one part until that is full; then the oldest part is emptied and filled.
// Bytes are counted since the start, so a place in the log stays what it is while parts go. As the
// configuration says the parts are files of their own, the older ones with numbers; without it they
// are two of 64 KiB, and one file.
#pragma once

#include <tessera/lib/status.h>
#include <tessera/proto/net.h>

#include "config/limits.h"
#include "http/text.h"

#define ACCESS_LOG_FILES (CONFIG_LOGS_KEPT + 1)

// Parts of `size` bytes, one and `keep` more; 0: as without a configuration. Lines that are there
// stay, as many of the last as fit. On an error (memory) nothing changes.
TS_MUST_USE ts_status_t access_log_configure(uint32_t size, uint32_t keep);

// A peer's address as the log shows it; empty while it is not known.
struct peer_name {
    uint8_t length;
    char text[47];
};

// An address in words, once for all lines of a connection.
void access_log_peer(struct peer_name *out_name, const struct ts_net_address *peer);

// The line of an answer to the request that began with `line`.
void access_log(const struct peer_name *peer, struct text line, unsigned status, uint64_t bytes);

// Where a file begins and ends: 0 is the one that is written (its end is not known: UINT64_MAX),
// others are older. False: there is none of that number.
bool access_log_file(unsigned number, uint64_t *out_start, uint64_t *out_end);

// The bytes that lie at *position, up to `end`; it moves to the oldest line that is there when they
// are gone. None at the end. They stay until the next line is added.
struct text access_log_at(uint64_t *position, uint64_t end);
