// SPDX-License-Identifier: MIT
// What a server does with its port: answers, copies, takes handles, mints and revokes. See port.h.
#include <core/hooks.h>
#include <core/port.h>
#include <core/port_direct.h>
#include <core/port_tables.h>

#define SHORT_PIECES 2u // a page of a range that begins in the middle of one

// ---- Client memory

uint32_t request_range(const struct request *request, enum copy_direction direction,
                       uint64_t offset, uint32_t length, uint64_t *out_address)
{
    uint64_t address = direction == COPY_PULL ? request->in_address : request->out_address;
    uint64_t left = length;
    if (request->segments == 0) {
        address += offset;
    } else {
        unsigned i = 0;
        while (offset >= request->segment[i].length) {
            offset -= request->segment[i++].length;
        }
        address = request->segment[i].address + offset;
        uint64_t rest = request->segment[i].length - offset;
        left = left < rest ? left : rest;
    }
    uint64_t in_page = TS_PAGE_SIZE - (address & (TS_PAGE_SIZE - 1));
    *out_address = address;
    return (uint32_t)(left < in_page ? left : in_page);
}

// Copies at most one page. Sets *out_done. Port lock not held.
static ts_status_t copy_page(struct port *port, uint64_t id, enum copy_direction direction,
                             uint64_t address, uint32_t length, uint64_t offset, uint32_t *out_done)
{
    *out_done = 0;
    irqflags_t flags = spin_lock(&port->object.lock);
    struct slot *slot = port_slot(port, id);
    if (slot == NULL || slot->request == NULL) {
        spin_unlock(&port->object.lock, flags);
        return TS_ERR_GONE;
    }
    struct request *request = slot->request;
    uint32_t range = direction == COPY_PULL ? request->in_length : request->out_length;
    bool inside = offset <= range && length <= range - offset;
    if (!inside || length == 0) {
        spin_unlock(&port->object.lock, flags);
        return inside ? TS_OK : TS_ERR_RANGE;
    }
    uint64_t client_address;
    uint32_t chunk = request_range(request, direction, offset, length, &client_address);
    // The record cannot end while `copying` is set: port_slot makes everyone wait. Interrupts stay
    // off, so that they need not wait long.
    slot->copying = true;
    spin_unlock_off(&port->object.lock);
    ts_status_t status =
        environment_copy(request->requester->space, client_address, address, chunk, direction);
    spin_lock_off(&port->object.lock);
    slot->copying = false;
    if (status == TS_ERR_CLIENT_FAULT) {
        request->client_fault = true;
    }
    spin_unlock(&port->object.lock, flags);
    if (status == TS_OK) {
        *out_done = chunk;
    }
    return status;
}

ts_status_t port_copy(struct port *port, uint64_t id, enum copy_direction direction,
                      uint64_t address, uint32_t length, uint64_t offset, uint32_t *out_bytes)
{
    ts_status_t status = TS_OK;
    *out_bytes = 0;
    do {
        uint32_t done;
        status = copy_page(port, id, direction, address + *out_bytes, length - *out_bytes,
                           offset + *out_bytes, &done);
        *out_bytes += done;
    } while (status == TS_OK && *out_bytes < length);
    return status;
}

bool port_copy_short(struct port *port, uint64_t id, enum copy_direction direction,
                     uint64_t address, uint32_t length, uint64_t offset)
{
    uint32_t bytes = 0, done;
    for (unsigned i = 0; i < SHORT_PIECES; i++) {
        if (copy_page(port, id, direction, address + bytes, length - bytes, offset + bytes,
                      &done) != TS_OK) {
            return false;
        }
        bytes += done;
        if (bytes == length) {
            return true;
        }
    }
    return false;
}

// ---- Answers

ts_status_t reply_check(struct port *port, const struct reply *reply, const struct slot *slot)
{
    const struct request *request = slot->request;
    bool handles = reply->result != TS_REPLY_NONE;
    if (!handles && request->out_handles == 0 && reply->moved[1].object == NULL &&
        reply->moved[2].object == NULL && reply->moved[3].object == NULL) {
        return TS_OK; // the plain case
    }
    for (unsigned i = 1; i < TS_CALL_HANDLES; i++) {
        if (reply->moved[i].object != NULL && i >= request->out_handles) {
            return TS_ERR_ARGUMENT;
        }
    }
    if (handles && (request->out_handles == 0 || reply->status < 0)) {
        return TS_ERR_ARGUMENT;
    }
    // What is minted now the teardown may have passed: nobody would hear that it is over.
    if (port->dead && (reply->result == TS_REPLY_MINT || reply->result == TS_REPLY_OWN)) {
        return TS_ERR_PEER_CLOSED;
    }
    switch (reply->result) {
    case TS_REPLY_NONE:
    case TS_REPLY_MOVE: return TS_OK;
    case TS_REPLY_REDIRECT:
        return request->op == TS_OP_OPEN || request->op == TS_OP_CREATE ? TS_OK : TS_ERR_ARGUMENT;
    case TS_REPLY_MINT:
        if (reply->oid >= port->object_count) {
            return TS_ERR_ARGUMENT;
        }
        if (port->served[reply->oid].state != SERVED_FREE) {
            return TS_ERR_EXISTS;
        }
        return port_may_take(port->clients[slot->client].objects, port->objects_left)
                   ? TS_OK
                   : TS_ERR_LIMIT;
    case TS_REPLY_OWN:
        if (reply->oid >= port->object_count) {
            return TS_ERR_ARGUMENT;
        }
        return port->served[reply->oid].state == SERVED_LIVE ? TS_OK : TS_ERR_NOT_FOUND;
    default: return TS_ERR_ARGUMENT;
    }
}

