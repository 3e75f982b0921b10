// SPDX-License-Identifier: MIT
#include "datagram.h"

#include <string.h>

#include <tessera/proto/file.h>

#include "account.h"
#include "heap.h"

static const struct ts_operations datagram_operations;

static struct datagram *of(struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct datagram, object);
}

static void update_signals(struct datagram *socket)
{
    ts_signals_t set = TS_SIGNAL_WRITABLE | (socket->received != NULL ? TS_SIGNAL_READABLE : 0);
    if (socket->object.server != NULL && set != socket->object.signals) {
        ts_object_signal(&socket->object, socket->object.signals & ~set, set);
    }
}

// ---- Receiving

static void drop_first(struct datagram *socket)
{
    struct datagram_piece *piece = socket->received;
    socket->received = piece->next;
    if (socket->received == NULL) {
        socket->last_received = NULL;
    }
    socket->received_bytes -= piece->pbuf->tot_len;
    socket->received_count--;
    account_give(ACCOUNT_MEMORY, socket->client, piece->cost);
    pbuf_free(piece->pbuf);
    heap_free(piece);
}

// Answers with the first datagram, which is there. One that is longer than the room is cut.
static void give_first(struct datagram *socket, struct ts_request *request)
{
    struct datagram_piece *piece = socket->received;
    bool call = request->op == TS_OP_CALL;
    bool peek = call && ((uintptr_t)request->context & TS_NET_RECEIVE_PEEK) != 0;
    struct ts_net_received header = {
        .from = address_make(&piece->from, piece->port, socket->kind),
        .length = piece->pbuf->tot_len,
    };
    uint32_t before = call ? (uint32_t)sizeof(header) : 0;
    uint32_t room = request->room - before, length = piece->pbuf->tot_len;
    uint32_t given = length < room ? length : room;
    uint8_t *copy = heap_allocate(before + given + 1);
    if (copy == NULL) {
        ts_request_reply(request, TS_ERR_LIMIT, 0);
        return;
    }
    memcpy(copy, &header, before);
    pbuf_copy_partial(piece->pbuf, copy + before, (u16_t)given, 0);
    ts_status_t status = ts_request_reply_now(request, TS_OK, before + given, copy, before + given);
    heap_free(copy);
    if (status == TS_OK) {
        netd.statistics.bytes_pushed += given;
    }
    if (status == TS_OK && !peek) {
        drop_first(socket);
    }
}

static void serve_reads(struct datagram *socket)
{
    while (socket->received != NULL && socket->reads.first != NULL) {
        give_first(socket, request_take(&socket->reads));
    }
}

// A piece for it that the client pays for; NULL: it is lost.
static struct datagram_piece *make_piece(const struct datagram *socket, const struct pbuf *data)
{
    if (socket->received_count >= DATAGRAM_QUEUE_COUNT ||
        socket->received_bytes + data->tot_len > DATAGRAM_QUEUE_BYTES) {
        return NULL;
    }
    struct datagram_piece *piece = heap_allocate_zeroed(1, sizeof(*piece));
    if (piece == NULL) {
        return NULL;
    }
    piece->cost = account_cost(data) + (uint32_t)heap_size(piece);
    if (account_take(ACCOUNT_MEMORY, socket->client, piece->cost)) {
        return piece;
    }
    heap_free(piece);
    return NULL;
}

static void on_received(void *argument, struct udp_pcb *pcb, struct pbuf *data,
                        const ip_addr_t *from, u16_t port)
{
    struct datagram *socket = argument;
    (void)pcb;
    struct datagram_piece *piece = make_piece(socket, data);
    if (piece == NULL) {
        pbuf_free(data);
        return;
    }
    piece->pbuf = data;
    piece->port = port;
    ip_addr_copy(piece->from, *from);
    if (socket->last_received != NULL) {
        socket->last_received->next = piece;
    } else {
        socket->received = piece;
    }
    socket->last_received = piece;
    socket->received_bytes += data->tot_len;
    socket->received_count++;
    serve_reads(socket);
    update_signals(socket);
}

static void receive(struct ts_request *request)
{
    struct datagram *socket = of(request);
    bool nowait = (request->flags & TS_FLAG_NOWAIT) != 0 || socket->nowait;
    if (socket->received != NULL && socket->reads.first == NULL) {
        give_first(socket, request);
        update_signals(socket);
    } else if (nowait) {
        ts_request_reply(request, TS_ERR_AGAIN, 0);
    } else {
        (void)request_keep(&socket->reads, request);
    }
}

