// SPDX-License-Identifier: MIT
#include <drivers/service/ready.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include <tessera/proto/init.h>

ts_status_t service_ready(ts_handle_t root)
{
    ts_handle_t init = ts_named_handle(TS_NAME_INIT);
    if (!init) {
        return TS_OK; // the root stays open, or the server would see it closed
    }
    struct ts_call call = {.in_handles = 1, .in_handle = {root}};
    return ts_call(init, TS_INIT_READY, &call, TS_DEADLINE_NONE, NULL);
}
