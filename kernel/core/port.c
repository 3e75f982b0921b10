// SPDX-License-Identifier: MIT
// A port's tables: served objects' counts, slots, and the rings that serve it. See
// port.h.
#include <core/hooks.h>
#include <core/handle_table.h>
#include <core/port.h>
#include <core/port_tables.h>
#include <core/ring_publish.h>

const struct object_class served_class = {
    .kind = TS_KIND_SERVED,
    .name = "served",
    .rights = TS_RIGHTS_ALL,
};

void port_init(struct port *port, const struct object_class *class, uint32_t requests,
               uint32_t objects, struct port_tables tables)
{
    object_init(&port->object, class);
    port->slot_count = requests;
    port->object_count = objects;
    port->slots = tables.slots;
    port->served = tables.served;
    for (unsigned i = 0; i < PRIORITIES; i++) {
        list_init(&port->parked[i]);
    }
    list_init(&port->cancels);
    list_init(&port->closed);
    for (uint32_t i = 0; i < requests; i++) {
        port->slots[i].generation = 1;
        port->slots[i].next_free = i + 1 < requests ? i + 1 : PORT_NONE;
        list_init(&port->slots[i].cancel);
    }
    for (uint32_t i = 0; i < objects; i++) {
        object_init(&port->served[i].object, &served_class);
        port->served[i].port = port;
        port->served[i].oid = i;
        list_init(&port->served[i].notice);
    }
    port->slot_free = 0;
    port->lone = PORT_NONE;
    port->batch = 1;
    port->reserve = PORT_NONE;
    port->objects_left = objects;
    port->requests_left = requests + PORT_PARKED;
    port->clients = tables.clients;
    port->client_chains = tables.client_chains;
    port->client_count = port_client_count(requests, objects);
    port->hungry = tables.client_chains + port->client_count;
    for (uint32_t i = 0; i < port->client_count; i++) {
        port->clients[i].number = PORT_NONE;
        list_init(&port->clients[i].waiting);
        port->client_chains[i] = PORT_NONE;
    }
}

void port_finish_some(struct list *finished)
{
    struct list *node;
    while ((node = list_pop_front(finished)) != NULL) {
        request_complete(list_entry(node, struct request, link));
    }
}

// ---- Served objects' counts

void served_begin(struct port *port, uint32_t oid, uint64_t tag, ts_signals_t signals,
                  uint32_t client)
{
    struct served *served = &port->served[oid];
    served->state = SERVED_LIVE;
    served->tag = tag;
    served->count = 1;
    served->client = client;
    served->asker = client == PORT_NONE ? 0 : client;
    if (client != PORT_NONE) {
        port->clients[client].objects++;
    }
    port->objects_left--;
    atomic_store_explicit(&served->object.signals, signals, memory_order_relaxed);
    object_get(&port->object); // for the slot, until it is free again
}

void served_free(struct served *served)
{
    struct port *port = served->port;
    served->state = SERVED_FREE;
    if (__builtin_expect(served == port->reserve_object, false)) {
        port->reserve_object = NULL;
    }
    if (served->client != PORT_NONE) {
        port->clients[served->client].objects--;
    }
    port->objects_left++;
    // The port may go to the reaper by this; its memory outlasts this section (object.h).
    object_put(&port->object);
}

void served_over(struct served *served)
{
    if (served->port->dead) {
        served_free(served);
    } else {
        served->state = SERVED_CLOSING;
        list_push_back(&served->port->closed, &served->notice);
        port_queued_add(served->port, 1);
    }
}

void served_count_add(struct served *served)
{
    irqflags_t flags = spin_lock(&served->port->object.lock);
    served->count++;
    spin_unlock(&served->port->object.lock, flags);
}

void served_count_drop(struct served *served)
{
    struct list finished;
    list_init(&finished);
    struct port *port = served->port;
    irqflags_t flags = spin_lock(&port->object.lock);
    served_count_drop_locked(served);
    port_dispatch(port, &finished);
    port_unlock(port, flags, &finished);
}

// ---- Slots