static void receive_call(struct ts_request *request)
{
    uint32_t flags;
    ts_status_t status = request_receive_flags(request, &flags);
    request->context = (void *)(uintptr_t)(status == TS_OK ? flags : 0);
    if (status == TS_OK) {
        receive(request);
    } else {
        ts_request_reply(request, status, 0);
    }
}

// ---- Sending

// Bytes from `offset` of the request on, as a datagram to ip and port, or to the peer.
static void send_bytes(struct ts_request *request, uint32_t offset, const ip_addr_t *ip, u16_t port)
{
    struct datagram *socket = of(request);
    uint32_t length = request->length - offset;
    if (length > DATAGRAM_MAX) {
        ts_request_reply(request, TS_ERR_TOO_LARGE, 0);
        return;
    }
    struct pbuf *data = pbuf_alloc(PBUF_TRANSPORT, (u16_t)length, PBUF_RAM);
    ts_status_t status = data == NULL ? TS_ERR_LIMIT : TS_OK;
    if (status == TS_OK && length > 0) {
        status = ts_request_pull(request, data->payload, length, offset);
    }
    if (status == TS_OK) {
        err_t error =
            ip != NULL ? udp_sendto(socket->pcb, data, ip, port) : udp_send(socket->pcb, data);
        // lwIP says ERR_VAL for a destination it has no source address for.
        status = error == ERR_VAL ? TS_ERR_UNREACHABLE : address_error(error);
        netd.statistics.bytes_pulled += length;
    }
    if (data != NULL) {
        pbuf_free(data);
    }
    ts_request_reply(request, status, status == TS_OK ? length : 0);
}

static void datagram_write(struct ts_request *request)
{
    if (of(request)->connected) {
        send_bytes(request, 0, NULL, 0);
    } else {
        ts_request_reply(request, TS_ERR_NOT_CONNECTED, 0);
    }
}

static void send_call(struct ts_request *request)
{
    struct datagram *socket = of(request);
    struct ts_net_address to;
    ip_addr_t ip;
    u16_t port;
    ts_status_t status = TS_ERR_ARGUMENT;
    if (request->length >= sizeof(to)) {
        status = ts_request_pull(request, &to, sizeof(to), 0);
    }
    if (status == TS_OK && !ts_request_has(request, TS_RIGHT_WRITE)) {
        status = TS_ERR_RIGHTS;
    }
    if (status == TS_OK) {
        status = address_take(&to, socket->kind, &ip, &port);
    }
    bool to_peer = status == TS_OK && to.family == TS_NET_FAMILY_NONE;
    if (to_peer && !socket->connected) {
        status = TS_ERR_NOT_CONNECTED;
    }
    if (status == TS_OK && !to_peer && (port == 0 || ip_addr_isany(&ip))) {
        status = TS_ERR_ADDRESS;
    }
    if (status == TS_OK) {
        send_bytes(request, sizeof(to), to_peer ? NULL : &ip, port);
    } else {
        ts_request_reply(request, status, 0);
    }
}

// ---- Methods

// Whether one of another session is bound to the port, at whatever address.
static bool port_is_anothers(const struct datagram *socket, u16_t port)
{
    for (const struct udp_pcb *pcb = udp_pcbs; pcb != NULL; pcb = pcb->next) {
        const struct datagram *other = pcb->recv == on_received ? pcb->recv_arg : NULL;
        if (pcb->local_port == port && other != NULL && other->session != socket->session) {
            return true;
        }
    }
    return false;
}

static void bind_or_connect(struct ts_request *request, bool bind)
{
    struct datagram *socket = of(request);
    struct ts_net_address address;
    ip_addr_t ip;
    u16_t port;
    ts_status_t status = ts_request_pull_exact(request, &address, sizeof(address));
    if (status == TS_OK) {
        status = address_take(&address, socket->kind, &ip, &port);
    }
    if (status == TS_OK && bind) {
        status = session_may_bind(request, port);
    }
    if (status == TS_OK && bind && port != 0 && port_is_anothers(socket, port)) {
        status = TS_ERR_ADDRESS_IN_USE;
    } else if (status == TS_OK && bind) {
        status = address_error(udp_bind(socket->pcb, &ip, port));
    } else if (status == TS_OK && address.family == TS_NET_FAMILY_NONE) {
        udp_disconnect(socket->pcb);
        socket->connected = false;
    } else if (status == TS_OK) {
        status = address_error(udp_connect(socket->pcb, &ip, port));
        socket->connected = status == TS_OK;
    }
    ts_request_reply(request, status, 0);
}

