// SPDX-License-Identifier: MIT
#include <tessera/lib/clock.h>
#include <tessera/lib/op.h>
#include <tessera/lib/server.h>

#include "access_log.h"
#include "connection.h"
#include "httpd.h"
#include "pool.h"

struct piece {
    uint8_t bytes[CONNECTION_PIECE];
};

static struct pool responses = {.size = POOL_SIZE(struct response),
                                .limit = HTTPD_CONNECTIONS,
                                .clear = offsetof(struct response, head)};
static struct pool pieces = {.size = sizeof(struct piece), .limit = CONNECTION_PIECE_MAX};

static void write_more(struct connection *connection);

struct response *transfer_response(struct connection *connection)
{
    connection->response = pool_take(&responses);
    return connection->response;
}

void transfer_free(struct connection *connection)
{
    struct response *response = connection->response;
    if (response == NULL)
        return;
    if (response->piece != NULL)
        pool_give(&pieces, response->piece);
    if (response->page != NULL)
        respond_page_give(response->page);
    pool_give(&responses, response);
    connection->response = NULL;
}

static void fetch(struct connection *connection);

// The file was loaded again: the answer goes on where it was, if it is still the same file.
static void on_loaded_again(struct content_waiter *waiter)
{
    struct connection *connection = TS_OBJECT_OF(waiter, struct connection, waiter);
    const struct content *content = connection->content;
    if (connection->closing)
        return;
    if (content->state == CONTENT_FILE && content->bytes == NULL &&
        content->resource.size == connection->response->size &&
        content->resource.modified == connection->response->modified)
        fetch(connection);
    else
        connection_close(connection);
}

// The file's server died. False: nothing can be done about it.
static bool load_again(struct connection *connection)
{
    struct content *old = connection->content;
    struct response *response = connection->response;
    if (response->again)
        return false;
    response->again = true;
    response->size = old->resource.size;
    response->modified = old->resource.modified;
    content_stale(old);
    connection->state = CONNECTION_LOADING;
    connection->waiter.ready = on_loaded_again;
    connection->content = content_get(content_path(old), &connection->waiter);
    content_put(old);
    if (connection->content == NULL)
        return false;
    if (connection->content->state != CONTENT_LOADING)
        on_loaded_again(&connection->waiter);
    return true;
}

static void on_fetched(struct ts_async *async, const struct ts_event *event)
{
    struct connection *connection = TS_OBJECT_OF(async, struct connection, io);
    struct response *response = connection->response;
    if (!connection->closing && event->status == TS_ERR_PEER_CLOSED && load_again(connection))
        return;
    // A file that fails in the middle cannot be told but by ending the connection early.
    if (connection->closing || event->status != TS_OK || event->value == 0) {
        connection_close(connection);
        return;
    }
    httpd.statistics.bytes_read += event->value;
    response->segments[1] =
        (struct ts_segment){.address = (uintptr_t)response->piece, .length = event->value};
    response->offset += event->value;
    response->left -= event->value;
    write_more(connection);
}

// The next piece of a file that is not mapped.
static void fetch(struct connection *connection)
{
    struct response *response = connection->response;
    if (response->piece == NULL)
        response->piece = pool_take(&pieces);
    connection->io.done = on_fetched;
    struct ts_submission *slot =
        response->piece != NULL ? ts_loop_begin(&httpd.loop, &connection->io) : NULL;
    if (slot == NULL) {
        connection_close(connection);
        return;
    }
    connection->state = CONNECTION_FETCHING;
    uint64_t length = response->left < CONNECTION_PIECE ? response->left : CONNECTION_PIECE;
    ts_prepare_read(slot, connection->content->handle, response->piece, (uint32_t)length,
                    response->offset, httpd.loop.now + HTTPD_WRITE_S * TS_SECOND,
                    ts_async_data(&connection->io));
}

// Takes `bytes` off the segments' fronts.
static void advance(struct response *response, uint64_t bytes)
{
    for (unsigned i = 0; i < 2; i++) {
        struct ts_segment *segment = &response->segments[i];
        uint64_t part = bytes < segment->length ? bytes : segment->length;
        segment->address += part;
        segment->length -= part;
        bytes -= part;
        if (i == 1)
            response->body_sent += part;
    }
}

static void on_written(struct ts_async *async, const struct ts_event *event)
{
    struct connection *connection = TS_OBJECT_OF(async, struct connection, io);
    struct response *response = connection->response;
    if (connection->closing || event->status != TS_OK || event->value == 0) {
        access_log(connection, response->status, response->body_sent);
        connection_close(connection);
        return;
    }
    httpd.statistics.bytes_sent += event->value;
    advance(response, event->value);
    if (response->segments[0].length + response->segments[1].length > 0) {
        write_more(connection);
    } else if (response->left > 0) {
        fetch(connection);
    } else {
        access_log(connection, response->status, response->body_sent);
        connection_answered(connection);
    }
}

static void write_more(struct connection *connection)
{
    struct response *response = connection->response;
    ts_time_t deadline = httpd.loop.now + HTTPD_WRITE_S * TS_SECOND;
    uint64_t data = ts_async_data(&connection->io);
    unsigned first = response->segments[0].length > 0 ? 0 : 1;
    bool both = first == 0 && response->segments[1].length > 0;
    connection->state = CONNECTION_WRITING;
    connection->io.done = on_written;
    struct ts_submission *slot = ts_loop_begin(&httpd.loop, &connection->io);
    if (slot == NULL) {
        connection_close(connection);
        return;
    }
    if (both) {
        ts_prepare_vector(slot, TS_OP_WRITE, connection->handle, response->segments, 2, 0, 0,
                          deadline, data);
        return;
    }
    const struct ts_segment *segment = &response->segments[first];
    uint64_t length = segment->length < TS_LENGTH_MAX ? segment->length : TS_LENGTH_MAX;
    ts_prepare_write(slot, connection->handle, (const void *)(uintptr_t)segment->address,
                     (uint32_t)length, 0, deadline, data);
}

void transfer_start(struct connection *connection)
{
    write_more(connection);
}
