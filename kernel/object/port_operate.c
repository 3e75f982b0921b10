// SPDX-License-Identifier: MIT
// Operations on ports. See port_operate.h.
#include <object/port_operate.h>

#include <arch/user.h>
#include <cpu.h>
#include <object/process.h>
#include <object/ring_object.h>
#include <object/transfer.h>
#include <sched/sched.h>
#include <tessera/abi/kind.h>

// Replies ----------------------------------------------------------------------------------------

// The first `count` handles to be moved are the server's again.
static void reply_return_handles(struct handle_table *table, struct server_reply *reply,
                                 unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (reply->handles[i] != TS_HANDLE_NONE) {
            handle_transit_return(table, reply->handles[i], reply->fields.moved[i]);
        }
        reply->fields.moved[i].object = NULL;
    }
}

// Takes what is to be moved out of the table. On failure nothing is.
static ts_status_t reply_take_handles(struct handle_table *table, struct server_reply *reply)
{
    for (unsigned i = 0; i < TS_CALL_HANDLES; i++) {
        if (reply->handles[i] == TS_HANDLE_NONE) {
            continue;
        }
        ts_status_t status = handle_transit(table, reply->handles[i], &reply->fields.moved[i]);
        if (status != TS_OK) {
            reply_return_handles(table, reply, i);
            return status;
        }
    }
    return TS_OK;
}

static void reply_settle_handles(struct handle_table *table, struct server_reply *reply, bool moved)
{
    if (!moved) {
        reply_return_handles(table, reply, TS_CALL_HANDLES);
        return;
    }
    for (unsigned i = 0; i < TS_CALL_HANDLES; i++) {
        if (reply->handles[i] != TS_HANDLE_NONE) {
            handle_transit_commit(table, reply->handles[i]);
        }
    }
}

static ts_status_t reply_check(const struct server_reply *reply)
{
    bool moves = reply->fields.result == TS_REPLY_MOVE || reply->fields.result == TS_REPLY_REDIRECT;
    if (moves != (reply->handles[0] != TS_HANDLE_NONE) || reply->fields.status > 0) {
        return TS_ERR_ARGUMENT;
    }
    return reply->length > TS_LENGTH_MAX ? TS_ERR_ARGUMENT : TS_OK;
}

static ts_status_t reply_push(struct port_object *port, const struct server_reply *reply)
{
    uint32_t bytes;
    if (!arch_user_range_ok(reply->address, reply->length)) {
        return TS_ERR_FAULT;
    }
    return port_copy(&port->port, reply->fields.id, COPY_PUSH, reply->address, reply->length, 0,
                     &bytes);
}

static bool has_handles(const struct server_reply *reply)
{
    return (reply->handles[0] | reply->handles[1] | reply->handles[2] | reply->handles[3]) !=
           TS_HANDLE_NONE;
}

static void reply_withdraw_handles(struct server_reply *reply)
{
    reply->fields.result = TS_REPLY_NONE;
    for (unsigned i = 0; i < TS_CALL_HANDLES; i++) {
        reply->handles[i] = TS_HANDLE_NONE;
    }
}

ts_status_t port_object_reply(struct port_object *port, struct server_reply *reply, bool hand_over)
{
    struct thread *thread = thread_current();
    struct handle_table *table = thread->requester.handles;
    ts_status_t status = reply_check(reply);
    if (status == TS_OK && reply->length != 0) {
        status = reply_push(port, reply);
    }
    // Gone: port_reply frees the slot of a client that was cut off.
    if (status != TS_OK && status != TS_ERR_CLIENT_FAULT && status != TS_ERR_GONE) {
        return status;
    }
    bool faulted = status == TS_ERR_CLIENT_FAULT;
    if (faulted) { // the client hears of its fault and gets nothing: the server keeps what it gave
        reply_withdraw_handles(reply);
    }
    bool handles = has_handles(reply);
    status = handles ? reply_take_handles(table, reply) : TS_OK;
    if (status != TS_OK) {
        return status;
    }
    struct request *request;
    irqflags_t flags = arch_irq_save();
    status = port_reply(&port->port, &reply->fields, &request);
    if (handles) {
        reply_settle_handles(table, reply, status == TS_OK);
    }
    if (status == TS_OK) {
        thread->handing_over = hand_over;
        request_complete(request);
        thread->handing_over = false;
        process_count(&thread->process->requests_served, 1);
    }
    arch_irq_restore(flags);
    return status == TS_OK && faulted ? TS_ERR_CLIENT_FAULT : status;
}

