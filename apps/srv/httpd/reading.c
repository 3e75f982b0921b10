// SPDX-License-Identifier: MIT
// Reading requests, and the end of a connection.
#include <string.h>

#include <tessera/lib/clock.h>
#include <tessera/lib/op.h>
#include <tessera/lib/server.h>

#include "connection.h"
#include "httpd.h"

static void begin_read(struct connection *connection,
                       void (*done)(struct ts_async *, const struct ts_event *), ts_time_t deadline)
{
    connection->io.done = done;
    struct ts_submission *slot = ts_loop_begin(&httpd.loop, &connection->io);
    if (slot == NULL) {
        connection_close(connection);
        return;
    }
    ts_prepare_read(slot, connection->handle, connection->buffer + connection->length,
                    (uint32_t)(buffer_size(connection) - connection->length), 0, deadline,
                    ts_async_data(&connection->io));
}

static bool timed_out(ts_status_t status)
{
    return status == TS_ERR_TIMED_OUT || status == TS_ERR_CANCELLED || status == TS_ERR_ABANDONED;
}

static void on_read(struct ts_async *async, const struct ts_event *event)
{
    struct connection *connection = TS_OBJECT_OF(async, struct connection, io);
    if (connection_was_closing(connection)) {
        return;
    }
    if (timed_out(event->status) && connection->length > 0) {
        respond_refusal(connection, 408);
    } else if (event->status != TS_OK || event->value == 0) {
        connection_close(connection); // the peer's end, between requests or within one
    } else {
        if (connection->length == 0) {
            shared_go_on(&connection->holder); // it waits from its head's first byte on
            connection->deadline = ts_loop_now(&httpd.loop) + HTTPD_HEAD_S * TS_SECOND;
        }
        connection->length = (uint16_t)(connection->length + event->value);
        connection_read(connection);
    }
}

static void read_again(struct holder *holder)
{
    struct connection *connection = TS_OBJECT_OF(holder, struct connection, holder);
    connection->request = (struct http_request){0};
    connection_read(connection);
}

// To a large buffer, with what was read; the head is read anew, since it points into the bytes.
// False: there is none now, and the connection starves.
static bool grow(struct connection *connection)
{
    size_t consumed;
    if (!buffer_grow(connection)) {
        connection_starve(connection, SHARED_LARGE, read_again);
        return false;
    }
    connection->request = (struct http_request){0};
    (void)http_request_parse(connection->buffer, connection->length, &connection->request,
                             &consumed);
    return true;
}

static void on_body(struct ts_async *async, const struct ts_event *event);

// Drops what there is of the body behind the head; the rest of the buffer moves up to the head.
static void drop_body(struct connection *connection)
{
    char *rest = connection->buffer + connection->consumed;
    size_t length = connection->length - connection->consumed, taken;
    unsigned status = http_body_drop(&connection->body, rest, length, &taken);
    memmove(rest, rest + taken, length - taken);
    connection->length = (uint16_t)(connection->length - taken);
    if (status != 200) {
        respond_refusal(connection, status);
    } else if (connection->body.done) {
        route_request(connection);
    } else if (connection->length == CONNECTION_LARGE) {
        respond_refusal(connection, 431);
    } else {
        connection->state = CONNECTION_BODY;
        begin_read(connection, on_body, connection->deadline);
    }
}

static void on_body(struct ts_async *async, const struct ts_event *event)
{
    struct connection *connection = TS_OBJECT_OF(async, struct connection, io);
    if (connection_was_closing(connection)) {
        return;
    }
    if (timed_out(event->status)) {
        respond_refusal(connection, 408);
    } else if (event->status != TS_OK || event->value == 0) {
        connection_close(connection);
    } else {
        connection->length = (uint16_t)(connection->length + event->value);
        drop_body(connection);
    }
}

static void head_is_whole(struct connection *connection)
{
    http_body_start(&connection->body, &connection->request);
    if (connection->request.ends_early && !connection->body.done) {
        connection->request.keep_alive = false;
        route_request(connection);
        return;
    }
    connection->deadline = ts_loop_now(&httpd.loop) + HTTPD_BODY_S * TS_SECOND;
    if (connection->body.done) {
        route_request(connection);
        return;
    }
    // What the head points to must not move while the body comes: there is room for all of it.
    if (connection->buffer != connection->own || grow(connection)) {
        drop_body(connection);
    }
}

void connection_read(struct connection *connection)
{
    size_t consumed = 0;
    unsigned status = HTTP_INCOMPLETE;
    connection->state = CONNECTION_READING;
    if (connection->length > 0) {
        status = http_request_parse(connection->buffer, connection->length, &connection->request,
                                    &consumed);
    }
    if (status == 200) {
        connection->consumed = (uint16_t)consumed;
        head_is_whole(connection);
    } else if (status != HTTP_INCOMPLETE) {
        respond_refusal(connection, status);
    } else if (connection->length < buffer_size(connection) || grow(connection)) {
        bool idle = connection->length == 0;
        shared_wait(&connection->holder, false);
        begin_read(connection, on_read,
                   idle ? ts_loop_now(&httpd.loop) + HTTPD_IDLE_S * TS_SECOND
                        : connection->deadline);
    }
}

// ---- Ending

static void on_drain(struct ts_async *async, const struct ts_event *event)
{
    struct connection *connection = TS_OBJECT_OF(async, struct connection, io);
    if (connection_was_closing(connection)) {
        return;
    }
    if (event->status != TS_OK || event->value == 0) {
        connection_close(connection);
        return;
    }
    connection->length = 0;
    begin_read(connection, on_drain, connection->deadline);
}

static void on_shut(struct ts_async *async, const struct ts_event *event)
{
    struct connection *connection = TS_OBJECT_OF(async, struct connection, io);
    if (connection_was_closing(connection)) {
        return;
    }
    if (event->status != TS_OK) {
        connection_close(connection);
        return;
    }
    connection->state = CONNECTION_DRAINING;
    connection->length = 0;
    begin_read(connection, on_drain, connection->deadline);
}

// Closing with bytes unread would reset the connection, and the reset could overtake the answer.
void connection_drain(struct connection *connection)
{
    connection->state = CONNECTION_SHUTTING;
    shared_wait(&connection->holder, false);
    connection->deadline = ts_loop_now(&httpd.loop) + HTTPD_DRAIN_S * TS_SECOND;
    connection->shutdown = TS_NET_SHUT_WRITE;
    connection->io.done = on_shut;
    struct ts_submission *slot =
        connection->asking_peer.busy ? NULL : ts_loop_begin(&httpd.loop, &connection->io);
    if (slot == NULL) {
        connection_close(connection);
        return;
    }
    connection->call = (struct ts_call){.in_address = (uintptr_t)&connection->shutdown,
                                        .in_length = sizeof(connection->shutdown)};
    ts_prepare_call(slot, connection->handle, TS_NET_SHUTDOWN, &connection->call,
                    connection->deadline, ts_async_data(&connection->io));
}
