// SPDX-License-Identifier: MIT
// What clients ask of a stream.
#include "stream.h"

#include <lwip/priv/tcp_priv.h>
#include <tessera/proto/file.h>

#include "remains.h"

static const struct ts_operations stream_operations;

static err_t on_connected(void *argument, struct tcp_pcb *pcb, err_t error)
{
    struct stream *stream = argument;
    (void)pcb;
    (void)error; // always ERR_OK in this version
    stream->state = STREAM_CONNECTED;
    stream_keep_addresses(stream);
    remains_add(stream);
    netd.statistics.connected++;
    stream_answer_connect(stream, TS_OK);
    stream_mark(stream);
    return ERR_OK;
}

void stream_update_signals(struct stream *stream)
{
    ts_signals_t set = 0;
    bool over = stream->state == STREAM_OVER;
    if (stream->received_bytes > 0 || stream->peer_end || over || stream->backlog != NULL) {
        set |= TS_SIGNAL_READABLE;
    }
    if (over || (stream->state == STREAM_CONNECTED &&
                 (stream->write_shut || stream_writable(stream) >= STREAM_SEND_LOW))) {
        set |= TS_SIGNAL_WRITABLE;
    }
    if (stream->error != TS_OK) {
        set |= TS_SIGNAL_ERROR;
    }
    if (over) {
        set |= TS_SIGNAL_CLOSED;
    }
    if (stream->peer_end) {
        set |= TS_NET_SIGNAL_PEER_END;
    }
    if (stream->object.server != NULL && set != stream->object.signals) {
        ts_object_signal(&stream->object, stream->object.signals & ~set, set);
    }
}

// The last handle is gone.
static void stream_closed(struct ts_object *object)
{
    struct stream *stream = TS_OBJECT_OF(object, struct stream, object);
    if (stream->state == STREAM_LISTENING) {
        stream_stop_listening(stream);
    }
    request_fail_all(&stream->reads, TS_ERR_CANCELLED);
    request_fail_all(&stream->writes, TS_ERR_CANCELLED);
    stream_answer_connect(stream, TS_ERR_CANCELLED);
    session_drop(stream->session, stream->client);
    stream->session = NULL;
    // Bytes that arrived and were not read are lost, and the peer is told so by a reset (RFC 1122
    // 4.2.2.13). Else what was written is still sent, then the end.
    bool graceful = stream->state == STREAM_CONNECTED && stream->received_bytes == 0 &&
                    stream->pcb->refused_data == NULL && !stream->linger_reset;
    if (!graceful) {
        stream_abort(stream);
        stream_release(stream);
        return;
    }
    stream->write_shut = true;
    stream->end_sent = false; // a half-closed one is now closed wholly
    stream_push_out(stream);
    stream_check_end(stream);
}

// ---- Requests

static void stream_cancel(struct ts_request *request)
{
    struct stream *stream = TS_OBJECT_OF(request->object, struct stream, object);
    uint32_t written = (uint32_t)(uintptr_t)request->context;
    if (request_remove(&stream->writes, request) && written > 0) {
        ts_request_reply(request, TS_OK, written);
        return;
    }
    if (stream->connecting == request) {
        stream_answer_connect(stream, TS_ERR_CANCELLED);
        return;
    }
    (void)request_remove(&stream->reads, request);
    (void)request_remove(&stream->accepts, request);
    ts_request_reply(request, TS_ERR_CANCELLED, 0);
}

// Bind, connect and listen need a pcb that does nothing yet.
static ts_status_t want_new(struct stream *stream)
{
    if (stream->state == STREAM_CONNECTED) {
        return TS_ERR_CONNECTED;
    }
    if (stream->state == STREAM_CONNECTING) {
        return TS_ERR_IN_PROGRESS;
    }
    if (stream->state != STREAM_NEW) {
        return TS_ERR_ARGUMENT;
    }
    return stream_has_pcb(stream) ? TS_OK : TS_ERR_LIMIT;
}

static ts_status_t take_address(struct ts_request *request, struct stream *stream, ip_addr_t *ip,
                                u16_t *port)
{
    struct ts_net_address address;
    ts_status_t status = ts_request_pull_exact(request, &address, sizeof(address));
    if (status == TS_OK) {
        status = want_new(stream);
    }
    return status == TS_OK ? address_take(&address, stream->kind, ip, port) : status;
}

// Whether one of another session is bound to the port or listens there, at whatever address.
static bool port_is_anothers(const struct stream *stream, u16_t port)
{
    const struct tcp_pcb *const lists[] = {tcp_bound_pcbs, tcp_listen_pcbs.pcbs};
    for (unsigned i = 0; i < 2; i++) {
        for (const struct tcp_pcb *pcb = lists[i]; pcb != NULL; pcb = pcb->next) {
            const struct stream *other = pcb->callback_arg;
            if (pcb->local_port == port && other != NULL && other->session != stream->session) {
                return true;
            }
        }
    }
    return false;
}

static void stream_bind(struct ts_request *request, struct stream *stream)
{
    ip_addr_t ip;
    u16_t port;
    ts_status_t status = take_address(request, stream, &ip, &port);
    if (status == TS_OK && stream->pcb->local_port != 0) {
        status = TS_ERR_ARGUMENT;
    }
    if (status == TS_OK) {
        status = session_may_bind(request, port);
    }
    if (status == TS_OK && port != 0 && port_is_anothers(stream, port)) {
        status = TS_ERR_ADDRESS_IN_USE;
    }
    if (status == TS_OK) {
        status = address_error(tcp_bind(stream->pcb, &ip, port));
    }
    if (status == TS_OK) {
        stream_keep_addresses(stream);
    }
    ts_request_reply(request, status, 0);
}

