// SPDX-License-Identifier: MIT
// hoard serve: a service that keeps every handle that it is sent. hoard lend: sends it the
// terminal's session of the shell that started this program. Built by the tests with the SDK.
#include <stdio.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include <tessera/lib/server.h>
#include <tessera/proto/init.h>

static void on_open(struct ts_request *request)
{
    (void)ts_request_reply_own(request, request->object, request->rights);
}

static void on_call(struct ts_request *request)
{
    ts_handle_t handle; // for good
    struct ts_object *own;
    ts_rights_t rights;
    ts_request_reply(request, ts_request_take(request, 0, &handle, &own, &rights), 0);
}

static ts_status_t serve(void)
{
    static const struct ts_operations operations = {.open = on_open, .call = on_call};
    static const struct ts_server_limits limits = {.requests = 8, .objects = 8};
    static struct ts_object root = {.operations = &operations};
    static struct ts_loop loop;
    static struct ts_server server;
    struct ts_call ready = {.in_handles = 2};
    ts_status_t status = ts_loop_init(&loop, 16, 32, 16);
    if (!status) {
        status = ts_server_init(&server, &loop, &limits);
    }
    if (!status) {
        status = ts_object_mint(&server, &root, TS_RIGHTS_ALL, &ready.in_handle[0]);
    }
    if (!status) {
        status = ts_server_pulse(&server, &ready.in_handle[1]);
    }
    if (!status) {
        status =
            ts_call(ts_named_handle(TS_NAME_INIT), TS_INIT_READY, &ready, TS_DEADLINE_NONE, NULL);
    }
    return status ? status : ts_loop_run(&loop);
}

static ts_status_t lend(void)
{
    struct ts_call call = {.in_handles = 1};
    ts_handle_t name, session;
    ts_status_t status =
        ts_open(ts_named_handle(TS_NAME_CONTROL), "hoard", 0, TS_RIGHTS_SAME, &name);
    if (!status) {
        status = ts_open(name, "", 0, TS_RIGHTS_SAME, &session);
    }
    if (!status) {
        status = ts_duplicate(ts_named_handle(TS_NAME_IN), TS_RIGHTS_SAME, &call.in_handle[0]);
    }
    if (!status) {
        status = ts_call(session, 1, &call, TS_DEADLINE_NONE, NULL);
    }
    return status;
}

int main(int argc, char **argv)
{
    ts_status_t status = argc > 1 && !strcmp(argv[1], "serve") ? serve() : lend();
    printf("%s\n", status ? ts_status_name(status) : "lent");
    return status != TS_OK;
}
