// SPDX-License-Identifier: MIT
// The main of a driver's process. Named handles: device, log, init.
#pragma once

#include <tessera/lib/server.h>

// Serves the device behind `device` on the loop; gives the server and its root. TS_ERR_UNSUPPORTED:
// it cannot be driven.
typedef ts_status_t (*service_start_t)(struct ts_loop *loop, ts_handle_t device,
                                       struct ts_server **out_server, ts_handle_t *out_root);

// Takes the device, starts, and runs until something fails. Returns what main returns:
// TS_INIT_EXIT_NO_DEVICE where there is no such device, or one that cannot be driven.
int service_drive(service_start_t start);
