// SPDX-License-Identifier: MIT
// What is served: connections, from their beginning on.
#pragma once

#include <tessera/lib/status.h>

// Takes a handle that accept gave. Beyond HTTPD_CONNECTIONS one gives way.
void serving_start(ts_handle_t handle);