void reply_give_handles(struct port *port, const struct reply *reply, struct request *request,
                        uint32_t client)
{
    // A call's results have what their sender gave; others no more than was asked and held.
    ts_rights_t most = request->op == TS_OP_CALL ? TS_RIGHTS_ALL : request->rights;
    for (unsigned i = 0; i < request->out_handles; i++) { // reply_check saw that there are no more
        request->result[i] = reply->moved[i];
        request->result[i].rights &= most;
    }
    if (reply->result == TS_REPLY_MINT) {
        served_begin(port, reply->oid, reply->tag, reply->signals, client);
    } else if (reply->result == TS_REPLY_OWN) {
        port->served[reply->oid].count++;
    }
    if (reply->result == TS_REPLY_MINT || reply->result == TS_REPLY_OWN) {
        request->result[0] = (struct handle){
            .object = &port->served[reply->oid].object,
            .rights = reply->rights & most,
        };
    } else {
        request->result[0].rights &= reply->rights;
    }
    if (reply->result == TS_REPLY_REDIRECT) {
        request->event_flags |= TS_EVENT_REDIRECT;
    }
}

// Handles that came with the request and were not taken. Port lock held.
static bool slot_drop_sent(struct slot *slot, struct handle dropped[TS_CALL_HANDLES])
{
    bool any = false;
    for (unsigned i = 0; i < TS_CALL_HANDLES; i++) {
        dropped[i] = slot->sent[i];
        any |= dropped[i].object != NULL;
        slot->sent[i] = (struct handle){0};
    }
    return any;
}

void direct_push(const struct request *request, uint64_t address, uint64_t length, bool *out_done)
{
    uint64_t client_address;
    *out_done = length <= request->out_length &&
                request_range(request, COPY_PUSH, 0, (uint32_t)length, &client_address) == length &&
                environment_copy(request->requester->space, client_address, address,
                                 (uint32_t)length, COPY_PUSH) == TS_OK;
}

ts_status_t port_reply_plain(struct port *port, uint64_t id, ts_status_t status, uint64_t value,
                             struct request **out_request)
{
    struct list finished;
    list_init(&finished);
    spin_lock_off(&port->object.lock);
    struct slot *slot = port_slot(port, id);
    struct request *request = slot == NULL ? NULL : slot->request;
    bool plain = request != NULL && (request->in_handles | request->out_handles) == 0;
    if (plain) {
        *out_request = slot_end_request(slot, status);
        request->value = value;
        slot_release(port, slot, ts_request_id_slot(id));
        if (port->queued != 0) {
            port_dispatch(port, &finished);
        }
    }
    spin_unlock_off(&port->object.lock);
    port_finish(&finished);
    return plain ? TS_OK : TS_ERR_UNSUPPORTED;
}

ts_status_t port_reply(struct port *port, struct reply *reply, struct request **out_request)
{
    struct list finished;
    list_init(&finished);
    struct handle dropped[TS_CALL_HANDLES];
    *out_request = NULL;
    irqflags_t flags = spin_lock(&port->object.lock);
    struct slot *slot = port_slot(port, reply->id);
    ts_status_t status = slot == NULL ? TS_ERR_GONE : TS_OK;
    if (slot != NULL && slot->request != NULL) {
        status = reply_check(port, reply, slot);
    }
    if (slot == NULL || status != TS_OK) {
        spin_unlock(&port->object.lock, flags);
        return status;
    }
    struct request *request = slot->request;
    // (Once the client is cut off the record is not ours to look at.)
    bool drop = (request == NULL || request->in_handles != 0) && slot_drop_sent(slot, dropped);
    if (request == NULL) {
        status = TS_ERR_GONE; // the client was cut off; this answer frees the slot
    } else {
        request->value = reply->value;
        if (request->out_handles != 0) {
            reply_give_handles(port, reply, request, slot->client);
        }
        *out_request = slot_end_request(slot, reply->status);
    }
    slot_release(port, slot, ts_request_id_slot(reply->id));
    if (port->queued != 0) {
        port_dispatch(port, &finished);
    }
    port_unlock(port, flags, &finished);
    for (unsigned i = 0; drop && i < TS_CALL_HANDLES; i++) {
        object_handle_put(dropped[i]);
    }
    return status;
}

