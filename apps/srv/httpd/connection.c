// SPDX-License-Identifier: MIT
#include "connection.h"

#include <string.h>

#include <tessera/lib/clock.h>
#include <tessera/lib/op.h>
#include <tessera/lib/server.h>

#include "access_log.h"
#include "httpd.h"
#include "pool.h"

struct large_buffer {
    char bytes[CONNECTION_LARGE];
};

static struct pool connections = {.size = POOL_SIZE(struct connection),
                                  .limit = HTTPD_CONNECTIONS,
                                  .clear = offsetof(struct connection, own)};
static struct pool large = {.size = sizeof(struct large_buffer), .limit = CONNECTION_LARGE_MAX};
static struct connection *newest, *oldest; // idle

uint32_t connection_count(void)
{
    return connections.used;
}

// Idle connections --------------------------------------------------------------------------

static void idle_begin(struct connection *connection)
{
    connection->idle = true;
    connection->newer = NULL;
    connection->older = newest;
    if (newest != NULL)
        newest->newer = connection;
    else
        oldest = connection;
    newest = connection;
}

static void idle_end(struct connection *connection)
{
    if (!connection->idle)
        return;
    connection->idle = false;
    if (connection->newer != NULL)
        connection->newer->older = connection->older;
    else
        newest = connection->older;
    if (connection->older != NULL)
        connection->older->newer = connection->newer;
    else
        oldest = connection->newer;
}

// Life ----------------------------------------------------------------------------------------

static void free_now(struct connection *connection)
{
    idle_end(connection);
    transfer_free(connection);
    if (connection->content != NULL)
        content_forget(connection->content, &connection->waiter);
    if (connection->buffer != connection->own)
        pool_give(&large, connection->buffer);
    pool_give(&connections, connection);
}

// The handle goes at once, the storage when nothing in flight points to it any more.
void connection_close(struct connection *connection)
{
    connection->closing = true;
    idle_end(connection);
    ts_close(connection->handle);
    connection->handle = TS_HANDLE_NONE;
    if (connection->io.busy)
        ts_loop_cancel(&httpd.loop, &connection->io);
    if (connection->asking_peer.busy)
        ts_loop_cancel(&httpd.loop, &connection->asking_peer);
    if (!connection->io.busy && !connection->asking_peer.busy)
        free_now(connection);
}

// Every completion of `io` begins here. True: there is nothing more to do.
static bool was_closing(struct connection *connection)
{
    if (!connection->closing)
        return false;
    if (!connection->io.busy && !connection->asking_peer.busy)
        free_now(connection);
    return true;
}

static void on_peer(struct ts_async *async, const struct ts_event *event)
{
    struct connection *connection = TS_OBJECT_OF(async, struct connection, asking_peer);
    if (event->status == TS_OK)
        access_log_peer(&connection->peer, &connection->address);
    (void)was_closing(connection);
}

static void ask_peer(struct connection *connection)
{
    connection->asking_peer.done = on_peer;
    struct ts_submission *slot = ts_loop_begin(&httpd.loop, &connection->asking_peer);
    if (slot == NULL)
        return;
    connection->call = (struct ts_call){.out_address = (uintptr_t)&connection->address,
                                        .out_length = sizeof(connection->address)};
    ts_prepare_call(slot, connection->handle, TS_NET_GET_PEER, &connection->call, TS_DEADLINE_NONE,
                    ts_async_data(&connection->asking_peer));
}

bool connection_start(ts_handle_t handle)
{
    struct connection *connection = pool_take(&connections);
    if (connection == NULL && oldest != NULL) {
        connection_close(oldest); // its place is free when its read has ended: not for this one
        connection = pool_take(&connections);
    }
    if (connection == NULL) {
        ts_close(handle);
        return false;
    }
    httpd.statistics.connections++;
    connection->handle = handle;
    connection->buffer = connection->own;
    ask_peer(connection);
    connection_read(connection);
    return true;
}

// Reading -----------------------------------------------------------------------------------

