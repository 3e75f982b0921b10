// SPDX-License-Identifier: MIT
#include "access_log.h"

#include <string.h>

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/server.h>

#include "connection.h"
#include "httpd.h"

#define BUFFER 16384u

static struct {
    ts_handle_t handle;
    struct ts_async io;
    char buffers[2][BUFFER];
    unsigned filling; // the other one is being written
    size_t length, written, writing;
    uint64_t lost;
} access;

static void on_written(struct ts_async *async, const struct ts_event *event);

static void write_rest(void)
{
    struct ts_submission *slot = ts_loop_begin(&httpd.loop, &access.io);
    if (slot == NULL) {
        access.writing = 0;
        return;
    }
    ts_prepare_write_current(slot, access.handle, access.buffers[!access.filling] + access.written,
                             (uint32_t)(access.writing - access.written), TS_DEADLINE_NONE,
                             ts_async_data(&access.io));
}

static void on_written(struct ts_async *async, const struct ts_event *event)
{
    (void)async;
    if (event->status != TS_OK || event->value == 0) {
        access.writing = 0; // nobody reads it: these lines are lost, the next are tried
        return;
    }
    access.written += event->value;
    if (access.written < access.writing)
        write_rest();
    else
        access.writing = 0;
}

void access_log_flush(void)
{
    if (access.length == 0 || access.writing != 0 || access.io.busy)
        return;
    access.filling = !access.filling;
    access.writing = access.length;
    access.written = 0;
    access.length = 0;
    write_rest();
}

void access_log_start(void)
{
    access.io.done = on_written;
    access.handle = ts_named_handle(TS_NAME_ERR);
    if (access.handle == TS_HANDLE_NONE)
        access.handle = ts_named_handle(TS_NAME_LOG);
}

void access_log_peer(struct peer_name *out_name, const struct ts_net_address *peer)
{
    const uint8_t *a = peer->address;
    size_t length = 0, size = sizeof(out_name->text);
    if (peer->family == TS_NET_FAMILY_V6 && (a[10] != 0xff || a[11] != 0xff || a[0] != 0)) {
        for (unsigned i = 0; i < 16; i += 2)
            length += ts_format(out_name->text + length, size - length, i == 0 ? "%x" : ":%x",
                                (unsigned)a[i] << 8 | a[i + 1]);
    } else if (peer->family != TS_NET_FAMILY_NONE) {
        a += peer->family == TS_NET_FAMILY_V6 ? 12 : 0;
        length = ts_format(out_name->text, size, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
    }
    out_name->length = (uint8_t)length;
}

void access_log(const struct connection *connection, unsigned status, uint64_t bytes)
{
    if (access.handle == TS_HANDLE_NONE)
        return;
    struct writer writer =
        writer_make(access.buffers[access.filling] + access.length, BUFFER - access.length);
    struct text peer = {connection->peer.text, connection->peer.length};
    http_log_line(&writer, peer, httpd_now(), connection->request.line, status, bytes);
    if (writer.overflow)
        access.lost++;
    else
        access.length += writer.length;
}

uint64_t access_log_lost(void)
{
    return access.lost;
}