static void reply_address(struct ts_request *request, bool peer)
{
    struct datagram *socket = of(request);
    if (peer && !socket->connected) {
        ts_request_reply(request, TS_ERR_NOT_CONNECTED, 0);
        return;
    }
    const struct udp_pcb *pcb = socket->pcb;
    struct ts_net_address address =
        peer ? address_make(&pcb->remote_ip, pcb->remote_port, socket->kind)
             : address_make(&pcb->local_ip, pcb->local_port, socket->kind);
    ts_request_reply_whole(request, &address, sizeof(address));
}

static ts_status_t apply_option(struct datagram *socket, const struct ts_net_option *option)
{
    u8_t flag = option->name == TS_NET_OPTION_REUSE_ADDRESS ? SOF_REUSEADDR : SOF_BROADCAST;
    if (option->reserved != 0) {
        return TS_ERR_ARGUMENT;
    }
    switch (option->name) {
    case TS_NET_OPTION_REUSE_ADDRESS:
    case TS_NET_OPTION_BROADCAST:
        if (option->value != 0 && option->value != 1) {
            return TS_ERR_ARGUMENT;
        }
        if (option->value != 0) {
            ip_set_option(socket->pcb, flag);
        } else {
            ip_reset_option(socket->pcb, flag);
        }
        return TS_OK;
    case TS_NET_OPTION_HOP_LIMIT:
        if (option->value < 1 || option->value > 255) {
            return TS_ERR_ARGUMENT;
        }
        socket->pcb->ttl = (u8_t)option->value;
        return TS_OK;
    case TS_NET_OPTION_TRAFFIC_CLASS:
        if (option->value < 0 || option->value > 255) {
            return TS_ERR_ARGUMENT;
        }
        socket->pcb->tos = (u8_t)option->value;
        return TS_OK;
    case TS_NET_OPTION_V6_ONLY:
        if (socket->kind == ADDRESS_V4 || socket->pcb->local_port != 0 ||
            (option->value != 0 && option->value != 1)) {
            return TS_ERR_ARGUMENT;
        }
        socket->kind = option->value != 0 ? ADDRESS_V6_ONLY : ADDRESS_DUAL;
        IP_SET_TYPE_VAL(socket->pcb->local_ip, address_type(socket->kind));
        IP_SET_TYPE_VAL(socket->pcb->remote_ip, address_type(socket->kind));
        return TS_OK;
    default: return TS_ERR_UNSUPPORTED;
    }
}

static void set_option(struct ts_request *request)
{
    struct ts_net_option option;
    ts_status_t status = ts_request_pull_exact(request, &option, sizeof(option));
    if (status == TS_OK) {
        status = apply_option(of(request), &option);
    }
    ts_request_reply(request, status, 0);
}

static ts_status_t read_option(const struct datagram *socket, struct ts_net_option *option)
{
    const struct udp_pcb *pcb = socket->pcb;
    switch (option->name) {
    case TS_NET_OPTION_ERROR: option->value = TS_OK; break;
    case TS_NET_OPTION_TYPE: option->value = 2; break;
    case TS_NET_OPTION_LISTENING: option->value = 0; break;
    case TS_NET_OPTION_REUSE_ADDRESS: option->value = ip_get_option(pcb, SOF_REUSEADDR) != 0; break;
    case TS_NET_OPTION_BROADCAST: option->value = ip_get_option(pcb, SOF_BROADCAST) != 0; break;
    case TS_NET_OPTION_HOP_LIMIT: option->value = pcb->ttl; break;
    case TS_NET_OPTION_TRAFFIC_CLASS: option->value = pcb->tos; break;
    case TS_NET_OPTION_SEND_BUFFER: option->value = DATAGRAM_MAX; break;
    case TS_NET_OPTION_RECEIVE_BUFFER: option->value = DATAGRAM_QUEUE_BYTES; break;
    case TS_NET_OPTION_READABLE_BYTES:
        option->value = socket->received != NULL ? socket->received->pbuf->tot_len : 0;
        break;
    case TS_NET_OPTION_WRITABLE_BYTES: option->value = DATAGRAM_MAX; break;
    case TS_NET_OPTION_V6_ONLY: option->value = socket->kind == ADDRESS_V6_ONLY; break;
    default: return TS_ERR_UNSUPPORTED;
    }
    return TS_OK;
}

