// SPDX-License-Identifier: MIT
// What every driver process does alike: telling init that it serves, and taking its device.
#pragma once

#include <tessera/lib/status.h>

// Gives the root to init, which opens it for clients. Without a handle "init" (a test started the
// driver) there is nobody to tell: TS_OK. The root is moved in any case.
TS_MUST_USE ts_status_t service_ready(ts_handle_t root);
