// SPDX-License-Identifier: MIT
// A list of what TCP and UDP have: netstat.
#pragma once

#include <tessera/lib/server.h>

void sockets_call(struct ts_request *request); // SOCKETS

uint64_t sockets_connections(void); // TCP connections now, of any state
