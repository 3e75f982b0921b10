// SPDX-License-Identifier: MIT
// The process's session with the network stack behind the named handle `net`.
#pragma once

#include <tessera/lib/status.h>

// Calls `use` with the session; once more with a new one when the stack has died since.
// TS_ERR_UNSUPPORTED: this process was given no network.
typedef ts_status_t (*network_use_t)(ts_handle_t session, void *context);
TS_MUST_USE ts_status_t network_with(network_use_t use, void *context);
