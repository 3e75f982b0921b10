// SPDX-License-Identifier: MIT
// What every service's process does alike: taking its device, telling init that it serves, and its
// end.
#pragma once

#include <tessera/lib/server.h>
#include <tessera/lib/status.h>

// Opens the handle named "device": the device object itself, or a name of init's for it, which is
// why it is opened anew. While the device is not quiet yet after its last driver (TS_ERR_BUSY) it
// tries again for two seconds. TS_ERR_NOT_FOUND: no such handle, or no such device; a service then
// ends with TS_INIT_EXIT_NO_DEVICE (tessera/proto/init.h).
TS_MUST_USE ts_status_t service_device(ts_handle_t *out_device);

// Gives init the root, which it opens for clients, and the server's pulse, which it asks. Without a
// handle "init" (a test started the driver) there is nobody to tell: TS_OK. The root is moved in
// any case.
TS_MUST_USE ts_status_t service_ready(struct ts_server *server, ts_handle_t root);

// The rest of a service's main: when it has started (`status`), hands in its root and runs its
// server's loop until that fails. Logs why it ends; returns what main returns.
int service_run(ts_status_t status, struct ts_server *server, ts_handle_t root);

// Ends the process and logs why: init starts a new instance as soon as the PCI server has made the
// device quiet.
_Noreturn void service_fail(const char *what, ts_status_t status);
