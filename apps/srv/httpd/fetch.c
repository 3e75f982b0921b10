// SPDX-License-Identifier: MIT
// The next piece of a file that is too large to be had whole. Its server gives pages of its own
// where it can, from which the network stack copies; else the piece is read into a buffer, which is
// one copy more.
#include <tessera/lib/clock.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/server.h>

#include "connection.h"
#include "httpd.h"

// The file was loaded again: the answer goes on where it was, if it is still the same file.
static void on_loaded_again(struct content_waiter *waiter)
{
    struct connection *connection = TS_OBJECT_OF(waiter, struct connection, waiter);
    const struct content *content = connection->content;
    if (connection->closing) {
        return;
    }
    if (content->state == CONTENT_FILE && content->bytes == NULL &&
        content->resource.size == connection->response->size &&
        content->resource.modified == connection->response->modified) {
        fetch_piece(connection);
    } else {
        connection_close(connection);
    }
}

// The file's server died. False: nothing can be done about it.
static bool load_again(struct connection *connection)
{
    struct content *old = connection->content;
    struct response *response = connection->response;
    if (response->again) {
        return false;
    }
    response->again = true;
    response->size = old->resource.size;
    response->modified = old->resource.modified;
    content_stale(old);
    connection->state = CONNECTION_LOADING;
    connection->waiter.ready = on_loaded_again;
    connection->content = content_get(content_path(old), old->lists, &connection->waiter);
    content_put(old);
    if (connection->content == NULL) {
        return false;
    }
    if (connection->content->state != CONTENT_LOADING) {
        on_loaded_again(&connection->waiter);
    }
    return true;
}

// `length` bytes from `bytes` on are the next of the answer.
static void send_piece(struct connection *connection, const uint8_t *bytes, uint64_t length)
{
    struct response *response = connection->response;
    response->segments[1] = (struct ts_segment){.address = (uintptr_t)bytes, .length = length};
    response->offset += length;
    response->left -= length;
    transfer_start(connection);
}

static struct ts_submission *begin(struct connection *connection,
                                   void (*done)(struct ts_async *, const struct ts_event *))
{
    connection->state = CONNECTION_FETCHING;
    connection->io.done = done;
    return ts_loop_begin(&httpd.loop, &connection->io);
}

static void on_read(struct ts_async *async, const struct ts_event *event)
{
    struct connection *connection = TS_OBJECT_OF(async, struct connection, io);
    if (!connection->closing && event->status == TS_ERR_PEER_CLOSED && load_again(connection)) {
        return;
    }
    // A file that fails in the middle cannot be told but by ending the connection early.
    if (connection->closing || event->status != TS_OK || event->value == 0) {
        connection_close(connection);
        return;
    }
    httpd.statistics.bytes_read += event->value;
    send_piece(connection, connection->response->piece, event->value);
}

static void fetch_again(struct holder *holder)
{
    fetch_piece(TS_OBJECT_OF(holder, struct connection, holder));
}

static void read_piece(struct connection *connection)
{
    struct response *response = connection->response;
    if (response_piece_take(connection) == NULL) {
        connection_starve(connection, SHARED_PIECE, fetch_again);
        return;
    }
    struct ts_submission *slot = begin(connection, on_read);
    if (slot == NULL) {
        connection_close(connection);
        return;
    }
    uint64_t length = response->left < CONNECTION_PIECE ? response->left : CONNECTION_PIECE;
    ts_prepare_read(slot, connection->content->handle, response->piece, (uint32_t)length,
                    response->offset, ts_loop_now(&httpd.loop) + HTTPD_WRITE_S * TS_SECOND,
                    ts_async_data(&connection->io));
}

// Maps what the server gave. False: it is of no use.
static bool take_pages(struct response *response, ts_handle_t memory)
{
    void *bytes = NULL;
    uint64_t size = 0;
    ts_status_t status = ts_get_u64(memory, TS_PROPERTY_SIZE, &size);
    if (status == TS_OK && (size % TS_PAGE_SIZE != 0 || size > CONNECTION_PIECE ||
                            size <= response->offset % TS_PAGE_SIZE)) {
        status = TS_ERR_PROTOCOL;
    }
    if (status == TS_OK) {
        status = ts_memory_map(memory, NULL, size, 0, TS_MAP_READ | TS_MAP_POPULATE, &bytes);
    }
    ts_close(memory);
    if (status != TS_OK) {
        return false;
    }
    response->piece = bytes;
    response->mapped = size;
    return true;
}

static void on_mapped(struct ts_async *async, const struct ts_event *event)
{
    struct connection *connection = TS_OBJECT_OF(async, struct connection, io);
    struct response *response = connection->response;
    if (connection->closing) {
        if (event->status == TS_OK) {
            ts_close((ts_handle_t)event->value);
        }
        connection_close(connection);
        return;
    }
    if (event->status == TS_ERR_PEER_CLOSED) {
        if (!load_again(connection)) { // it may have no content any more
            connection_close(connection);
        }
        return;
    }
    if (event->status == TS_OK && take_pages(response, (ts_handle_t)event->value)) {
        uint64_t before = response->offset % TS_PAGE_SIZE, length = response->mapped - before;
        send_piece(connection, response->piece + before,
                   length < response->left ? length : response->left);
        return;
    }
    connection->content->has_pages &= event->status != TS_ERR_UNSUPPORTED;
    read_piece(connection);
}

void fetch_piece(struct connection *connection)
{
    struct response *response = connection->response;
    if (response->mapped > 0) {
        response_piece_free(connection); // the piece before, which is sent
    }
    if (response->piece != NULL || !connection->content->has_pages) {
        read_piece(connection);
        return;
    }
    struct ts_submission *slot = begin(connection, on_mapped);
    if (slot == NULL) {
        connection_close(connection);
        return;
    }
    uint64_t before = response->offset % TS_PAGE_SIZE, length = response->left + before;
    ts_prepare(slot, connection->content->handle,
               &(struct ts_op){.op = TS_OP_MAP,
                               .offset = response->offset - before,
                               .arg = length < CONNECTION_PIECE ? length : CONNECTION_PIECE,
                               .deadline = ts_loop_now(&httpd.loop) + HTTPD_WRITE_S * TS_SECOND},
               ts_async_data(&connection->io));
    slot->rights = TS_RIGHT_READ | TS_RIGHT_MAP;
}
