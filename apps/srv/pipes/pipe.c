// SPDX-License-Identifier: MIT
#include <tessera/proto/file.h>
#include "pipe.h"

static struct pipe_end *end_of(struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct pipe_end, object);
}

// ---- queues

// One that may stay there: up to its client's share.
static ts_status_t enqueue_waiting(struct pipe_end *end, struct ts_request *request)
{
    ts_status_t status = ts_share_take(&pipe_waiting, request->client, 1);
    if (status == TS_OK) {
        request->context = &pipe_waiting;
        ts_request_list_add(&end->waiting, request);
    }
    return status;
}

static void dequeue(struct pipe_end *end, struct ts_request *request)
{
    if (request->context != NULL) {
        ts_share_give(request->context, request->client, 1);
        request->context = NULL;
    }
    (void)ts_request_list_remove(&end->waiting, request);
}

static void answer_all(struct pipe_end *end, ts_status_t status)
{
    while (end->waiting.first != NULL) {
        struct ts_request *request = end->waiting.first;
        dequeue(end, request);
        ts_request_reply(request, status, 0);
    }
}

// ---- bytes

// One piece, up to where the ring wraps. What the client did not get stays.
static void serve_read(struct pipe *pipe, struct ts_request *request)
{
    uint32_t piece = TS_PIPE_SIZE - pipe->head;
    uint32_t n = pipe->used < piece ? pipe->used : piece;
    n = request->room < n ? request->room : n;
    if (ts_request_reply_now(request, TS_OK, n, pipe->ring + pipe->head, n) == TS_OK) {
        pipe->head = (pipe->head + n) % TS_PIPE_SIZE;
        pipe->used -= n;
    }
}

static uint32_t room(const struct pipe *pipe)
{
    return TS_PIPE_SIZE - pipe->used;
}

static bool write_fits(const struct pipe *pipe, const struct ts_request *request)
{
    uint32_t need = request->length <= TS_PIPE_ATOMIC ? request->length : 1;
    return room(pipe) >= need;
}

// The bytes count only when the writer was told so.
static void serve_write(struct pipe *pipe, struct ts_request *request)
{
    uint32_t n = request->length < room(pipe) ? request->length : room(pipe);
    uint32_t tail = (pipe->head + pipe->used) % TS_PIPE_SIZE;
    uint32_t piece = TS_PIPE_SIZE - tail < n ? TS_PIPE_SIZE - tail : n;
    ts_status_t status = ts_request_pull(request, pipe->ring + tail, piece, 0);
    if (status == TS_OK && n > piece) {
        status = ts_request_pull(request, pipe->ring, n - piece, piece);
    }
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
    } else if (ts_request_reply_now(request, TS_OK, n, NULL, 0) == TS_OK) {
        pipe->used += n;
    }
}

static void signal_ends(struct pipe *pipe)
{
    ts_signals_t readable = pipe->used || !pipe->writer.open ? TS_SIGNAL_READABLE : 0;
    ts_signals_t writable =
        room(pipe) >= TS_PIPE_ATOMIC || !pipe->reader.open ? TS_SIGNAL_WRITABLE : 0;
    if (pipe->reader.open) {
        ts_signals_t closed = pipe->writer.open ? 0 : TS_SIGNAL_CLOSED;
        ts_object_signal(&pipe->reader.object, TS_SIGNAL_READABLE & ~readable, readable | closed);
    }
    if (pipe->writer.open) {
        ts_signals_t closed = pipe->reader.open ? 0 : TS_SIGNAL_CLOSED;
        ts_object_signal(&pipe->writer.object, TS_SIGNAL_WRITABLE & ~writable, writable | closed);
    }
}

void pipe_pump(struct pipe *pipe)
{
    struct pipe_end *reader = &pipe->reader, *writer = &pipe->writer;
    bool moved = true;
    while (moved) {
        moved = false;
        if (writer->waiting.first != NULL && write_fits(pipe, writer->waiting.first)) {
            struct ts_request *request = writer->waiting.first;
            dequeue(writer, request);
            serve_write(pipe, request);
            moved = true;
        }
        if (reader->waiting.first != NULL && pipe->used) {
            struct ts_request *request = reader->waiting.first;
            dequeue(reader, request);
            serve_read(pipe, request);
            moved = true;
        }
    }
    if (!writer->open) {
        answer_all(reader, TS_OK); // 0 bytes: the end
    }
    if (!reader->open) {
        answer_all(writer, TS_ERR_PEER_CLOSED);
    }
    signal_ends(pipe);
}