static void stream_connect(struct ts_request *request, struct stream *stream)
{
    ip_addr_t ip;
    u16_t port;
    ts_status_t status = take_address(request, stream, &ip, &port);
    if (status == TS_OK && (ip_addr_isany(&ip) || port == 0)) {
        status = TS_ERR_ADDRESS;
    }
    bool waits = status == TS_OK && (request->flags & TS_FLAG_NOWAIT) == 0 && !stream->nowait;
    if (waits && !request_hold(request)) {
        return;
    }
    stream->connecting = waits ? request : NULL;
    if (status == TS_OK) {
        stream->state = STREAM_CONNECTING;
        status = address_error(tcp_connect(stream->pcb, &ip, port, on_connected));
        if (status != TS_OK) {
            stream->state = STREAM_NEW;
        }
    }
    if (status == TS_OK) {
        stream_keep_addresses(stream);
    }
    if (status != TS_OK && waits) {
        stream_answer_connect(stream, status);
    } else if (!waits) {
        ts_request_reply(request, status != TS_OK ? status : TS_ERR_IN_PROGRESS, 0);
    }
    stream_mark(stream);
}

static void stream_shutdown(struct ts_request *request, struct stream *stream)
{
    uint32_t sides;
    ts_status_t status = request_word(request, &sides);
    if (status == TS_OK && (sides == 0 || (sides & ~(TS_NET_SHUT_READ | TS_NET_SHUT_WRITE)) != 0)) {
        status = TS_ERR_ARGUMENT;
    }
    if (status == TS_OK && stream->state != STREAM_CONNECTED && stream->state != STREAM_OVER) {
        status = TS_ERR_NOT_CONNECTED;
    }
    if (status == TS_OK && (sides & TS_NET_SHUT_READ) != 0) {
        stream->read_shut = true;
        stream_drop_received(stream);
        stream_serve_reads(stream);
    }
    if (status == TS_OK && (sides & TS_NET_SHUT_WRITE) != 0 && !stream->write_shut) {
        stream->write_shut = true;
        request_fail_all(&stream->writes, TS_ERR_PEER_CLOSED);
        stream_mark(stream);
    }
    ts_request_reply(request, status, 0);
}

static void reply_address(struct ts_request *request, struct stream *stream, bool peer)
{
    bool known = stream->state == STREAM_CONNECTED ||
                 (stream->state == STREAM_OVER && stream->peer.port != 0);
    if (peer && !known) {
        ts_request_reply(request, TS_ERR_NOT_CONNECTED, 0);
        return;
    }
    const struct ip_addr_and_port *which = peer ? &stream->peer : &stream->local;
    struct ts_net_address address = address_make(&which->ip, which->port, stream->kind);
    ts_request_reply_whole(request, &address, sizeof(address));
}

static void stream_call(struct ts_request *request)
{
    struct stream *stream = TS_OBJECT_OF(request->object, struct stream, object);
    switch (request->arg) {
    case TS_NET_BIND: stream_bind(request, stream); break;
    case TS_NET_CONNECT: stream_connect(request, stream); break;
    case TS_NET_LISTEN: stream_listen(request, stream); break;
    case TS_NET_SHUTDOWN: stream_shutdown(request, stream); break;
    case TS_NET_GET_NAME: reply_address(request, stream, false); break;
    case TS_NET_GET_PEER: reply_address(request, stream, true); break;
    case TS_NET_SET_OPTION: stream_set_option(request, stream); break;
    case TS_NET_GET_OPTION: stream_get_option(request, stream); break;
    case TS_NET_RECEIVE: stream_receive_call(request, stream); break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static void stream_get(struct ts_request *request)
{
    struct stream *stream = TS_OBJECT_OF(request->object, struct stream, object);
    struct ts_attributes attributes = {.type = TS_FILE_STREAM, .mode = 0600, .links = 1};
    if (request->arg == TS_PROPERTY_STATUS_FLAGS) {
        ts_request_reply_u64(request, stream->nowait ? TS_OPEN_NOWAIT : 0);
    } else if (request->arg == TS_PROPERTY_ATTRIBUTES) {
        ts_request_reply_whole(request, &attributes, sizeof(attributes));
    } else {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
    }
}

static void stream_set(struct ts_request *request)
{
    request_set_nowait(request, &TS_OBJECT_OF(request->object, struct stream, object)->nowait);
}

void stream_create(struct ts_request *request, struct session *session, enum address_kind kind)
{
    struct stream *stream = stream_new(session, request->client, kind, &stream_operations);
    if (stream == NULL) {
        ts_request_reply(request, TS_ERR_LIMIT, 0);
        return;
    }
    if (ts_request_reply_mint(request, &stream->object, SOCKET_RIGHTS, 0) != TS_OK) {
        session_drop(session, stream->client);
        stream->session = NULL;
        stream_release(stream);
    }
}

static const struct ts_operations stream_operations = {
    .read = stream_read,
    .write = stream_write,
    .accept = stream_accept,
    .call = stream_call,
    .get = stream_get,
    .set = stream_set,
    .cancel = stream_cancel,
    .closed = stream_closed,
};
