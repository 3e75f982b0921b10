// SPDX-License-Identifier: MIT
// The server of pipes: see <tessera/proto/pipe.h>. Each file knows only those above it:
//
//   pool      a pipe's storage, and each client's share of pipes and of waiting requests
//   pipe      a pipe's two ends: bytes, and requests that wait
//   session   what clients ask first: it makes pipes, and opens null and zero
//   main      the program
#include <drivers/service/ready.h>
#include <tessera/lib/log.h>
#include <tessera/lib/start.h>
#include "pipe.h"

#define STREAM_RIGHTS \
    (TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER)

static const struct ts_server_limits limits = {
    .requests = PIPE_REQUESTS, .objects = 2 * PIPES + 8, .inbox_bytes = 256};

static struct ts_loop loop;
static struct ts_server server;

static ts_status_t start(ts_handle_t *out_root)
{
    static struct ts_object root = {.operations = &pipe_root_operations};
    ts_handle_t session, null, zero; // these are kept: they never close
    pipe_shares_init();
    ts_status_t status = ts_loop_init(&loop, 64, 256, 64);
    status = status != TS_OK ? status : ts_server_init(&server, &loop, &limits);
    status =
        status != TS_OK ? status : ts_object_mint(&server, &pipe_session, TS_RIGHTS_ALL, &session);
    status = status != TS_OK ? status : ts_object_mint(&server, &pipe_null, STREAM_RIGHTS, &null);
    status = status != TS_OK ? status : ts_object_mint(&server, &pipe_zero, STREAM_RIGHTS, &zero);
    status = status != TS_OK ? status : ts_object_mint(&server, &root, TS_RIGHTS_ALL, out_root);
    if (status != TS_OK) {
        return status;
    }
    ts_object_signal(&pipe_null, 0, TS_SIGNAL_READABLE | TS_SIGNAL_WRITABLE);
    ts_object_signal(&pipe_zero, 0, TS_SIGNAL_READABLE | TS_SIGNAL_WRITABLE);
    return TS_OK;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    ts_handle_t root = TS_HANDLE_NONE;
    ts_status_t status = start(&root);
    return service_run(status, &server, root);
}
