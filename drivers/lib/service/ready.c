// SPDX-License-Identifier: MIT
#include <drivers/service/ready.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/op.h>
#include <tessera/lib/process.h>
#include <tessera/proto/init.h>

#define BUSY_TRIES 40u
#define BUSY_PAUSE (50 * TS_MILLISECOND)

ts_status_t service_device(ts_handle_t *out_device)
{
    ts_handle_t name = ts_named_handle("device");
    if (!name) {
        return TS_ERR_NOT_FOUND;
    }
    for (unsigned tries = 0;; tries++) {
        ts_status_t status = ts_open(name, "", 0, TS_RIGHTS_SAME, out_device);
        if (status != TS_ERR_BUSY || tries == BUSY_TRIES) {
            return status;
        }
        ts_sleep_until(ts_deadline_in(BUSY_PAUSE));
    }
}

ts_status_t service_ready(struct ts_server *server, ts_handle_t root)
{
    ts_handle_t init = ts_named_handle(TS_NAME_INIT), pulse;
    if (!init) {
        return TS_OK; // the root stays open, or the server would see it closed
    }
    ts_status_t status = ts_server_pulse(server, &pulse);
    if (status != TS_OK) {
        return status;
    }
    struct ts_call call = {.in_handles = 2, .in_handle = {root, pulse}};
    uint64_t value;
    return ts_call(init, TS_INIT_READY, &call, TS_DEADLINE_NONE, &value);
}

int service_run(ts_status_t status, struct ts_server *server, ts_handle_t root)
{
    if (status == TS_OK) {
        status = service_ready(server, root);
    }
    if (status == TS_OK) {
        status = ts_loop_run(server->loop);
    }
    ts_log("ends: %s", ts_status_name(status));
    return status;
}

void service_fail(const char *what, ts_status_t status)
{
    ts_log("%s: %s", what, ts_status_name(status));
    ts_process_exit(status);
}
