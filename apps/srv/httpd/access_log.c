// SPDX-License-Identifier: MIT
#include "access_log.h"

#include <tessera/lib/log.h>

#include "connection.h"
#include "httpd.h"

#define BUFFER 65536u
#define LINE_MAX \
    4096u // http_log_line() writes less: 512 bytes of the request, each as four at most

// Lines are added to one buffer until it is full; then the other, older one is emptied and filled.
static struct {
    char buffers[2][BUFFER];
    size_t lengths[2];
    unsigned filling;
    uint64_t end; // bytes ever written
} access;

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
    size_t *length = &access.lengths[access.filling];
    if (*length > BUFFER - LINE_MAX) {
        access.filling = !access.filling;
        length = &access.lengths[access.filling];
        *length = 0;
    }
    struct writer writer = writer_make(access.buffers[access.filling] + *length, BUFFER - *length);
    struct text peer = {connection->peer.text, connection->peer.length};
    http_log_line(&writer, peer, httpd_now(), connection->request.line, status, bytes);
    *length += writer.length;
    access.end += writer.length;
}

struct text access_log_at(uint64_t *position)
{
    unsigned newer = access.filling, older = !newer;
    uint64_t middle = access.end - access.lengths[newer], start = middle - access.lengths[older];
    if (*position < start)
        *position = start;
    if (*position > access.end)
        *position = access.end;
    unsigned buffer = *position < middle ? older : newer;
    size_t within = (size_t)(*position - (buffer == older ? start : middle));
    return (struct text){access.buffers[buffer] + within, access.lengths[buffer] - within};
}
