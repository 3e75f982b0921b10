// SPDX-License-Identifier: MIT
#include "connection.h"

#include <drivers/service/pool.h>
#include <tessera/lib/op.h>
#include <tessera/lib/server.h>

#include "config_file.h"
#include "httpd.h"

static struct pool connections = {.size = POOL_SIZE(struct connection),
                                  .limit = HTTPD_PLACES,
                                  .clear = offsetof(struct connection, own)};

static void (*place_free)(void);

void connection_init(void (*when_place_is_free)(void))
{
    place_free = when_place_is_free;
}

uint32_t connection_count(void)
{
    return connections.used;
}

bool connection_room(void)
{
    return connections.used <= HTTPD_CONNECTIONS;
}

void connection_take_config(struct connection *connection)
{
    if (connection->config != NULL) {
        return; // it starved
    }
    connection->config = config_get();
    connection->host = config_host(connection->config, connection->request.authority.host);
}

void connection_give_config(struct connection *connection)
{
    if (connection->config != NULL) {
        config_put(connection->config);
    }
    connection->config = NULL;
    connection->host = NULL;
}

static void free_now(struct connection *connection)
{
    response_free(connection);
    if (connection->content != NULL) {
        content_forget(connection->content, &connection->waiter);
    }
    if (connection->original != NULL) {
        content_put(connection->original);
    }
    connection_give_config(connection);
    buffer_free(connection);
    shared_forget(&connection->holder);
    pool_give(&connections, connection);
    place_free();
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

void connection_release(struct connection *connection)
{
    if (connection->content == NULL) {
        return;
    }
    content_put(connection->content);
    connection->content = NULL;
    shared_let_go(&connection->holder, SHARED_CONTENT);
}

struct connection *connection_new(ts_handle_t handle)
{
    struct connection *connection = pool_take(&connections);
    if (connection == NULL) {
        ts_close(handle); // the job's limit
        return NULL;
    }
    httpd.statistics.connections++;
    connection->handle = handle;
    connection->buffer = connection->own;
    shared_hold(&connection->holder, SHARED_PLACE);
    ask_peer(connection);
    return connection;
}

void connection_make_room(void)
{
    if (connections.used > HTTPD_CONNECTIONS) {
        (void)give_way(SHARED_PLACE);
    }
}
