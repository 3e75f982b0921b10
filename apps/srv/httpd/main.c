// SPDX-License-Identifier: MIT
// httpd: serves a read-only file tree over HTTP/1.1.
//
//   httpd [--port N] [--root PATH]
//
// Named handles: net (the network stack), file (the tree; PATH is below it), err or log (access
// log), system (a job, for the status page), log.
#include <string.h>

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/op.h>

#include "access_log.h"
#include "httpd.h"
#include "listener.h"

#define RING_SUBMISSIONS 1024u
#define RING_EVENTS      4096u
#define RING_INFLIGHT    4096u // an idle connection has one operation in flight

struct httpd httpd;

int64_t httpd_now(void)
{
    return ts_clock_realtime() / TS_SECOND;
}

static void before_wait(struct ts_loop *loop, void *context)
{
    (void)loop;
    (void)context;
    access_log_flush();
}

// False: an argument is not understood.
static bool take_arguments(const char **out_root)
{
    httpd.port = 80;
    *out_root = "";
    for (uint32_t i = 1; i < ts_argument_count(); i += 2) {
        const char *name = ts_argument(i), *value = ts_argument(i + 1);
        if (value == NULL)
            return false;
        struct text number = {value, strlen(value)};
        uint64_t port = 0;
        if (strcmp(name, "--root") == 0)
            *out_root = value;
        else if (strcmp(name, "--port") == 0 && text_take_number(&number, &port) &&
                 number.length == 0 && port > 0 && port < 65536)
            httpd.port = (uint16_t)port;
        else
            return false;
    }
    return true;
}

// The tree's server is waited for: without it there is nothing to serve.
static ts_status_t open_root(const char *path)
{
    ts_handle_t tree = ts_named_handle(TS_NAME_FILE);
    if (tree == TS_HANDLE_NONE || ts_named_handle(TS_NAME_NET) == TS_HANDLE_NONE)
        return TS_ERR_NOT_FOUND;
    return ts_open(tree, path, TS_OPEN_DIRECTORY, TS_RIGHT_OPEN | TS_RIGHT_READ | TS_RIGHT_MAP,
                   &httpd.root);
}

int main(void)
{
    const char *root;
    if (!take_arguments(&root)) {
        ts_log("httpd: usage: httpd [--port N] [--root PATH]");
        return 2;
    }
    ts_status_t status = open_root(root);
    if (status != TS_OK) {
        ts_log("httpd: the tree \"%s\": %s", root, ts_status_text(status));
        return 1;
    }
    status = ts_loop_init(&httpd.loop, RING_SUBMISSIONS, RING_EVENTS, RING_INFLIGHT);
    if (status == TS_OK) {
        httpd.loop.idle = before_wait;
        access_log_start();
        listener_start();
        status = ts_loop_run(&httpd.loop);
    }
    ts_log("httpd: %s", ts_status_text(status));
    return 1;
}
