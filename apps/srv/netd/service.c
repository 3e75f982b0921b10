// SPDX-License-Identifier: MIT
// What clients ask of the stack: sessions of the root, sockets and answers of a session.
#include "service.h"

#include <string.h>

#include <lwip/stats.h>
#include <tessera/lib/port.h>

#include "account.h"
#include "datagram.h"
#include "heap.h"
#include "interface.h"
#include "resolve.h"
#include "sockets.h"
#include "stream.h"

static struct session *of(struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct session, object);
}

static void session_create(struct ts_request *request)
{
    char kind[8];
    size_t length;
    ts_status_t status = ts_request_path(request, kind, sizeof(kind), &length);
    if (status == TS_OK && strcmp(kind, TS_NET_TCP) == 0) {
        stream_create(request, of(request), ADDRESS_V4);
    } else if (status == TS_OK && strcmp(kind, TS_NET_TCP6) == 0) {
        stream_create(request, of(request), ADDRESS_DUAL);
    } else if (status == TS_OK && strcmp(kind, TS_NET_UDP) == 0) {
        datagram_create(request, of(request), ADDRESS_V4);
    } else if (status == TS_OK && strcmp(kind, TS_NET_UDP6) == 0) {
        datagram_create(request, of(request), ADDRESS_DUAL);
    } else {
        ts_request_reply(request, status == TS_OK ? TS_ERR_NOT_FOUND : status, 0);
    }
}

static void session_call(struct ts_request *request)
{
    switch (request->arg) {
    case TS_NET_RESOLVE: resolve_call(request); break;
    case TS_NET_INTERFACE: interface_call(request); break;
    case TS_NET_SOCKETS: sockets_call(request); break;
    case TS_NET_CONFIGURE:
        if (ts_request_has(request, TS_RIGHT_MANAGE)) {
            interface_configure(request);
        } else {
            ts_request_reply(request, TS_ERR_RIGHTS, 0);
        }
        break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static void session_get(struct ts_request *request)
{
    if (request->arg != TS_NET_STATISTICS) {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
        return;
    }
    struct ts_net_statistics s = netd.statistics;
    s.connections = sockets_connections();
    for (uint32_t i = 0; i < netd.link_count; i++) {
        const struct link_statistics *link = &netd.links[i]->statistics;
        s.frames_in += link->frames_in;
        s.frames_out += link->frames_out;
        s.frames_dropped += link->dropped_in + link->dropped_out;
    }
    s.packet_buffers = PACKET_BLOCK_BYTES;
    s.packet_buffers_free = netd.packets.free_bytes;
    s.segments_resent = lwip_stats.mib2.tcpretranssegs;
    s.checksum_errors = lwip_stats.ip.chkerr + lwip_stats.tcp.chkerr + lwip_stats.udp.chkerr;
    s.malformed = lwip_stats.ip.lenerr + lwip_stats.ip.proterr + lwip_stats.tcp.lenerr +
                  lwip_stats.udp.lenerr + lwip_stats.ip6.lenerr + lwip_stats.ip6.proterr;
    ts_request_reply_whole(request, &s, sizeof(s));
}

static void session_cancel(struct ts_request *request)
{
    // The only requests that a session keeps are questions.
    resolve_cancel(request);
}

static void session_closed(struct ts_object *object)
{
    struct session *session = TS_OBJECT_OF(object, struct session, object);
    netd.statistics.sessions--;
    session->closed = true;
    if (session->sockets == 0) {
        session_free(session);
    }
}

// `open` of "" anew: the same session again, with the rights that remain.
static void session_open(struct ts_request *request)
{
    if (request->length == 0) {
        (void)ts_request_reply_own(request, request->object, request->rights);
    } else {
        ts_request_reply(request, TS_ERR_NOT_FOUND, 0);
    }
}

static const struct ts_operations session_operations = {
    .open = session_open,
    .create = session_create,
    .call = session_call,
    .get = session_get,
    .cancel = session_cancel,
    .closed = session_closed,
};

#define SESSION_RIGHTS                                                                \
    (TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_OPEN | TS_RIGHT_CALL | TS_RIGHT_WAIT | \
     TS_RIGHT_SHARE | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE)

// A new session.
static void root_open(struct ts_request *request)
{
    if (request->length != 0) {
        ts_request_reply(request, TS_ERR_NOT_FOUND, 0);
        return;
    }
    struct session *session = heap_allocate_zeroed(1, sizeof(*session));
    if (session == NULL || !account_take(ACCOUNT_MEMORY, request->client, heap_size(session))) {
        heap_free(session);
        ts_request_reply(request, TS_ERR_LIMIT, 0);
        return;
    }
    session->client = request->client;
    session->object.operations = &session_operations;
    session->number = ++netd.sessions_made;
    if (ts_request_reply_mint(request, &session->object, SESSION_RIGHTS, 0) != TS_OK) {
        session_free(session);
        return;
    }
    netd.statistics.sessions++;
}

const struct ts_operations root_operations = {.open = root_open};
