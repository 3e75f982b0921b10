// SPDX-License-Identifier: MIT
#include "connection.h"

#include <string.h>

#include <drivers/service/pool.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/op.h>
#include <tessera/lib/server.h>

#include "access_log.h"
#include "httpd.h"
#include "listener.h"

static struct pool connections = {.size = POOL_SIZE(struct connection),
                                  .limit = HTTPD_PLACES,
                                  .clear = offsetof(struct connection, own)};

uint32_t connection_count(void)
{
    return connections.used;
}

bool connection_room(void)
{
    return connections.used <= HTTPD_CONNECTIONS;
}

static void free_now(struct connection *connection)
{
    transfer_free(connection);
    if (connection->content != NULL) {
        content_forget(connection->content, &connection->waiter);
    }
    if (connection->original != NULL) {
        content_put(connection->original);
    }
    respond_without_config(connection);
    reading_free(connection);
    shared_forget(&connection->holder);
    pool_give(&connections, connection);
    listener_place_free();
}

// The handle goes at once, the storage when nothing in flight points to it any more.
void connection_close(struct connection *connection)
{
    connection->closing = true;
    shared_go_on(&connection->holder);
    ts_close(connection->handle);
    connection->handle = TS_HANDLE_NONE;
    if (connection->io.busy) {
        ts_loop_cancel(&httpd.loop, &connection->io);
    }
    if (connection->asking_peer.busy) {
        ts_loop_cancel(&httpd.loop, &connection->asking_peer);
    }
    if (!connection->io.busy && !connection->asking_peer.busy) {
        free_now(connection);
    }
}

bool connection_was_closing(struct connection *connection)
{
    if (!connection->closing) {
        return false;
    }
    if (!connection->io.busy && !connection->asking_peer.busy) {
        free_now(connection);
    }
    return true;
}

static bool give_way(enum shared pool)
{
    struct holder *holder = shared_yielding(pool);
    if (holder == NULL) {
        return false;
    }
    httpd.statistics.gave_way++;
    connection_close(TS_OBJECT_OF(holder, struct connection, holder));
    return true;
}

void connection_starve(struct connection *connection, enum shared pool,
                       void (*retry)(struct holder *))
{
    shared_go_on(&connection->holder);
    if (!give_way(pool) && !shared_held(pool)) {
        connection_close(connection); // it is not the pool that is used up, but the job's memory
        return;
    }
    connection->state = CONNECTION_STARVING;
    shared_starve(&connection->holder, pool, retry);
}

static void on_peer(struct ts_async *async, const struct ts_event *event)
{
    struct connection *connection = TS_OBJECT_OF(async, struct connection, asking_peer);
    if (connection_was_closing(connection) || event->status != TS_OK) {
        return;
    }
    access_log_peer(&connection->peer, &connection->address);
    shared_set_peer(&connection->holder, connection->address.address);
}

static void ask_peer(struct connection *connection)
{
    connection->asking_peer.done = on_peer;
    struct ts_submission *slot = ts_loop_begin(&httpd.loop, &connection->asking_peer);
    if (slot == NULL) {
        return;
    }
    connection->call = (struct ts_call){.out_address = (uintptr_t)&connection->address,
                                        .out_length = sizeof(connection->address)};
    ts_prepare_call(slot, connection->handle, TS_NET_GET_PEER, &connection->call, TS_DEADLINE_NONE,
                    ts_async_data(&connection->asking_peer));
}

void connection_start(ts_handle_t handle)
{
    struct connection *connection = pool_take(&connections);
    if (connection == NULL) {
        ts_close(handle); // the job's limit
        return;
    }
    httpd.statistics.connections++;
    connection->handle = handle;
    connection->buffer = connection->own;
    shared_hold(&connection->holder, SHARED_PLACE);
    ask_peer(connection);
    connection_read(connection);
    if (connections.used > HTTPD_CONNECTIONS) {
        (void)give_way(SHARED_PLACE);
    }
}

void connection_release(struct connection *connection)
{
    if (connection->content == NULL) {
        return;
    }
    content_put(connection->content);
    connection->content = NULL;
    shared_let_go(&connection->holder, SHARED_CONTENT);
}

void connection_answered(struct connection *connection)
{
    transfer_free(connection);
    connection_release(connection);
    if (!connection->keep_alive) {
        if (connection->ending) {
            connection_drain(connection);
        } else {
            connection_close(connection);
        }
        return;
    }
    // The next request may be here already; it moves to the front, and home if it fits.
    size_t rest = connection->length - connection->consumed;
    const char *from = connection->buffer + connection->consumed;
    if (connection->buffer != connection->own && rest < CONNECTION_BUFFER) {
        memcpy(connection->own, from, rest);
        reading_free(connection);
    } else {
        memmove(connection->buffer, from, rest);
    }
    connection->length = (uint16_t)rest;
    connection->request = (struct http_request){0};
    connection->deadline = ts_loop_now(&httpd.loop) + HTTPD_HEAD_S * TS_SECOND;
    connection_read(connection);
}