static ts_status_t reply_by_call(struct port_object *port, const struct operation *operation)
{
    struct ts_reply given;
    if (operation->length != sizeof(given)) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = copy_from_user(&given, operation->address, sizeof(given));
    if (status != TS_OK) {
        return status;
    }
    if ((given.signals != 0 && given.result != TS_REPLY_MINT) ||
        (given.signals & ~TS_SIGNALS_ALL) != 0 || (given.rights & ~TS_RIGHTS_ALL) != 0) {
        return TS_ERR_ARGUMENT;
    }
    bool moves = given.result == TS_REPLY_MOVE || given.result == TS_REPLY_REDIRECT;
    struct server_reply reply = {
        .fields = {.id = given.id,
                   .status = given.status,
                   .result = given.result,
                   .value = given.value,
                   .oid = given.object,
                   .tag = given.tag,
                   .signals = given.signals,
                   .rights = given.rights},
        .address = given.address,
        .length = given.length,
        .handles = {moves ? given.object : TS_HANDLE_NONE, given.handles[0], given.handles[1],
                    given.handles[2]},
    };
    return port_object_reply(port, &reply, false);
}

static ts_status_t reply_by_submission(struct port_object *port, const struct operation *operation)
{
    uint32_t result = ts_reply_word_result(operation->arg2);
    bool moves = result == TS_REPLY_MOVE || result == TS_REPLY_REDIRECT;
    struct server_reply reply = {
        .fields = {.id = operation->arg,
                   .status = ts_reply_word_status(operation->arg2),
                   .result = result,
                   .value = operation->offset,
                   .oid = operation->aux,
                   .tag = (uint64_t)operation->deadline,
                   .rights = operation->rights},
        .address = operation->address,
        .length = operation->length,
        .handles = {moves ? operation->aux : TS_HANDLE_NONE},
    };
    return port_object_reply(port, &reply, false);
}

// Payload and handles of requests ----------------------------------------------------------------

static ts_status_t copy(struct port_object *port, struct operation *operation,
                        enum copy_direction direction)
{
    uint32_t bytes;
    if (!arch_user_range_ok(operation->address, operation->length)) {
        return TS_ERR_FAULT;
    }
    ts_status_t status = port_copy(&port->port, operation->arg, direction, operation->address,
                                   operation->length, operation->offset, &bytes);
    operation->value = bytes;
    return status;
}

// An own object comes as its number.
static ts_status_t take_own(struct operation *operation, const struct served *own,
                            ts_rights_t rights)
{
    operation->value = own->oid;
    operation->extra = own->tag;
    if ((operation->flags & OPERATION_SUBMITTED) != 0) {
        operation->aux = TS_EVENT_OWN;
        return TS_OK;
    }
    operation->value |= TS_TAKE_OWN;
    struct ts_taken taken = {.tag = own->tag, .oid = own->oid, .rights = rights};
    if (operation->address == 0) {
        return TS_OK;
    }
    return copy_to_user(operation->address, &taken, sizeof(taken));
}

static ts_status_t take(struct port_object *port, struct operation *operation)
{
    struct handle_table *table = &process_current()->handles;
    struct handle held;
    struct served *own;
    ts_handle_t handle;
    operation->aux = 0;
    if ((operation->flags & OPERATION_SUBMITTED) == 0 && operation->address != 0 &&
        operation->length != sizeof(struct ts_taken)) {
        return TS_ERR_ARGUMENT;
    }
    // The slot first: what was taken has a place.
    ts_status_t status = handle_reserve(table, &handle);
    if (status != TS_OK) {
        return status;
    }
    status = operation->offset > UINT32_MAX
                 ? TS_ERR_ARGUMENT
                 : port_take_handle(&port->port, operation->arg, (uint32_t)operation->offset, &held,
                                    &own);
    if (status == TS_OK && own == NULL) {
        handle_fill(table, handle, held);
        operation->value = handle;
        return TS_OK;
    }
    handle_release(table, handle);
    if (status != TS_OK) {
        return status;
    }
    status = take_own(operation, own, held.rights);
    if (status == TS_OK) {
        object_handle_put(held);
    } else {
        port_take_back(&port->port, operation->arg, (uint32_t)operation->offset, held);
    }
    return status;
}

