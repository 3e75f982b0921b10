// SPDX-License-Identifier: MIT
// Ports as kernel objects: making and ending them. port_operate.c has their operations.
#include <object/port_object.h>

#include <object/body.h>
#include <object/port_operate.h>
#include <object/process.h>
#include <panic.h>

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

static void tables_free(struct port_object *object)
{
    struct port *port = &object->port;
    struct account *payer = port->object.payer;
    paid_free(payer, port->slots, slots_bytes(port));
    paid_free(payer, port->served, served_bytes(port));
    paid_free(payer, port->clients, clients_bytes(port));
    paid_free(payer, port->client_chains, chains_bytes(port));
}

// The tables: their size is the caller's choice.
static ts_status_t tables_create(struct port_object *object, uint32_t requests, uint32_t objects)
{
    struct port *port = &object->port;
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
        tables_free(object);
    }
    return status;
}

static void inbox_close(struct port_object *object)
{
    if (object->inbox.memory == NULL) {
        return;
    }
    object->port.inbox = (struct kernel_range){NULL, 0};
    memory_kernel_unmap(&object->inbox);
}

// What is mapped is what counts: the size may be another one before.
static ts_status_t inbox_open(struct port_object *object, struct memory *inbox, uint64_t inbox_size)
{
    if (inbox == NULL) {
        return TS_OK;
    }
    ts_status_t status = memory_kernel_map(inbox, &object->inbox);
    if (status != TS_OK) {
        return status;
    }
    if (object->inbox.range.bytes < object->port.slot_count * inbox_size) {
        inbox_close(object);
        return TS_ERR_RANGE;
    }
    object->port.inbox = object->inbox.range;
    object->port.inbox_size = (uint32_t)inbox_size;
    return TS_OK;
}

static bool teardown_step(struct reaper_work *work);

ts_status_t port_object_create(struct process *process, uint64_t requests, uint64_t objects,
                               struct memory *inbox, uint64_t inbox_size,
                               struct port_object **out_port)
{
    if (requests == 0 || requests > TS_PORT_REQUESTS_MAX || objects == 0 ||
        objects > TS_PORT_OBJECTS_MAX || inbox_size > TS_PORT_INBOX_MAX ||
        (inbox == NULL) != (inbox_size == 0)) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status;
    struct port_object *port = body_create(process->account, sizeof(*port), &port_class, &status);
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
    port_init(&port->port, &port_class, (uint32_t)requests, (uint32_t)objects,
              (struct port_tables){port->port.slots, port->port.served, port->port.clients,
                                   port->port.client_chains});
    port->port.handles = &process->handles;
    port->port.space = process->space;
    *out_port = port;
    return TS_OK;

no_process:
    inbox_close(port);
no_inbox:
    tables_free(port);
no_tables:
    body_destroy(&port->port.object, sizeof(*port));
    return status;
}

// The end ----------------------------------------------------------------------------------------

static void process_let_go(struct port_object *port)
{
    KASSERT(port->port.parked_mask == 0 && port->port.ring_count == 0);
    inbox_close(port);
    process_unuse(port->process);
    port->process = NULL;
}

static bool teardown_step(struct reaper_work *work)
{
    struct port_object *port = list_entry(work, struct port_object, teardown);
    if (!port->closing) {
        port->closing = true;
        port_close(&port->port);
        return true;
    }
    if (port_destroy_some(&port->port, REAPER_CHUNK)) {
        return true;
    }
    process_let_go(port);
    object_put(&port->port.object);
    return false;
}

static void port_unhandled(struct object *object)
{
    struct port_object *port = port_object_of(object);
    object_get(object); // the teardown's
    reaper_queue(&port->teardown);
}

static void port_destroy(struct object *object)
{
    struct port_object *port = port_object_of(object);
    if (port->process != NULL) { // it never had a handle
        process_let_go(port);
    }
    tables_free(port);
    body_destroy(object, sizeof(*port));
}

const struct object_class port_class = {
    .kind = TS_KIND_PORT,
    .name = "port",
    .rights = TS_RIGHT_CALL | TS_RIGHT_WAIT | TS_RIGHT_MANAGE,
    .unhandled = port_unhandled,
    .destroy = port_destroy,
    .operate = port_operate,
};
