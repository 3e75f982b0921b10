// SPDX-License-Identifier: MIT
// Writes what a response holds, in as many writes as the network stack takes.
#include <tessera/lib/clock.h>
#include <tessera/lib/op.h>
#include <tessera/lib/server.h>

#include "connection.h"
#include "httpd.h"

// Takes `bytes` off the segments' fronts.
static void advance(struct response *response, uint64_t bytes)
{
    for (unsigned i = 0; i < 2; i++) {
        struct ts_segment *segment = &response->segments[i];
        uint64_t part = bytes < segment->length ? bytes : segment->length;
        segment->address += part;
        segment->length -= part;
        bytes -= part;
        if (i == 1) {
            response->body_sent += part;
        }
    }
}

void transfer_log(const struct connection *connection)
{
    const struct response *response = connection->response;
    access_log(&connection->peer, connection->request.line, response->status, response->body_sent);
}

static void on_written(struct ts_async *async, const struct ts_event *event)
{
    struct connection *connection = TS_OBJECT_OF(async, struct connection, io);
    struct response *response = connection->response;
    shared_go_on(&connection->holder);
    if (connection->closing || event->status != TS_OK || event->value == 0) {
        transfer_log(connection);
        connection_close(connection);
        return;
    }
    httpd.statistics.bytes_sent += event->value;
    advance(response, event->value);
    if (response->segments[0].length + response->segments[1].length > 0) {
        transfer_start(connection);
    } else {
        connection->written(connection);
    }
}

void transfer_start(struct connection *connection)
{
    struct response *response = connection->response;
    ts_time_t deadline = ts_loop_now(&httpd.loop) + HTTPD_WRITE_S * TS_SECOND;
    uint64_t data = ts_async_data(&connection->io);
    unsigned first = response->segments[0].length > 0 ? 0 : 1;
    bool both = first == 0 && response->segments[1].length > 0;
    connection->state = CONNECTION_WRITING;
    shared_wait(&connection->holder, true);
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