// ---- operations

static bool nowait(const struct ts_request *request, const struct pipe_end *end)
{
    return (request->flags & TS_FLAG_NOWAIT) || (end->flags & TS_OPEN_NOWAIT);
}

// Now or later. What does not have to wait is gone from its queue when this returns.
static void begin(struct pipe_end *end, struct ts_request *request, bool waits)
{
    ts_status_t status = TS_OK;
    if (!waits) {
        ts_request_list_add(&end->waiting, request);
    } else {
        status = nowait(request, end) ? TS_ERR_AGAIN : enqueue_waiting(end, request);
    }
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
    } else {
        pipe_pump(end->pipe);
    }
}

static void reader_read(struct ts_request *request)
{
    struct pipe_end *end = end_of(request);
    const struct pipe *pipe = end->pipe;
    bool waits = end->waiting.first != NULL || (!pipe->used && pipe->writer.open);
    if (request->room == 0) {
        ts_request_reply(request, TS_OK, 0);
    } else {
        begin(end, request, waits);
    }
}

static void writer_write(struct ts_request *request)
{
    struct pipe_end *end = end_of(request);
    const struct pipe *pipe = end->pipe;
    if (!pipe->reader.open) {
        ts_request_reply(request, TS_ERR_PEER_CLOSED, 0);
    } else if (request->length == 0) {
        ts_request_reply(request, TS_OK, 0);
    } else {
        begin(end, request, end->waiting.first != NULL || !write_fits(pipe, request));
    }
}

static void end_cancel(struct ts_request *request)
{
    struct pipe_end *end = end_of(request);
    dequeue(end, request);
    ts_request_reply(request, TS_ERR_CANCELLED, 0);
    pipe_pump(end->pipe); // a longer write may have stood before a shorter one
}

static void end_get(struct ts_request *request)
{
    struct pipe_end *end = end_of(request);
    switch (request->arg) {
    case TS_PROPERTY_STATUS_FLAGS: ts_request_reply_u64(request, end->flags); break;
    case TS_PROPERTY_PIPE_BYTES: ts_request_reply_u64(request, end->pipe->used); break;
    case TS_PROPERTY_ATTRIBUTES: {
        struct ts_attributes attributes = {.type = TS_FILE_STREAM,
                                           .mode = 0600,
                                           .links = 1,
                                           .size = end->pipe->used,
                                           .identity = end->pipe->identity,
                                           .created_ns = end->pipe->created_ns};
        ts_request_reply_bytes(request, &attributes, sizeof(attributes));
        break;
    }
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static void end_set(struct ts_request *request)
{
    struct pipe_end *end = end_of(request);
    uint64_t flags;
    if (request->arg != TS_PROPERTY_STATUS_FLAGS) {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
        return;
    }
    ts_status_t status = ts_request_pull_exact(request, &flags, sizeof(flags));
    if (status == TS_OK && (flags & ~(uint64_t)(TS_OPEN_NOWAIT | TS_OPEN_APPEND))) {
        status = TS_ERR_ARGUMENT;
    }
    if (status == TS_OK) {
        end->flags = (uint32_t)flags & TS_OPEN_NOWAIT;
    }
    ts_request_reply(request, status, 0);
}

static void end_closed(struct ts_object *object)
{
    struct pipe_end *end = TS_OBJECT_OF(object, struct pipe_end, object);
    struct pipe *pipe = end->pipe;
    end->open = false;
    answer_all(end, TS_ERR_CANCELLED);
    if (pipe->reader.open || pipe->writer.open) {
        pipe_pump(pipe);
        return;
    }
    pipe_free(pipe);
}

const struct ts_operations pipe_reader_operations = {
    .read = reader_read,
    .get = end_get,
    .set = end_set,
    .cancel = end_cancel,
    .closed = end_closed,
};

const struct ts_operations pipe_writer_operations = {
    .write = writer_write,
    .get = end_get,
    .set = end_set,
    .cancel = end_cancel,
    .closed = end_closed,
};
