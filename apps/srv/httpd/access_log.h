// SPDX-License-Identifier: MIT
// The access log, in the common format, written in batches to the handle "err" (else "log").
#pragma once

#include "connection.h"

void access_log_start(void);

// An address in words, once for all lines of a connection.
void access_log_peer(struct peer_name *out_name, const struct ts_net_address *peer);

void access_log(const struct connection *connection, unsigned status, uint64_t bytes);

// Writes what is there; called before the loop waits.
void access_log_flush(void);

uint64_t access_log_lost(void); // lines that did not fit while the reader was slow