ts_status_t port_take_handle(struct port *port, uint64_t id, uint32_t index,
                             struct handle *out_held, struct served **out_own)
{
    *out_held = (struct handle){0};
    *out_own = NULL;
    if (index >= TS_CALL_HANDLES) {
        return TS_ERR_ARGUMENT;
    }
    irqflags_t flags = spin_lock(&port->object.lock);
    struct slot *slot = port_slot(port, id);
    ts_status_t status = slot == NULL ? TS_ERR_GONE : TS_OK;
    if (status == TS_OK && slot->sent[index].object == NULL) {
        status = TS_ERR_NOT_FOUND;
    }
    if (status == TS_OK) {
        *out_held = slot->sent[index];
        slot->sent[index] = (struct handle){0};
        struct object *object = out_held->object;
        if (object->class == &served_class && served_of(object)->port == port) {
            *out_own = served_of(object);
        }
    }
    spin_unlock(&port->object.lock, flags);
    return status;
}

void port_take_back(struct port *port, uint64_t id, uint32_t index, struct handle held)
{
    irqflags_t flags = spin_lock(&port->object.lock);
    struct slot *slot = port_slot(port, id);
    bool there = slot != NULL && slot->sent[index].object == NULL;
    if (there) {
        slot->sent[index] = held;
    }
    spin_unlock(&port->object.lock, flags);
    if (!there) {
        object_handle_put(held);
    }
}

// ---- Objects

// Sets a slot apart, unless one is already; others keep at least one.
static ts_status_t reserve_make(struct port *port)
{
    if (port->reserve_object != NULL) {
        return TS_ERR_LIMIT;
    }
    if (port->reserve != PORT_NONE) {
        return TS_OK; // of an object that is gone
    }
    uint32_t index = port->slot_free;
    if (index == PORT_NONE || port->slots[index].next_free == PORT_NONE ||
        !port_may_take(0, port->requests_left)) {
        return TS_ERR_LIMIT;
    }
    struct port_client *client = client_nobody(port);
    if (client == NULL) {
        return TS_ERR_LIMIT;
    }
    client->objects = UINT32_MAX; // more than may be: what is asked there makes none
    port->reserve_client = (uint32_t)(client - port->clients);
    port->slot_free = port->slots[index].next_free;
    port->reserve = index;
    port->requests_left--;
    return TS_OK;
}

ts_status_t port_mint(struct port *port, uint32_t oid, uint64_t tag, ts_rights_t rights,
                      bool reserve, struct handle *out_held)
{
    if (oid >= port->object_count) {
        return TS_ERR_ARGUMENT;
    }
    irqflags_t flags = spin_lock(&port->object.lock);
    ts_status_t status = TS_OK;
    if (port->dead) {
        status = TS_ERR_PEER_CLOSED;
    } else if (port->served[oid].state != SERVED_FREE) {
        status = TS_ERR_EXISTS;
    }
    if (status == TS_OK && reserve) {
        status = reserve_make(port);
    }
    if (status == TS_OK) {
        served_begin(port, oid, tag, 0, PORT_NONE);
        if (reserve) {
            port->reserve_object = &port->served[oid];
            port->served[oid].asker = port->reserve_client;
        }
        *out_held =
            (struct handle){.object = &port->served[oid].object, .rights = rights & TS_RIGHTS_ALL};
    }
    spin_unlock(&port->object.lock, flags);
    return status;
}

// The live object of an oid with a reference that keeps its slot, or an error.
static ts_status_t served_get(struct port *port, uint32_t oid, struct served **out_served)
{
    if (oid >= port->object_count) {
        return TS_ERR_ARGUMENT;
    }
    struct served *served = &port->served[oid];
    irqflags_t flags = spin_lock(&port->object.lock);
    ts_status_t status = served->state == SERVED_LIVE ? TS_OK : TS_ERR_NOT_FOUND;
    if (port->dead) {
        status = TS_ERR_PEER_CLOSED;
    }
    if (status == TS_OK) {
        served->count++;
    }
    spin_unlock(&port->object.lock, flags);
    *out_served = served;
    return status;
}

ts_status_t port_signal(struct port *port, uint32_t oid, ts_signals_t clear, ts_signals_t set)
{
    if (((clear | set) & ~TS_SIGNALS_ALL) != 0) {
        return TS_ERR_ARGUMENT;
    }
    struct served *served;
    ts_status_t status = served_get(port, oid, &served);
    if (status != TS_OK) {
        return status;
    }
    object_signal(&served->object, clear, set, 0);
    served_count_drop(served);
    return TS_OK;
}

ts_status_t port_revoke(struct port *port, uint32_t oid)
{
    struct served *served;
    ts_status_t status = served_get(port, oid, &served);
    if (status != TS_OK) {
        return status;
    }
    irqflags_t flags = spin_lock(&port->object.lock);
    served->state = SERVED_REVOKED; // its parked requests end when they would be delivered
    spin_unlock(&port->object.lock, flags);
    object_signal(&served->object, TS_SIGNAL_READABLE | TS_SIGNAL_WRITABLE, TS_SIGNAL_CLOSED, 0);
    served_count_drop(served);
    return TS_OK;
}
