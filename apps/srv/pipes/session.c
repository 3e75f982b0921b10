// SPDX-License-Identifier: MIT
// The session, where pipes are made; and the streams null and zero.
#include <string.h>
#include <tessera/proto/file.h>
#include "pipe.h"

#define END_RIGHTS (TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER)

// The ends count for nobody at the kernel: the pipe does, here.
static void make(struct ts_request *request)
{
    struct pipe *pipe;
    ts_handle_t ends[2];
    ts_status_t status = pipe_make(request->client, &pipe);
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return;
    }
    pipe->reader.object.operations = &pipe_reader_operations;
    pipe->writer.object.operations = &pipe_writer_operations;
    struct ts_server *server = request->server;
    status = ts_object_mint(server, &pipe->reader.object, END_RIGHTS | TS_RIGHT_READ, &ends[0]);
    if (status != TS_OK) {
        pipe_free(pipe);
        ts_request_reply(request, status, 0);
        return;
    }
    // From here on `closed` of the ends undoes it.
    status = ts_object_mint(server, &pipe->writer.object, END_RIGHTS | TS_RIGHT_WRITE, &ends[1]);
    if (status != TS_OK) {
        pipe->writer.open = false;
        ts_close(ends[0]);
        ts_request_reply(request, status, 0);
        return;
    }
    struct ts_reply reply = {
        .result = TS_REPLY_MOVE, .object = ends[0], .rights = TS_RIGHTS_ALL, .handles = {ends[1]}};
    if (ts_request_reply_full(request, &reply) != TS_OK) {
        ts_close(ends[0]);
        ts_close(ends[1]);
        return;
    }
    pipe_pump(pipe); // the first signals
}

static void session_call(struct ts_request *request)
{
    if (request->arg == TS_PIPE_MAKE) {
        make(request);
    } else {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
    }
}

static void session_open(struct ts_request *request)
{
    char path[16];
    size_t length;
    ts_status_t status = ts_request_path(request, path, sizeof(path), &length);
    struct ts_object *stream = NULL;
    if (status == TS_OK && !strcmp(path, "null")) {
        stream = &pipe_null;
    } else if (status == TS_OK && !strcmp(path, "zero")) {
        stream = &pipe_zero;
    }
    if (stream != NULL) {
        (void)ts_request_reply_own(request, stream, request->rights);
    } else {
        ts_request_reply(request, status == TS_OK ? TS_ERR_NOT_FOUND : status, 0);
    }
}

static const struct ts_operations session_operations = {.call = session_call, .open = session_open};
struct ts_object pipe_session = {.operations = &session_operations};

static void root_open(struct ts_request *request)
{
    if (request->length != 0) {
        ts_request_reply(request, TS_ERR_NOT_FOUND, 0);
        return;
    }
    (void)ts_request_reply_own(request, &pipe_session, request->rights);
}

const struct ts_operations pipe_root_operations = {.open = root_open};

// ---- null and zero

static void stream_get(struct ts_request *request)
{
    if (request->arg == TS_PROPERTY_STATUS_FLAGS) {
        ts_request_reply_u64(request, 0);
    } else if (request->arg == TS_PROPERTY_ATTRIBUTES) {
        struct ts_attributes attributes = {.type = TS_FILE_DEVICE, .mode = 0666, .links = 1};
        attributes.identity = request->object == &pipe_null ? 1 : 2;
        ts_request_reply_bytes(request, &attributes, sizeof(attributes));
    } else {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
    }
}

// Status flags are accepted: nothing ever waits here.
static void stream_set(struct ts_request *request)
{
    bool known = request->arg == TS_PROPERTY_STATUS_FLAGS;
    ts_request_reply(request, known ? TS_OK : TS_ERR_UNSUPPORTED, 0);
}

static void stream_write(struct ts_request *request)
{
    ts_request_reply(request, TS_OK, request->length);
}

static void null_read(struct ts_request *request)
{
    ts_request_reply(request, TS_OK, 0);
}

static void zero_read(struct ts_request *request)
{
    static const unsigned char zeros[TS_PAGE_SIZE];
    ts_request_reply_stable(request, zeros, sizeof(zeros));
}

static const struct ts_operations null_operations = {
    .read = null_read, .write = stream_write, .get = stream_get, .set = stream_set};
static const struct ts_operations zero_operations = {
    .read = zero_read, .write = stream_write, .get = stream_get, .set = stream_set};
struct ts_object pipe_null = {.operations = &null_operations};
struct ts_object pipe_zero = {.operations = &zero_operations};
