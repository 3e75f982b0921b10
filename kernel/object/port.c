// SPDX-License-Identifier: MIT
// Ports as objects: making and ending them, and what their holders do with them. See port.h.
#include <object/port.h>

#include <arch/user.h>
#include <object/body.h>
#include <object/server_reply.h>
#include <object/process.h>
#include <object/ring.h>
#include <object/transfer.h>
#include <panic.h>
#include <tessera/abi/kind.h>

static size_t slots_bytes(const struct port *port)
{
    return port->slot_count * sizeof(struct slot);
}

static size_t served_bytes(const struct port *port)
{
    return port->object_count * sizeof(struct served);
}

static size_t clients_bytes(const struct port *port)
{
    return port_client_count(port->slot_count, port->object_count) * sizeof(struct port_client);
}

static size_t chains_bytes(const struct port *port)
{
    return 2 * port_client_count(port->slot_count, port->object_count) * sizeof(uint32_t);
}

static void tables_free(struct port *port)
{
    struct account *payer = port->object.payer;
    paid_free(payer, port->slots, slots_bytes(port));
    paid_free(payer, port->served, served_bytes(port));
    paid_free(payer, port->clients, clients_bytes(port));
    paid_free(payer, port->client_chains, chains_bytes(port));
}

// The tables: their size is the caller's choice.
static ts_status_t tables_create(struct port *port, uint32_t requests, uint32_t objects)
{
    port->slot_count = requests;
    port->object_count = objects;
    struct account *payer = port->object.payer;
    ts_status_t status;
    port->slots = paid_alloc_zeroed(payer, slots_bytes(port), &status);
    if (port->slots != NULL) {
        port->served = paid_alloc_zeroed(payer, served_bytes(port), &status);
    }
    if (port->served != NULL) {
        port->clients = paid_alloc_zeroed(payer, clients_bytes(port), &status);
    }
    if (port->clients != NULL) {
        port->client_chains = paid_alloc_zeroed(payer, chains_bytes(port), &status);
    }
    if (status != TS_OK) {
        tables_free(port);
    }
    return status;
}

static void inbox_close(struct port *port)
{
    if (port->inbox.memory != NULL) {
        memory_kernel_unmap(&port->inbox);
    }
}

// What is mapped is what counts: the size may be another one before.
static ts_status_t inbox_open(struct port *port, struct memory *inbox, uint64_t inbox_size)
{
    if (inbox == NULL) {
        return TS_OK;
    }
    ts_status_t status = memory_kernel_map(inbox, &port->inbox);
    if (status != TS_OK) {
        return status;
    }
    if (port->inbox.range.bytes < port->slot_count * inbox_size) {
        inbox_close(port);
        return TS_ERR_RANGE;
    }
    port->inbox_size = (uint32_t)inbox_size;
    return TS_OK;
}

static bool teardown_step(struct work *work);

ts_status_t port_create(struct process *process, uint64_t requests, uint64_t objects,
                        struct memory *inbox, uint64_t inbox_size, struct port **out_port)
{
    if (requests == 0 || requests > TS_PORT_REQUESTS_MAX || objects == 0 ||
        objects > TS_PORT_OBJECTS_MAX || inbox_size > TS_PORT_INBOX_MAX ||
        (inbox == NULL) != (inbox_size == 0)) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status;
    struct port *port = body_create(process->account, sizeof(*port), &port_class, &status);
    if (port == NULL) {
        return status;
    }
    port->process = process;
    port->teardown.step = teardown_step;
    status = tables_create(port, (uint32_t)requests, (uint32_t)objects);
    if (status != TS_OK) {
        goto no_tables;
    }
    status = inbox_open(port, inbox, inbox_size);
    if (status != TS_OK) {
        goto no_inbox;
    }
    status = process_use(process);
    if (status != TS_OK) {
        goto no_process;
    }
    port_init(port, &port_class, (uint32_t)requests, (uint32_t)objects,
              (struct port_tables){port->slots, port->served, port->clients, port->client_chains});
    port->handles = &process->handles;
    port->space = process->space;
    *out_port = port;
    return TS_OK;

no_process:
    inbox_close(port);
no_inbox:
    tables_free(port);
no_tables:
    body_destroy(&port->object, sizeof(*port));
    return status;
}

