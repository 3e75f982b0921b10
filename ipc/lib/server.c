// SPDX-License-Identifier: MIT
// The port's back-end of struct ts_request.
//
// The kernel's request slots are few and numbered, so each has its struct ts_request here, which
// lives from the REQUEST event until the answer: keeping a request costs nothing.
//
// A plain answer is kept back (struct ts_loop_held) until the loop either waits, when answer and
// wait are one system call, or dispatches something else, when the answer joins the batch of
// submissions or, if it has bytes, goes by itself.
#include <string.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/port.h>
#include <tessera/lib/server.h>

static ts_status_t port_pull(struct ts_request *request, void *buffer, size_t length,
                             uint64_t offset, size_t *out_bytes)
{
    return ts_port_pull(request->server->port, request->id, buffer, length, offset, out_bytes);
}

static ts_status_t port_push(struct ts_request *request, const void *buffer, size_t length,
                             uint64_t offset, size_t *out_bytes)
{
    return ts_port_push(request->server->port, request->id, buffer, length, offset, out_bytes);
}

static ts_status_t port_take(struct ts_request *request, unsigned index, ts_handle_t *out_handle,
                             struct ts_object **out_object, ts_rights_t *out_rights)
{
    struct ts_taken own = {0};
    ts_handle_t handle;
    ts_status_t status = ts_port_take(request->server->port, request->id, index, &handle, &own);
    if (status != TS_OK) {
        return status;
    }
    *out_handle = handle;
    *out_object = handle ? NULL : (struct ts_object *)(uintptr_t)own.tag;
    *out_rights = own.rights;
    return TS_OK;
}

// ---- Minting

static ts_status_t oid_take(struct ts_server *server, struct ts_object *object)
{
    if (server->free_count > 0) {
        object->oid = server->free_oids[--server->free_count];
    } else if (server->oids_used < server->limits.objects) {
        object->oid = server->oids_used++;
    } else {
        return TS_ERR_LIMIT;
    }
    object->server = server;
    object->signals = 0;
    return TS_OK;
}

static void oid_give(struct ts_server *server, struct ts_object *object)
{
    server->free_oids[server->free_count++] = object->oid;
    object->server = NULL;
}

// What is staged for an object that is gone is not for the next one of its oid. (It may stay staged
// for long, when the kernel cannot take it since all records are in flight.)
static void drop_signals(struct ts_server *server, uint32_t oid)
{
    struct ts_ring_queue *ring = &server->loop->ring;
    for (uint32_t at = ring->submitted_head; at != ring->staged_tail; at++) {
        struct ts_submission *staged = &ring->submissions[at & ring->submission_mask];
        if (staged->op == TS_OP_SIGNAL && staged->handle == server->port && staged->arg == oid) {
            ts_prepare_nop(staged, 0);
            staged->flags = TS_FLAG_QUIET;
        }
    }
}

static ts_status_t reply_at_once(struct ts_server *server, const struct ts_reply *reply)
{
    // Signals that were staged before are to be seen before this answer.
    if (ts_ring_staged(&server->loop->ring) > 0) {
        ts_loop_flush(server->loop);
    }
    return ts_port_reply(server->port, reply);
}

// An answer has failed: its client gets that status, so that it has one and the slot is free. (Not
// when the client is gone, or its memory.)
static void refuse(struct ts_server *server, uint64_t request, ts_status_t status)
{
    const struct ts_reply refusal = {.id = request, .status = status};
    if (status != TS_ERR_GONE && status != TS_ERR_CLIENT_FAULT) {
        (void)ts_port_reply(server->port, &refusal);
    }
}

// Any failure that is not the client's absence leaves the request to be answered with it.
static ts_status_t reply_or_refuse(struct ts_server *server, const struct ts_reply *reply)
{
    ts_status_t status = reply_at_once(server, reply);
    if (status != TS_OK) {
        refuse(server, reply->id, status);
    }
    return status;
}

// It is minted when the answer goes out, with the signals that it has by then.
static void hold_mint(struct ts_request *request, struct ts_object *object, ts_rights_t rights)
{
    struct ts_server *server = request->server;
    struct ts_loop *loop = server->loop;
    ts_loop_send_held(loop);
    server->gives = object;
    server->gives_to = request->id;
    loop->held = (struct ts_loop_held){
        .failed = &server->minting,
        .port = server->port,
        .request = request->id,
        .mints = true,
        .object = ts_reply_object(object->oid, rights, (uint16_t)object->signals),
        .tag = (uintptr_t)object};
}