// Objects ----------------------------------------------------------------------------------------

static ts_status_t mint(struct port_object *port, struct operation *operation)
{
    struct handle_table *table = &process_current()->handles;
    struct handle held;
    ts_handle_t handle;
    bool reserve = (operation->arg & TS_MINT_RESERVE) != 0;
    uint64_t oid = operation->arg & ~TS_MINT_RESERVE;
    if (oid > UINT32_MAX) {
        return TS_ERR_ARGUMENT;
    }
    // The slot first: an object that was minted and has no handle would be one that was closed.
    ts_status_t status = handle_reserve(table, &handle);
    if (status != TS_OK) {
        return status;
    }
    status =
        port_mint(&port->port, (uint32_t)oid, operation->offset, operation->rights, reserve, &held);
    if (status == TS_OK) {
        handle_fill(table, handle, held);
    } else {
        handle_release(table, handle);
    }
    operation->value = status == TS_OK ? handle : 0;
    return status;
}

static ts_status_t signal(struct port_object *port, const struct operation *operation)
{
    if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
        return TS_ERR_RIGHTS;
    }
    if (operation->arg > UINT32_MAX) {
        return TS_ERR_ARGUMENT;
    }
    return port_signal(&port->port, (uint32_t)operation->arg,
                       ts_signal_change_clear(operation->offset),
                       ts_signal_change_set(operation->offset));
}

static ts_status_t revoke(struct port_object *port, const struct operation *operation)
{
    return operation->arg > UINT32_MAX ? TS_ERR_ARGUMENT
                                       : port_revoke(&port->port, (uint32_t)operation->arg);
}

// Methods ----------------------------------------------------------------------------------------

static ts_status_t bind(struct port_object *port, const struct ts_call *call)
{
    struct ts_port_binding binding;
    ts_status_t status = call_read(call, &binding, sizeof(binding));
    if (status != TS_OK) {
        return status;
    }
    if (binding.reserved != 0) {
        return TS_ERR_ARGUMENT;
    }
    struct handle ring;
    status = handle_get(&process_current()->handles, binding.ring, 0, &ring);
    if (status != TS_OK) {
        return status;
    }
    if (ring.object->class != &ring_class) {
        status = TS_ERR_KIND;
    } else if (call->method == TS_PORT_BIND) {
        status = port_bind(&port->port, &ring_object_of(ring.object)->ring, binding.cookie);
    } else {
        status = port_unbind(&port->port, &ring_object_of(ring.object)->ring);
    }
    object_put(ring.object);
    return status;
}

static ts_status_t port_call(struct port_object *port, struct operation *operation)
{
    struct ts_call call;
    if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
        return TS_ERR_RIGHTS;
    }
    ts_status_t status = operation_call(operation, &call);
    if (status != TS_OK) {
        return status;
    }
    switch (call.method) {
    case TS_PORT_BIND:
    case TS_PORT_UNBIND: return bind(port, &call);
    default: return TS_ERR_UNSUPPORTED;
    }
}

ts_status_t port_operate(struct object *object, struct operation *operation)
{
    struct port_object *port = port_object_of(object);
    switch (operation->op) {
    case TS_OP_REPLY:
        return (operation->flags & OPERATION_SUBMITTED) != 0 ? reply_by_submission(port, operation)
                                                             : reply_by_call(port, operation);
    case TS_OP_PULL: return copy(port, operation, COPY_PULL);
    case TS_OP_PUSH: return copy(port, operation, COPY_PUSH);
    case TS_OP_TAKE: return take(port, operation);
    case TS_OP_MINT: return mint(port, operation);
    case TS_OP_SIGNAL: return signal(port, operation);
    case TS_OP_REVOKE: return revoke(port, operation);
    case TS_OP_CALL: return port_call(port, operation);
    default: return TS_ERR_UNSUPPORTED;
    }
}
