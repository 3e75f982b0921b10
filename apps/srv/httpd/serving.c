// SPDX-License-Identifier: MIT
// A connection's requests in turn: when all that a response holds is written, the next piece or
// part follows, or the next request is read, or the connection ends.
#include "serving.h"

#include <string.h>

#include <tessera/lib/clock.h>

#include "connection.h"
#include "httpd.h"

static void next_request(struct connection *connection)
{
    // The next request may be here already; it moves to the front, and home if it fits.
    size_t rest = connection->length - connection->consumed;
    const char *from = connection->buffer + connection->consumed;
    if (connection->buffer != connection->own && rest < CONNECTION_BUFFER) {
        memcpy(connection->own, from, rest);
        buffer_free(connection);
    } else {
        memmove(connection->buffer, from, rest);
    }
    connection->length = (uint16_t)rest;
    connection->request = (struct http_request){0};
    connection->deadline = ts_loop_now(&httpd.loop) + HTTPD_HEAD_S * TS_SECOND;
    connection_read(connection);
}

static void answered(struct connection *connection)
{
    transfer_log(connection);
    response_free(connection);
    connection_release(connection);
    if (connection->keep_alive) {
        next_request(connection);
    } else if (connection->ending) {
        connection_drain(connection);
    } else {
        connection_close(connection);
    }
}

static void on_written(struct connection *connection)
{
    const struct response *response = connection->response;
    if (response->left > 0) {
        fetch_piece(connection);
    } else if (response->part < response->parts) {
        parts_next(connection);
    } else {
        answered(connection);
    }
}

void serving_start(ts_handle_t handle)
{
    struct connection *connection = connection_new(handle);
    if (connection == NULL) {
        return;
    }
    connection->written = on_written;
    connection_read(connection);
    connection_make_room();
}