static ts_status_t reply_mint(struct ts_request *request, struct ts_reply *reply,
                              struct ts_object *object, enum ts_reply_bytes bytes)
{
    struct ts_server *server = request->server;
    ts_status_t status = oid_take(server, object);
    if (status != TS_OK) {
        struct ts_reply refusal = {.id = reply->id, .status = status};
        (void)reply_at_once(server, &refusal);
        return status;
    }
    reply->object = object->oid;
    reply->tag = (uintptr_t)object;
    object->signals = reply->signals;
    if (bytes != TS_REPLY_BYTES_NOW) {
        hold_mint(request, object, reply->rights);
        return TS_OK;
    }
    status = reply_or_refuse(server, reply);
    if (status != TS_OK) {
        oid_give(server, object);
    }
    return status;
}

// ---- Answers

// An answer that nobody waited for has failed. If it was submitted its slot may have the next
// request by now: it has been freed after TS_ERR_GONE and TS_ERR_CLIENT_FAULT, which refuse
// nothing.
static void answer_failed(struct ts_async *async, const struct ts_event *event)
{
    const struct ts_request *request = TS_OBJECT_OF(async, struct ts_request, answer);
    refuse(request->server, request->id, event->status);
}

// One that mints is never submitted.
static void minting_failed(struct ts_async *async, const struct ts_event *event)
{
    struct ts_server *server = TS_OBJECT_OF(async, struct ts_server, minting);
    struct ts_object *object = server->gives;
    refuse(server, server->gives_to, event->status);
    oid_give(server, object);
    if (object->operations->closed != NULL) {
        object->operations->closed(object);
    }
}

static void hold(struct ts_request *request, const struct ts_reply *reply,
                 enum ts_reply_bytes bytes)
{
    struct ts_loop *loop = request->server->loop;
    const void *from = (const void *)(uintptr_t)reply->address;
    ts_loop_send_held(loop);
    if (bytes == TS_REPLY_BYTES_COPY && reply->length > 0) {
        memcpy(loop->copy, from, reply->length);
        from = loop->copy;
    }
    loop->held = (struct ts_loop_held){.failed = &request->answer,
                                       .port = request->server->port,
                                       .request = reply->id,
                                       .status = reply->status,
                                       .value = reply->value,
                                       .bytes = from,
                                       .length = reply->length};
}

static ts_status_t port_reply(struct ts_request *request, struct ts_reply *reply,
                              struct ts_object *object, enum ts_reply_bytes bytes)
{
    struct ts_server *server = request->server;
    if (reply->result != TS_REPLY_NONE || bytes == TS_REPLY_BYTES_NOW) {
        if (reply->result == TS_REPLY_MINT) {
            return reply_mint(request, reply, object, bytes);
        }
        if (reply->result == TS_REPLY_OWN) {
            reply->object = object->oid;
        }
        return reply_or_refuse(server, reply);
    }
    if (bytes == TS_REPLY_BYTES_COPY && reply->length > TS_LOOP_COPY) {
        return reply_or_refuse(server, reply);
    }
    hold(request, reply, bytes);
    return TS_OK;
}

// The answer to a request that was to end since there is no slot left for others.
static ts_status_t crowded_reply(struct ts_request *request, struct ts_reply *reply,
                                 struct ts_object *object, enum ts_reply_bytes bytes)
{
    if (reply->status == TS_ERR_CANCELLED) {
        reply->status = TS_ERR_LIMIT;
    }
    return port_reply(request, reply, object, bytes);
}

static const struct ts_request_backend port_backend = {port_pull, port_push, port_take, port_reply};
static const struct ts_request_backend crowded_backend = {port_pull, port_push, port_take,
                                                          crowded_reply};

// ---- Events

// A request that would be kept in the last slot ends at once: what can be answered without waiting
// finds a slot, whichever clients have the others.
static void refuse_to_keep(struct ts_request *request)
{
    request->cancelled = true;
    request->backend = &crowded_backend;
    if (request->object->operations->cancel != NULL) {
        request->object->operations->cancel(request);
    }
}

