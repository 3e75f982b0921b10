// SPDX-License-Identifier: MIT
// The access log, in the common format: the last lines, at least 64 KiB of them, in this process's
// memory. It ends with the process.
#pragma once

#include "connection.h"

// An address in words, once for all lines of a connection.
void access_log_peer(struct peer_name *out_name, const struct ts_net_address *peer);

void access_log(const struct connection *connection, unsigned status, uint64_t bytes);

// The bytes that lie at *position (a count since the start), which moves to the oldest line that is
// there when they are gone. None at the end. They stay until the next line is added.
struct text access_log_at(uint64_t *position);