static size_t buffer_size(const struct connection *connection)
{
    return connection->buffer == connection->own ? CONNECTION_BUFFER : CONNECTION_LARGE;
}

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
    idle_end(connection);
    if (was_closing(connection))
        return;
    if (timed_out(event->status) && connection->length > 0) {
        respond_refusal(connection, 408);
    } else if (event->status != TS_OK || event->value == 0) {
        connection_close(connection); // the peer's end, between requests or within one
    } else {
        if (connection->length == 0)
            connection->deadline = ts_loop_now(&httpd.loop) + HTTPD_HEAD_S * TS_SECOND;
        connection->length = (uint16_t)(connection->length + event->value);
        connection_read(connection);
    }
}

// To a large buffer, with what was read; the head is read anew, since it points into the bytes.
// False: it is in one already, or there is none.
static bool grow(struct connection *connection)
{
    size_t consumed;
    char *buffer = connection->buffer == connection->own ? pool_take(&large) : NULL;
    if (buffer == NULL)
        return false;
    memcpy(buffer, connection->own, connection->length);
    connection->buffer = buffer;
    connection->request = (struct http_request){0};
    (void)http_request_parse(buffer, connection->length, &connection->request, &consumed);
    return true;
}

static bool make_room(struct connection *connection)
{
    return connection->length < buffer_size(connection) || grow(connection);
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
        respond(connection);
    } else if (!make_room(connection)) {
        respond_refusal(connection, 431);
    } else {
        connection->state = CONNECTION_BODY;
        begin_read(connection, on_body, connection->deadline);
    }
}

static void on_body(struct ts_async *async, const struct ts_event *event)
{
    struct connection *connection = TS_OBJECT_OF(async, struct connection, io);
    if (was_closing(connection))
        return;
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
        respond(connection);
        return;
    }
    connection->deadline = ts_loop_now(&httpd.loop) + HTTPD_BODY_S * TS_SECOND;
    if (connection->body.done) {
        respond(connection);
        return;
    }
    // What the head points to must not move while the body comes: there is room for all of it.
    if (connection->buffer == connection->own && !grow(connection))
        respond_refusal(connection, 503);
    else
        drop_body(connection);
}

void connection_read(struct connection *connection)
{
    size_t consumed = 0;
    unsigned status = HTTP_INCOMPLETE;
    connection->state = CONNECTION_READING;
    if (connection->length > 0)
        status = http_request_parse(connection->buffer, connection->length, &connection->request,
                                    &consumed);
    if (status == 200) {
        connection->consumed = (uint16_t)consumed;
        head_is_whole(connection);
    } else if (status != HTTP_INCOMPLETE) {
        respond_refusal(connection, status);
    } else if (!make_room(connection)) {
        respond_refusal(connection, 503);
    } else {
        bool idle = connection->length == 0;
        if (idle)
            idle_begin(connection);
        begin_read(connection, on_read,
                   idle ? ts_loop_now(&httpd.loop) + HTTPD_IDLE_S * TS_SECOND
                        : connection->deadline);
    }
}

// Ending ------------------------------------------------------------------------------------

static void on_drain(struct ts_async *async, const struct ts_event *event)
{
    struct connection *connection = TS_OBJECT_OF(async, struct connection, io);
    if (was_closing(connection))
        return;
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
    if (was_closing(connection))
        return;
    if (event->status != TS_OK) {
        connection_close(connection);
        return;
    }
    connection->state = CONNECTION_DRAINING;
    connection->length = 0;
    begin_read(connection, on_drain, connection->deadline);
}

// Closing with bytes unread would reset the connection, and the reset could overtake the answer.
static void drain(struct connection *connection)
{
    connection->state = CONNECTION_SHUTTING;
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

void connection_answered(struct connection *connection)
{
    transfer_free(connection);
    if (connection->content != NULL)
        content_put(connection->content);
    connection->content = NULL;
    if (!connection->keep_alive) {
        if (connection->ending)
            drain(connection);
        else
            connection_close(connection);
        return;
    }
    // The next request may be here already; it moves to the front, and home if it fits.
    size_t rest = connection->length - connection->consumed;
    const char *from = connection->buffer + connection->consumed;
    if (connection->buffer != connection->own && rest < CONNECTION_BUFFER) {
        memcpy(connection->own, from, rest);
        pool_give(&large, connection->buffer);
        connection->buffer = connection->own;
    } else {
        memmove(connection->buffer, from, rest);
    }
    connection->length = (uint16_t)rest;
    connection->request = (struct http_request){0};
    connection->deadline = ts_loop_now(&httpd.loop) + HTTPD_HEAD_S * TS_SECOND;
    connection_read(connection);
}