static void keep(struct ts_server *server, struct ts_request *request)
{
    request->state = TS_REQUEST_KEPT;
    server->kept++;
    if (server->kept == server->slots && server->kept > 1) {
        refuse_to_keep(request);
    }
}

static void dispatch_request(struct ts_server *server, const struct ts_event *event,
                             struct ts_request *request)
{
    uint32_t inbox_bytes = server->limits.inbox_bytes;
    *request = (struct ts_request){
        .backend = &port_backend,
        .server = server,
        .answer = {.done = answer_failed},
        .object = (struct ts_object *)(uintptr_t)event->tag,
        .id = event->value,
        .client = event->client,
        .offset = event->offset,
        .arg = event->extra,
        .span = event->extra, // op.c sends the length of a range that is meant as arg
        .length = event->length,
        .room = event->room,
        .inbox = inbox_bytes == 0
                     ? NULL
                     : server->inbox + (size_t)ts_request_id_slot(event->value) * inbox_bytes,
        .inbox_length = event->length < inbox_bytes ? event->length : inbox_bytes,
        .rights = event->rights,
        .op = event->op,
        .flags = ts_event_op_flags(event->flags),
        .in_handles = event->in_handles,
        .out_handles = event->out_handles,
    };
    ts_request_dispatch(request);
    if (request->state != TS_REQUEST_OVER) {
        keep(server, request);
    }
}

static void dispatch_cancel(const struct ts_event *event, struct ts_request *request)
{
    if (request->state == TS_REQUEST_OVER || request->id != event->value || request->cancelled) {
        return; // answered meanwhile
    }
    request->cancelled = true;
    if (request->object->operations->cancel != NULL) {
        request->object->operations->cancel(request);
    }
}

static void dispatch_closed(struct ts_server *server, const struct ts_event *event)
{
    struct ts_object *object = (struct ts_object *)(uintptr_t)event->tag;
    drop_signals(server, object->oid);
    oid_give(server, object);
    if (object->operations->closed != NULL) {
        object->operations->closed(object);
    }
}

static void port_event(struct ts_async *async, const struct ts_event *event)
{
    struct ts_server *server = TS_OBJECT_OF(async, struct ts_server, port_events);
    if (event->kind == TS_EVENT_CLOSED) {
        dispatch_closed(server, event);
        return;
    }
    uint32_t slot = ts_request_id_slot(event->value);
    if (slot >= server->limits.requests) {
        return;
    }
    if (event->kind == TS_EVENT_REQUEST) {
        dispatch_request(server, event, &server->requests[slot]);
    } else {
        dispatch_cancel(event, &server->requests[slot]);
    }
}

// ---- Servers

static ts_status_t tables_create(struct ts_server *server)
{
    const struct ts_server_limits *limits = &server->limits;
    size_t requests = (size_t)limits->requests * sizeof(struct ts_request);
    server->tables_size = requests + (size_t)limits->objects * sizeof(uint32_t);
    ts_status_t status = ts_memory_allocate(server->tables_size, 0, NULL, &server->tables);
    if (status != TS_OK) {
        return status;
    }
    server->requests = server->tables;
    server->free_oids = (void *)((char *)server->tables + requests);
    return TS_OK;
}

static ts_status_t port_create(struct ts_server *server)
{
    const struct ts_server_limits *limits = &server->limits;
    ts_handle_t inbox = TS_HANDLE_NONE;
    server->inbox_size = (size_t)limits->requests * limits->inbox_bytes;
    ts_status_t status = TS_OK;
    if (server->inbox_size > 0) {
        status = ts_memory_allocate(server->inbox_size, 0, &inbox, (void **)&server->inbox);
    }
    if (status == TS_OK) {
        status = ts_port_create(limits->requests, limits->objects, inbox, limits->inbox_bytes,
                                &server->port);
    }
    ts_close(inbox);
    if (status != TS_OK) {
        return status;
    }
    return ts_port_bind(server->port, server->loop->ring.handle,
                        ts_async_data(&server->port_events));
}

