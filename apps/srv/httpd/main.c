// SPDX-License-Identifier: MIT
// httpd: serves a read-only file tree over HTTP/1.1.
//
//   httpd [--port N] [--root PATH]
//
// Named handles: net (the network stack), file (the tree; PATH is below it), config (the
// configuration's file, see config/config.h) and remains (see config_remains.h), which need not be
// there, system (a job, for the status page), log, init (to be asked whether it is alive, and for
// its access log: log_file.h).
//
// Each file knows only those above it:
//
//   http/*            reads and writes what the protocol says
//   config/*          reads the configuration
//   httpd             the loop, counters and time
//   shared            what connections share, and which of them gives way
//   root              the root of the served tree
//   content           the cache of files
//   content_step      what the steps of loading a file have in common
//   content_list      the list of a directory, made as a file
//   content_load      a file of the tree, from the cache or loaded
//   access_log        a line for each answer
//   config_remains    what the next instance gets of the configuration
//   config_file       the configuration in force, and its file
//   log_file          the access log as files
//   buffer, response  what connections take of bounded pools
//   connection        beginning and end of a connection, and which one gives way
//   transfer          writes what a response holds
//   fetch             the next piece of a large file
//   respond           how every answer begins
//   parts             several ranges of a file in one answer
//   refusal           the answer of an error
//   representation    a file, or what stands beside it with a coding
//   status_page       the page of the system's figures
//   route             chooses the answer of a request
//   reading           heads and bodies of requests, and the end of a connection
//   serving           the requests of a connection, one after the other
//   listener          accepts connections, again and again when the network stack was restarted
//   main              arguments, the loop, what init is told
#include <string.h>

#include <drivers/service/pool.h>
#include <drivers/service/ready.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/server.h>

#include "config_file.h"
#include "httpd.h"
#include "listener.h"
#include "log_file.h"
#include "root.h"
#include "shared.h"

#define RING_SUBMISSIONS 1024u
#define RING_EVENTS      4096u
#define RING_INFLIGHT    3584u // an idle connection has one operation in flight

// False: an argument is not understood.
static bool take_arguments(const char **out_root)
{
    httpd.port = 80;
    *out_root = "";
    for (uint32_t i = 1; i < ts_argument_count(); i += 2) {
        const char *name = ts_argument(i), *value = ts_argument(i + 1);
        if (value == NULL) {
            return false;
        }
        struct text number = {value, strlen(value)};
        uint64_t port = 0;
        if (strcmp(name, "--root") == 0) {
            *out_root = value;
        } else if (strcmp(name, "--port") == 0 && text_take_number(&number, &port) &&
                   number.length == 0 && port > 0 && port < 65536) {
            httpd.port = (uint16_t)port;
        } else {
            return false;
        }
    }
    return true;
}

static struct ts_server server; // of the log file

static ts_status_t serve(ts_handle_t *out_handle)
{
    static const struct ts_server_limits limits = {
        .requests = 16, .objects = LOG_FILE_OBJECTS, .inbox_bytes = 32};
    static struct ts_object root = {.operations = &log_file_root};
    ts_status_t status = ts_server_init(&server, &httpd.loop, &limits);
    if (status == TS_OK) {
        status = ts_object_mint(&server, &root, TS_RIGHTS_ALL, out_handle);
    }
    return status;
}

static void before_wait(struct ts_loop *loop, void *context)
{
    (void)loop;
    (void)context;
    shared_resume();
}

int main(void)
{
    const char *root;
    ts_handle_t handle = TS_HANDLE_NONE;
    if (!take_arguments(&root)) {
        ts_log("usage: httpd [--port N] [--root PATH]");
        return 2;
    }
    if (ts_named_handle(TS_NAME_NET) == TS_HANDLE_NONE ||
        ts_named_handle(TS_NAME_FILE) == TS_HANDLE_NONE) {
        ts_log("no handle `net` or `file`");
        return 1;
    }
    root_init(root);
    ts_status_t status = ts_loop_init(&httpd.loop, RING_SUBMISSIONS, RING_EVENTS, RING_INFLIGHT);
    httpd.loop.idle = before_wait;
    pool_start(&httpd.loop);
    if (status == TS_OK) {
        status = serve(&handle);
    }
    if (status == TS_OK) {
        status = config_file_start(listener_start);
    }
    return service_run(status, &server, handle);
}
