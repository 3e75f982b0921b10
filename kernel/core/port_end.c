// SPDX-License-Identifier: MIT
// How requests end without an answer: cancelled, late, cut off, or with their port. See port.h.
#include <core/hooks.h>
#include <core/handle_table.h>
#include <core/port.h>
#include <core/port_tables.h>
#include <core/ring_publish.h>
#include <core/time.h>

#define DESTROY_SKIP 64u // looked at per lock hold

// ---- Cancel and detach

// The server is told that the request is to end, or has ended: once.
static void slot_tell_cancel(struct port *port, struct slot *slot)
{
    slot->cancel_queued = true;
    list_push_back(&port->cancels, &slot->cancel);
    port_queued_add(port, 1);
}

// The client is cut off: the slot stays until the server answers, which nobody waits for any more.
static void slot_detach(struct port *port, struct slot *slot, struct list *finished)
{
    if (slot->state == SLOT_DELIVERED) {
        slot_tell_cancel(port, slot);
    }
    list_push_back(finished, &slot_end_request(slot, TS_ERR_ABANDONED)->link);
    slot->request = NULL;
    slot->state = SLOT_DETACHED; // and still counts for its client
}

static void request_withdraw(struct port *port, struct request *request, ts_status_t status,
                             struct list *finished)
{
    struct served *served = request->served;
    bool parked = request->state == REQUEST_PARKED;
    if (request == port->reserve_parked) {
        port->reserve_parked = NULL;
        port->requests_left--; // as in slot_release()
    }
    if (parked) {
        request_unpark(port, request, false);
    } else {
        client_wait_no_more(port, &port->clients[request->client], request);
    }
    request_set_state(request, REQUEST_DONE);
    request->status = status;
    list_push_back(finished, &request->link);
    if (parked) {
        client_request_over(port, request->client);
    }
    served_count_drop_locked(served);
}

// In the server's hands. Returns TS_ERR_BUSY when it was told, 0 when it was cut off. The timer is
// stopped, or is the caller.
static ts_status_t request_cancel_delivered(struct port *port, struct request *request, bool force,
                                            struct list *finished)
{
    struct slot *slot = &port->slots[request->slot];
    if (force) {
        slot_detach(port, slot, finished);
        return TS_OK;
    }
    if (request_state(request) == REQUEST_DELIVERED) {
        request_set_state(request, REQUEST_CANCELLING);
        slot->state = SLOT_CANCELLING;
        slot_tell_cancel(port, slot);
        request->deadline = time_add(clock_now(), TS_CANCEL_GRACE_NS);
    }
    timer_start(&request->timer, request->deadline);
    return TS_ERR_BUSY;
}

// Ends or announces the end of a record, whose timer is stopped or is the caller. `force` is
// decided under the lock when the timer asks: it expires a second time when the grace is over.
static ts_status_t request_end(struct port *port, struct request *request, ts_status_t status,
                               bool force, bool expired)
{
    struct list finished;
    list_init(&finished);
    ts_status_t result = TS_ERR_NOT_FOUND;
    irqflags_t flags = spin_lock(&port->object.lock);
    switch (request_state(request)) {
    case REQUEST_ISSUED:
    case REQUEST_PARKED:
        request_withdraw(port, request, status, &finished);
        result = TS_OK;
        break;
    case REQUEST_DELIVERED:
    case REQUEST_CANCELLING: {
        struct slot *slot = &port->slots[request->slot];
        uint64_t id = ts_request_id(request->slot, slot->generation);
        if (port_slot(port, id) == NULL || slot->request != request) {
            break; // it was answered while a copy was awaited
        }
        if (expired) {
            force = request_state(request) == REQUEST_CANCELLING;
        }
        result = request_cancel_delivered(port, request, force, &finished);
        break;
    }
    case REQUEST_FREE:
    case REQUEST_DONE: break;
    }
    port_dispatch(port, &finished);
    port_unlock(port, flags, &finished);
    return result;
}

ts_status_t port_cancel(struct request *request, ts_status_t status, bool force)
{
    struct port *port = request->port;
    // Afterwards nobody but us starts it; a grace that runs is started again for what is left of
    // it.
    timer_stop(&request->timer);
    return request_end(port, request, status, force, false);
}

void port_expired(struct request *request)
{
    // Not stopped here: that would let the completer go on, and the record be used again, before we
    // have looked at it. While its timer's callback runs, a record is not completed.
    (void)request_end(request->port, request, TS_ERR_TIMED_OUT, false, true);
}

// ---- The end of a port

static void destroy_slot(struct port *port, uint32_t index, struct list *finished,
                         struct handle sent[TS_CALL_HANDLES])
{
    struct slot *slot = &port->slots[index];
    if (slot->state == SLOT_FREE) {
        return;
    }
    uint64_t id = ts_request_id(index, slot->generation);
    if (port_slot(port, id) == NULL) {
        return;
    }
    if (slot->request != NULL) {
        list_push_back(finished, &slot_end_request(slot, TS_ERR_PEER_CLOSED)->link);
    }
    for (unsigned i = 0; i < TS_CALL_HANDLES; i++) {
        sent[i] = slot->sent[i];
        slot->sent[i] = (struct handle){0};
    }
    slot_release(port, slot, index);
}

// Moves the cursor past free slots and free objects, which is what the tables of most ports mostly
// are. The lock is held: it goes a bounded way.
static void destroy_skip(struct port *port)
{
    uint32_t slots = port->slot_count, end = slots + port->object_count;
    for (unsigned i = 0; i < DESTROY_SKIP && port->cursor < end; i++) {
        uint32_t at = port->cursor;
        bool nothing = at < slots ? port->slots[at].state == SLOT_FREE
                                  : port->served[at - slots].state == SERVED_FREE;
        if (!nothing) {
            return;
        }
        port->cursor++;
    }
}

// One step of the teardown: a parked request, a slot, or an object. What waits is parked by the end
// of what its client has parked or in a slot. False at the end.
static bool destroy_step(struct port *port)
{
    struct list finished;
    list_init(&finished);
    struct handle sent[TS_CALL_HANDLES] = {{0}};
    struct served *closed = NULL;
    bool more = true;
    irqflags_t flags = spin_lock(&port->object.lock);
    destroy_skip(port);
    uint32_t cursor = port->cursor;
    uint32_t slots = port->slot_count;
    if (port->parked_mask != 0) {
        struct list *first = port->parked[port_urgency(port)].next;
        request_withdraw(port, list_entry(first, struct request, link), TS_ERR_PEER_CLOSED,
                         &finished);
    } else if (!list_empty(&port->closed)) {
        port_queued_add(port, -1);
        served_free(list_entry(list_pop_front(&port->closed), struct served, notice));
    } else if (cursor < slots) {
        destroy_slot(port, cursor, &finished, sent);
        port->cursor++;
    } else if (cursor < slots + port->object_count) {
        closed = &port->served[cursor - slots];
        if (closed->state == SERVED_FREE) {
            closed = NULL;
        }
        port->cursor++;
    } else {
        more = false;
    }
    port_unlock(port, flags, &finished);
    for (unsigned i = 0; i < TS_CALL_HANDLES; i++) {
        object_handle_put(sent[i]);
    }
    if (closed != NULL) {
        object_signal(&closed->object, TS_SIGNAL_READABLE | TS_SIGNAL_WRITABLE, TS_SIGNAL_CLOSED,
                      0);
    }
    return more;
}

bool port_destroy_some(struct port *port, uint32_t most)
{
    for (uint32_t i = 0; i < most; i++) {
        if (!destroy_step(port)) {
            return false;
        }
    }
    return true;
}