ts_status_t ts_server_init(struct ts_server *server, struct ts_loop *loop,
                           const struct ts_server_limits *limits)
{
    if (limits->requests == 0 || limits->requests > TS_PORT_REQUESTS_MAX || limits->objects == 0 ||
        limits->objects > TS_PORT_OBJECTS_MAX || limits->inbox_bytes > TS_PORT_INBOX_MAX) {
        return TS_ERR_ARGUMENT;
    }
    void *context = server->context;
    *server = (struct ts_server){.loop = loop,
                                 .port_events = {.done = port_event},
                                 .minting = {.done = minting_failed},
                                 .limits = *limits,
                                 .slots = limits->requests,
                                 .context = context};
    ts_status_t status = tables_create(server);
    if (status == TS_OK) {
        status = port_create(server);
    }
    if (status != TS_OK) {
        ts_server_fini(server);
    }
    return status;
}

void ts_server_fini(struct ts_server *server)
{
    if (server->loop->held.port == server->port) {
        ts_loop_send_held(server->loop);
    }
    ts_close(server->port);
    if (server->inbox != NULL) {
        (void)ts_memory_unmap(server->inbox, TS_PAGE_ROUND(server->inbox_size));
    }
    if (server->tables != NULL) {
        (void)ts_memory_unmap(server->tables, TS_PAGE_ROUND(server->tables_size));
    }
    server->port = TS_HANDLE_NONE;
    server->inbox = NULL;
    server->tables = NULL;
}

typedef ts_status_t mint_t(ts_handle_t port, uint32_t oid, uint64_t tag, ts_rights_t rights,
                           ts_handle_t *out_handle);

static ts_status_t object_mint(struct ts_server *server, struct ts_object *object, mint_t *mint,
                               ts_rights_t rights, ts_handle_t *out_handle)
{
    ts_status_t status = oid_take(server, object);
    if (status != TS_OK) {
        return status;
    }
    status = mint(server->port, object->oid, (uintptr_t)object, rights, out_handle);
    if (status != TS_OK) {
        oid_give(server, object);
    }
    return status;
}

ts_status_t ts_object_mint(struct ts_server *server, struct ts_object *object, ts_rights_t rights,
                           ts_handle_t *out_handle)
{
    return object_mint(server, object, ts_port_mint, rights, out_handle);
}

ts_status_t ts_server_pulse(struct ts_server *server, ts_handle_t *out_handle)
{
    static const struct ts_operations nothing = {.open = NULL}; // ALIVE is answered before
    server->pulse.operations = &nothing;
    ts_status_t status =
        object_mint(server, &server->pulse, ts_port_mint_reserve, TS_RIGHT_TRANSFER, out_handle);
    if (status == TS_OK) {
        server->slots--;
    }
    return status;
}

// The answer that is kept back and is to mint this object, or NULL.
static struct ts_loop_held *held_mint(const struct ts_object *object)
{
    struct ts_loop_held *held = &object->server->loop->held;
    bool is_held = held->failed != NULL && held->mints && held->tag == (uintptr_t)object;
    return is_held ? held : NULL;
}

void ts_object_signal(struct ts_object *object, ts_signals_t clear, ts_signals_t set)
{
    ts_signals_t signals = (object->signals & ~clear) | set;
    if (signals == object->signals) {
        return;
    }
    ts_signals_t cleared = object->signals & ~signals, added = signals & ~object->signals;
    object->signals = signals;
    struct ts_server *server = object->server;
    if (server == NULL) {
        return;
    }
    struct ts_loop_held *held = held_mint(object);
    if (held != NULL) {
        held->object = ts_reply_object(object->oid, ts_reply_object_rights(held->object),
                                       (uint16_t)signals); // it will have them from its start
        return;
    }
    struct ts_submission *submission = ts_loop_begin(server->loop, NULL);
    if (submission != NULL) {
        ts_prepare_signal_object(submission, server->port, object->oid, cleared, added, 0);
    } else {
        (void)ts_port_signal(server->port, object->oid, cleared, added);
    }
}

void ts_object_revoke(struct ts_object *object)
{
    struct ts_server *server = object->server;
    uint32_t oid = object->oid;
    if (server == NULL) {
        return;
    }
    if (held_mint(object) != NULL) {
        // There is nothing to revoke before it is minted. (If that fails `closed` ends it here.)
        ts_loop_send(server->loop);
    }
    (void)ts_port_revoke(server->port, oid);
}
