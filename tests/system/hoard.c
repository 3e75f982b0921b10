// SPDX-License-Identifier: MIT
// hoard serve: a service that keeps every handle that it is sent. Built by the tests with the SDK.
// hoard lend: sends it the terminal's session of the shell that started this program.
// hoard leave: a service that sends it what it was to say READY by, and ends.
// hoard ready: has the hoard say READY by what it was sent last.
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

enum { KEEP = 1, SAY_READY };

static ts_handle_t kept; // the last one

static ts_status_t keep(struct ts_request *request)
{
    struct ts_object *own;
    ts_rights_t rights;
    return ts_request_take(request, 0, &kept, &own, &rights);
}

static ts_status_t say_ready(struct ts_server *server)
{
    static const struct ts_operations nothing;
    static struct ts_object objects[2] = {{.operations = &nothing}, {.operations = &nothing}};
    struct ts_call ready = {.in_handles = 2};
    ts_status_t status = TS_OK;
    for (unsigned i = 0; status == TS_OK && i < 2; i++) {
        status = ts_object_mint(server, &objects[i], TS_RIGHTS_ALL, &ready.in_handle[i]);
    }
    return status != TS_OK ? status : ts_call(kept, TS_INIT_READY, &ready, TS_DEADLINE_NONE, NULL);
}

static void on_call(struct ts_request *request)
{
    ts_status_t status = request->arg == KEEP ? keep(request) : say_ready(request->server);
    ts_request_reply(request, status, 0);
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

static ts_status_t open_hoard(ts_handle_t *out_session)
{
    ts_handle_t name = ts_named_handle("hoard");
    ts_status_t status = TS_OK;
    if (!name) {
        status = ts_open(ts_named_handle(TS_NAME_CONTROL), "hoard", 0, TS_RIGHTS_SAME, &name);
    }
    return status != TS_OK ? status : ts_open(name, "", 0, TS_RIGHTS_SAME, out_session);
}

static ts_status_t lend(ts_handle_t handle)
{
    struct ts_call call = {.in_handle = {handle}, .in_handles = 1};
    ts_handle_t session;
    ts_status_t status = open_hoard(&session);
    return status != TS_OK ? status : ts_call(session, KEEP, &call, TS_DEADLINE_NONE, NULL);
}

static ts_status_t lend_copy(const char *name)
{
    ts_handle_t copy;
    ts_status_t status = ts_duplicate(ts_named_handle(name), TS_RIGHTS_SAME, &copy);
    return status != TS_OK ? status : lend(copy);
}

static ts_status_t have_it_ready(void)
{
    struct ts_call call = {0};
    ts_handle_t session;
    ts_status_t status = open_hoard(&session);
    return status != TS_OK ? status : ts_call(session, SAY_READY, &call, TS_DEADLINE_NONE, NULL);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    ts_status_t status = TS_ERR_ARGUMENT;
    if (strcmp(what, "serve") == 0) {
        status = serve();
    } else if (strcmp(what, "lend") == 0) {
        status = lend_copy(TS_NAME_IN);
    } else if (strcmp(what, "leave") == 0) {
        status = lend(ts_named_handle(TS_NAME_INIT));
    } else if (strcmp(what, "ready") == 0) {
        status = have_it_ready();
    }
    printf("%s\n", status != TS_OK ? ts_status_name(status) : "lent");
    return status != TS_OK;
}