// ---- The end

static void process_let_go(struct port *port)
{
    KASSERT(port->parked_mask == 0 && port->ring_count == 0);
    inbox_close(port);
    process_unuse(port->process);
    port->process = NULL;
}

static bool teardown_step(struct work *work)
{
    struct port *port = list_entry(work, struct port, teardown);
    if (!port->closing) {
        port->closing = true;
        port_close(port);
        return true;
    }
    if (port_destroy_some(port, REAPER_CHUNK)) {
        return true;
    }
    process_let_go(port);
    object_put(&port->object);
    return false;
}

static void port_unhandled(struct object *object)
{
    struct port *port = port_of(object);
    object_get(object); // the teardown's
    reaper_queue(&port->teardown);
}

static void port_destroy(struct object *object)
{
    struct port *port = port_of(object);
    if (port->process != NULL) { // it never had a handle
        process_let_go(port);
    }
    tables_free(port);
    body_destroy(object, sizeof(*port));
}

// ---- Payload and handles of requests

static ts_status_t copy(struct port *port, struct operation *operation,
                        enum copy_direction direction)
{
    uint32_t bytes;
    if (!arch_user_range_ok(operation->address, operation->length)) {
        return TS_ERR_FAULT;
    }
    ts_status_t status = port_copy(port, operation->arg, direction, operation->address,
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

static ts_status_t take(struct port *port, struct operation *operation)
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
                 : port_take_handle(port, operation->arg, (uint32_t)operation->offset, &held, &own);
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
        port_take_back(port, operation->arg, (uint32_t)operation->offset, held);
    }
    return status;
}

// ---- Objects

static ts_status_t mint(struct port *port, struct operation *operation)
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
    status = port_mint(port, (uint32_t)oid, operation->offset, operation->rights, reserve, &held);
    if (status == TS_OK) {
        handle_fill(table, handle, held);
    } else {
        handle_release(table, handle);
    }
    operation->value = status == TS_OK ? handle : 0;
    return status;
}

static ts_status_t signal(struct port *port, const struct operation *operation)
{
    if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
        return TS_ERR_RIGHTS;
    }
    if (operation->arg > UINT32_MAX) {
        return TS_ERR_ARGUMENT;
    }
    return port_signal(port, (uint32_t)operation->arg, ts_signal_change_clear(operation->offset),
                       ts_signal_change_set(operation->offset));
}

static ts_status_t revoke(struct port *port, const struct operation *operation)
{
    return operation->arg > UINT32_MAX ? TS_ERR_ARGUMENT
                                       : port_revoke(port, (uint32_t)operation->arg);
}

// ---- Methods

static ts_status_t bind(struct port *port, const struct ts_call *call)
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
        status = port_bind(port, ring_of(ring.object), binding.cookie);
    } else {
        status = port_unbind(port, ring_of(ring.object));
    }
    object_put(ring.object);
    return status;
}

static ts_status_t port_call(struct port *port, struct operation *operation)
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

static ts_status_t port_operate(struct object *object, struct operation *operation)
{
    struct port *port = port_of(object);
    switch (operation->op) {
    case TS_OP_REPLY:
        return (operation->flags & OPERATION_SUBMITTED) != 0
                   ? server_reply_by_submission(port, operation)
                   : server_reply_by_call(port, operation);
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

const struct object_class port_class = {
    .kind = TS_KIND_PORT,
    .name = "port",
    .rights = TS_RIGHT_CALL | TS_RIGHT_WAIT | TS_RIGHT_MANAGE,
    .unhandled = port_unhandled,
    .destroy = port_destroy,
    .operate = port_operate,
};