struct slot *port_slot_wait(struct port *port, struct slot *slot, uint64_t id)
{
    while (slot->copying) {
        // Another CPU copies a page, with interrupts off: this is short.
        spin_unlock_off(&port->object.lock);
        environment_relax();
        spin_lock_off(&port->object.lock);
        if (!slot_is(slot, id)) {
            return NULL;
        }
    }
    return slot;
}

// ---- Bindings

// What one ring's thread is lent of what is parked; before nothing is taken back.
static void binding_lend(struct port *port, unsigned place, uint8_t priority)
{
    void *before = port->rings[place].borrower;
    uint8_t lent = port->rings[place].lent;
    port->rings[place].borrower = environment_lend(port->rings[place].ring, priority);
    port->rings[place].lent = priority;
    if (before != NULL) {
        environment_return(before, lent);
    }
}

void port_lend_parked(struct port *port)
{
    uint32_t left = port->ring_count;
    port->lent = port->parked_mask != 0 ? port_urgency(port) : 0;
    for (unsigned i = 0; i < RING_BINDINGS_MAX && left > 0; i++) {
        if (port->rings[i].ring == NULL) {
            continue;
        }
        left--;
        binding_lend(port, i, port->lent);
    }
}

static bool binding_add(struct port *port, unsigned place, struct ring *ring, uint64_t cookie)
{
    for (uint32_t i = 0; i < RING_BINDINGS_MAX; i++) {
        if (ring->bindings[i].port != NULL) {
            continue;
        }
        ring->bindings[i] = (struct ring_binding){.port = port, .cookie = cookie};
        port->rings[place].ring = ring;
        port->rings[place].index = i;
        port->ring_count++;
        ring->binding_count++;
        return true;
    }
    return false;
}

ts_status_t port_bind(struct port *port, struct ring *ring, uint64_t cookie)
{
    unsigned place = RING_BINDINGS_MAX;
    ts_status_t status = TS_OK;
    struct list finished;
    list_init(&finished);
    irqflags_t flags = spin_lock(&port->object.lock);
    for (unsigned i = 0; i < RING_BINDINGS_MAX; i++) {
        if (port->rings[i].ring == ring) {
            status = TS_ERR_EXISTS;
        } else if (port->rings[i].ring == NULL && place == RING_BINDINGS_MAX) {
            place = i;
        }
    }
    spin_lock_off(&ring->lock);
    if (status == TS_OK && (port->dead || ring->destroyed)) {
        status = TS_ERR_PEER_CLOSED;
    }
    if (status == TS_OK &&
        (place == RING_BINDINGS_MAX || !binding_add(port, place, ring, cookie))) {
        status = TS_ERR_LIMIT;
    }
    spin_unlock_off(&ring->lock);
    if (status == TS_OK) {
        port_lend_parked(port);
        port_dispatch(port, &finished); // its thread may wait in it already
    }
    port_unlock(port, flags, &finished);
    return status;
}

static void binding_remove(struct port *port, unsigned place)
{
    struct ring *ring = port->rings[place].ring;
    binding_lend(port, place, TS_PRIORITY_IDLE);
    spin_lock_off(&ring->lock);
    ring->bindings[port->rings[place].index].port = NULL;
    ring->binding_count--;
    spin_unlock_off(&ring->lock);
    port->rings[place].ring = NULL;
    port->ring_count--;
}

ts_status_t port_unbind(struct port *port, struct ring *ring)
{
    ts_status_t status = TS_ERR_NOT_FOUND;
    irqflags_t flags = spin_lock(&port->object.lock);
    for (unsigned i = 0; i < RING_BINDINGS_MAX; i++) {
        if (port->rings[i].ring != ring) {
            continue;
        }
        binding_remove(port, i);
        status = TS_OK;
    }
    spin_unlock(&port->object.lock, flags);
    return status;
}

void port_close(struct port *port)
{
    irqflags_t flags = spin_lock(&port->object.lock);
    port->dead = true;
    for (unsigned i = 0; i < RING_BINDINGS_MAX; i++) {
        if (port->rings[i].ring != NULL) {
            binding_remove(port, i);
        }
    }
    spin_unlock(&port->object.lock, flags);
}
