// SPDX-License-Identifier: MIT
// What handlers call: the same for every back-end.
#include <string.h>
#include <tessera/lib/server.h>

ts_status_t ts_request_pull(struct ts_request *request, void *buffer, size_t length,
                            uint64_t offset)
{
    if (offset > request->length || length > request->length - offset) {
        return TS_ERR_RANGE;
    }
    if (offset + length <= request->inbox_length) {
        memcpy(buffer, (const char *)request->inbox + offset, length);
        return TS_OK;
    }
    size_t bytes;
    ts_status_t status = request->backend->pull(request, buffer, length, offset, &bytes);
    return status == TS_OK && bytes != length ? TS_ERR_CLIENT_FAULT : status;
}

ts_status_t ts_request_push(struct ts_request *request, const void *buffer, size_t length,
                            uint64_t offset)
{
    if (offset > request->room || length > request->room - offset) {
        return TS_ERR_RANGE;
    }
    if (length == 0) {
        return TS_OK;
    }
    size_t bytes;
    ts_status_t status = request->backend->push(request, buffer, length, offset, &bytes);
    return status == TS_OK && bytes != length ? TS_ERR_CLIENT_FAULT : status;
}

ts_status_t ts_request_pull_exact(struct ts_request *request, void *buffer, size_t size)
{
    if (request->length != size) {
        return TS_ERR_ARGUMENT;
    }
    return ts_request_pull(request, buffer, size, 0);
}

ts_status_t ts_request_path(struct ts_request *request, char *buffer, size_t capacity,
                            size_t *out_length)
{
    if (request->length >= capacity) {
        return TS_ERR_NAME_TOO_LONG;
    }
    ts_status_t status = ts_request_pull(request, buffer, request->length, 0);
    if (status != TS_OK) {
        return status;
    }
    if (memchr(buffer, '\0', request->length) != NULL) {
        return TS_ERR_ARGUMENT;
    }
    buffer[request->length] = '\0';
    *out_length = request->length;
    return TS_OK;
}

ts_status_t ts_request_take(struct ts_request *request, unsigned index, ts_handle_t *out_handle,
                            struct ts_object **out_object, ts_rights_t *out_rights)
{
    if (index >= request->in_handles) {
        return TS_ERR_NOT_FOUND;
    }
    return request->backend->take(request, index, out_handle, out_object, out_rights);
}

static ts_status_t reply(struct ts_request *request, struct ts_reply *fields,
                         struct ts_object *object, enum ts_reply_bytes bytes)
{
    if (request->state != TS_REQUEST_OPEN) {
        if (request->state == TS_REQUEST_OVER) {
            return TS_ERR_GONE; // it has been answered
        }
        request->server->kept--;
    }
    fields->id = request->id;
    request->state = TS_REQUEST_OVER;
    return request->backend->reply(request, fields, object, bytes);
}

void ts_request_reply(struct ts_request *request, ts_status_t status, uint64_t value)
{
    struct ts_reply fields = {.status = status, .value = value};
    (void)reply(request, &fields, NULL, TS_REPLY_BYTES_COPY);
}

static void reply_bytes(struct ts_request *request, const void *bytes, size_t length,
                        enum ts_reply_bytes how)
{
    uint32_t moved = length < request->room ? (uint32_t)length : request->room;
    struct ts_reply fields = {.value = moved, .address = (uintptr_t)bytes, .length = moved};
    (void)reply(request, &fields, NULL, how);
}

void ts_request_reply_bytes(struct ts_request *request, const void *bytes, size_t length)
{
    reply_bytes(request, bytes, length, TS_REPLY_BYTES_COPY);
}

void ts_request_reply_stable(struct ts_request *request, const void *bytes, size_t length)
{
    reply_bytes(request, bytes, length, TS_REPLY_BYTES_STABLE);
}

void ts_request_reply_whole(struct ts_request *request, const void *bytes, size_t length)
{
    if (request->room < length) {
        ts_request_reply(request, TS_ERR_OVERFLOW, 0);
    } else {
        ts_request_reply_bytes(request, bytes, length);
    }
}