static void get_option(struct ts_request *request)
{
    struct ts_net_option option;
    ts_status_t status = ts_request_pull_exact(request, &option, sizeof(option));
    if (status == TS_OK) {
        status = read_option(of(request), &option);
    }
    if (status == TS_OK) {
        ts_request_reply_whole(request, &option, sizeof(option));
    } else {
        ts_request_reply(request, status, 0);
    }
}

static void datagram_call(struct ts_request *request)
{
    switch (request->arg) {
    case TS_NET_BIND: bind_or_connect(request, true); break;
    case TS_NET_CONNECT: bind_or_connect(request, false); break;
    case TS_NET_GET_NAME: reply_address(request, false); break;
    case TS_NET_GET_PEER: reply_address(request, true); break;
    case TS_NET_SET_OPTION: set_option(request); break;
    case TS_NET_GET_OPTION: get_option(request); break;
    case TS_NET_SEND: send_call(request); break;
    case TS_NET_RECEIVE: receive_call(request); break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static void datagram_get(struct ts_request *request)
{
    struct ts_attributes attributes = {.type = TS_FILE_STREAM, .mode = 0600, .links = 1};
    if (request->arg == TS_PROPERTY_STATUS_FLAGS) {
        ts_request_reply_u64(request, of(request)->nowait ? TS_OPEN_NOWAIT : 0);
    } else if (request->arg == TS_PROPERTY_ATTRIBUTES) {
        ts_request_reply_whole(request, &attributes, sizeof(attributes));
    } else {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
    }
}

static void datagram_set(struct ts_request *request)
{
    request_set_nowait(request, &of(request)->nowait);
}

static void datagram_cancel(struct ts_request *request)
{
    (void)request_remove(&of(request)->reads, request);
    ts_request_reply(request, TS_ERR_CANCELLED, 0);
}

static void destroy(struct datagram *socket)
{
    while (socket->received != NULL) {
        drop_first(socket);
    }
    udp_remove(socket->pcb);
    session_drop(socket->session, socket->client);
    account_give(ACCOUNT_MEMORY, socket->client, socket->memory);
    heap_free(socket);
}

static void datagram_closed(struct ts_object *object)
{
    struct datagram *socket = TS_OBJECT_OF(object, struct datagram, object);
    request_fail_all(&socket->reads, TS_ERR_CANCELLED);
    destroy(socket);
}

static struct datagram *datagram_new(struct session *session, uint32_t client,
                                     enum address_kind kind)
{
    struct datagram *socket = heap_allocate_zeroed(1, sizeof(*socket));
    struct udp_pcb *pcb = udp_new_ip_type(address_type(kind));
    if (socket == NULL || pcb == NULL) {
        goto no_memory;
    }
    uint32_t memory = (uint32_t)(heap_size(socket) + heap_size(pcb));
    if (!account_take(ACCOUNT_MEMORY, client, memory)) {
        goto no_memory;
    }
    if (!session_add(session, client)) {
        account_give(ACCOUNT_MEMORY, client, memory);
        goto no_memory;
    }
    socket->object.operations = &datagram_operations;
    socket->session = session;
    socket->client = client;
    socket->memory = memory;
    socket->kind = kind;
    socket->pcb = pcb;
    return socket;
no_memory:
    if (pcb != NULL) {
        udp_remove(pcb);
    }
    heap_free(socket);
    return NULL;
}

void datagram_create(struct ts_request *request, struct session *session, enum address_kind kind)
{
    struct datagram *socket = datagram_new(session, request->client, kind);
    if (socket == NULL) {
        ts_request_reply(request, TS_ERR_LIMIT, 0);
        return;
    }
    udp_recv(socket->pcb, on_received, socket);
    if (ts_request_reply_mint(request, &socket->object, SOCKET_RIGHTS, 0) != TS_OK) {
        destroy(socket);
    } else {
        update_signals(socket);
    }
}

static const struct ts_operations datagram_operations = {
    .read = receive,
    .write = datagram_write,
    .call = datagram_call,
    .get = datagram_get,
    .set = datagram_set,
    .cancel = datagram_cancel,
    .closed = datagram_closed,
};