void ts_request_reply_u64(struct ts_request *request, uint64_t number)
{
    ts_request_reply_whole(request, &number, sizeof(number));
}

ts_status_t ts_request_reply_now(struct ts_request *request, ts_status_t status, uint64_t value,
                                 const void *bytes, size_t length)
{
    if (length > request->room) {
        return TS_ERR_RANGE;
    }
    struct ts_reply fields = {
        .status = status, .value = value, .address = (uintptr_t)bytes, .length = (uint32_t)length};
    return reply(request, &fields, NULL, TS_REPLY_BYTES_NOW);
}

ts_status_t ts_request_reply_mint(struct ts_request *request, struct ts_object *object,
                                  ts_rights_t rights, uint64_t value)
{
    return ts_request_reply_mint_with(request, object, rights, value, 0);
}

ts_status_t ts_request_reply_mint_with(struct ts_request *request, struct ts_object *object,
                                       ts_rights_t rights, uint64_t value, uint16_t signals)
{
    struct ts_reply fields = {
        .result = TS_REPLY_MINT, .value = value, .rights = rights, .signals = signals};
    return reply(request, &fields, object, TS_REPLY_BYTES_NOW);
}

void ts_request_give(struct ts_request *request, struct ts_object *object, ts_rights_t rights,
                     uint16_t signals)
{
    struct ts_reply fields = {.result = TS_REPLY_MINT, .rights = rights, .signals = signals};
    if (reply(request, &fields, object, TS_REPLY_BYTES_COPY) != TS_OK &&
        object->operations->closed != NULL) {
        object->operations->closed(object);
    }
}

ts_status_t ts_request_reply_own(struct ts_request *request, struct ts_object *object,
                                 ts_rights_t rights)
{
    struct ts_reply fields = {.result = TS_REPLY_OWN, .rights = rights};
    return reply(request, &fields, object, TS_REPLY_BYTES_NOW);
}

static ts_status_t reply_handle(struct ts_request *request, enum ts_reply_result result,
                                ts_handle_t handle, ts_rights_t rights, uint64_t value)
{
    struct ts_reply fields = {.result = result, .object = handle, .rights = rights, .value = value};
    ts_status_t status = reply(request, &fields, NULL, TS_REPLY_BYTES_NOW);
    if (status != TS_OK) {
        ts_close(handle);
    }
    return status;
}

ts_status_t ts_request_reply_move(struct ts_request *request, ts_handle_t handle,
                                  ts_rights_t rights, uint64_t value)
{
    return reply_handle(request, TS_REPLY_MOVE, handle, rights, value);
}

ts_status_t ts_request_reply_redirect(struct ts_request *request, ts_handle_t handle,
                                      uint64_t consumed)
{
    return reply_handle(request, TS_REPLY_REDIRECT, handle, TS_RIGHTS_SAME, consumed);
}

ts_status_t ts_request_reply_full(struct ts_request *request, struct ts_reply *fields)
{
    return reply(request, fields, NULL, TS_REPLY_BYTES_NOW);
}

typedef void (*handler)(struct ts_request *);

static void alive(struct ts_request *request)
{
    ts_request_reply_u64(request, 1);
}

static void unsupported(struct ts_request *request)
{
    ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
}

static handler handler_of(const struct ts_request *request)
{
    const struct ts_operations *operations = request->object->operations;
    if (request->op == TS_OP_GET && request->arg == TS_PROPERTY_ALIVE) {
        return alive;
    }
    switch (request->op) {
#define HANDLER_ANY(NAME, name) \
    case TS_OP_##NAME:          \
        return operations->name;
#define HANDLER_OBJECT(NAME, name)
#define HANDLER_KERNEL(NAME, name)
#define HANDLER_PORT(NAME, name)
#define HANDLER_RING(NAME, name)
#define TS_OPERATION(NAME, name, number, rights, answers, ...) HANDLER_##answers(NAME, name)
#include <tessera/abi/operation.def>
#undef TS_OPERATION
    default: return NULL;
    }
}

void ts_request_dispatch(struct ts_request *request)
{
    request->state = TS_REQUEST_OPEN;
    handler handle = handler_of(request);
    (handle != NULL ? handle : unsupported)(request);
}
