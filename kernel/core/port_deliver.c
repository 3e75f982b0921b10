// SPDX-License-Identifier: MIT
// How requests reach a port, wait in it and are delivered to its rings, notices with them. See
// port.h.
#include <core/hooks.h>
#include <core/handle_table.h>
#include <core/port.h>
#include <core/port_direct.h>
#include <core/port_tables.h>
#include <core/ring_publish.h>
#include <stdatomic.h>

#define ITEMS_PER_HOLD 8 // each may copy an inbox of 4 KiB with interrupts off

void port_inbox_fill(struct port *port, const struct request *request, uint32_t slot,
                     bool *out_done)
{
    uint32_t length = request->in_length < port->inbox_size ? request->in_length : port->inbox_size;
    char *to = port_inbox(port, slot);
    for (uint32_t done = 0; done < length;) {
        uint64_t address;
        uint32_t chunk = request_range(request, COPY_PULL, done, length - done, &address);
        *out_done =
            environment_copy_inbox(request->requester->space, address, to + done, chunk) == TS_OK;
        if (!*out_done) {
            return;
        }
        done += chunk;
    }
    *out_done = true;
}

// The same where a port may have no inbox.
static bool inbox_fill(struct port *port, const struct request *request, uint32_t slot)
{
    bool done = true;
    if (port->inbox_size != 0 && request->in_length != 0) {
        port_inbox_fill(port, request, slot, &done);
    }
    return done;
}

// A parked request goes to the ring, which has room, in a slot, which is free. Both locks held.
// False: it ended instead (its memory faulted, its object was revoked).
static bool request_deliver(struct port *port, struct ring *ring, uint64_t cookie,
                            struct request *request, uint32_t index, struct list *finished)
{
    struct served *served = request->served;
    request_unpark(port, request, true);
    ts_status_t status = served->state == SERVED_REVOKED ? TS_ERR_PEER_CLOSED : TS_OK;
    if (status == TS_OK && !inbox_fill(port, request, index)) {
        status = TS_ERR_FAULT;
    }
    if (status != TS_OK) {
        request_set_state(request, REQUEST_DONE);
        request->status = status;
        list_push_back(finished, &request->link);
        if (index == port->reserve) {
            port->requests_left--; // as in slot_release()
        }
        client_request_over(port, request->client);
        served_count_drop_locked(served);
        return false;
    }
    struct slot *slot = slot_fill(port, ring, cookie, request, index);
    if (request->priority > ring->requester.priority) {
        slot->borrower = environment_lend(ring, request->priority);
    }
    served_count_drop_locked(served); // the request is delivered: it counts no more
    return true;
}

static void cancel_publish(struct port *port, struct ring *ring, uint64_t cookie)
{
    struct slot *slot = list_entry(list_pop_front(&port->cancels), struct slot, cancel);
    port_queued_add(port, -1);
    slot->cancel_queued = false;
    struct ts_event *event = ring_slot(ring);
    *event = (struct ts_event){
        .user_data = cookie,
        .kind = TS_EVENT_CANCEL,
        .value = ts_request_id((uint32_t)(slot - port->slots), slot->generation),
    };
    ring->event_tail++;
}

static void closed_publish(struct port *port, struct ring *ring, uint64_t cookie)
{
    struct served *served = list_entry(list_pop_front(&port->closed), struct served, notice);
    port_queued_add(port, -1);
    *ring_slot(ring) = (struct ts_event){
        .user_data = cookie,
        .kind = TS_EVENT_CLOSED,
        .tag = served->tag,
        .oid = served->oid,
    };
    ring->event_tail++;
    served_free(served);
}

// (What a dead port still has is its teardown's: a ring that found the port before it died takes
// nothing into a slot that the teardown has passed.)
static bool port_has_items_locked(struct port *port)
{
    bool request = port->parked_mask != 0 && port->slot_free != PORT_NONE;
    return (request ||
            (port->queued != 0 && (!list_empty(&port->cancels) || !list_empty(&port->closed) ||
                                   port->reserve_parked != NULL))) &&
           !port->dead;
}

// Publishes one item; the ring has room. Both locks held. Returns the events written (0 or 1).
static uint32_t port_publish_one(struct port *port, struct ring *ring, uint64_t cookie,
                                 struct list *finished)
{
    if (!list_empty(&port->cancels)) {
        cancel_publish(port, ring, cookie);
        return 1;
    }
    if (!list_empty(&port->closed)) {
        closed_publish(port, ring, cookie);
        return 1;
    }
    struct request *request = port->reserve_parked;
    uint32_t index = port->reserve;
    if (__builtin_expect(request == NULL, true)) {
        request = list_entry(port->parked[port_urgency(port)].next, struct request, link);
        index = port->slot_free;
    } else {
        port->reserve_parked = NULL;
        port->slots[index].next_free = port->slot_free; // as if it were the first free one
    }
    return request_deliver(port, ring, cookie, request, index, finished);
}

// A round begins when the thread has read all that it got of the port. Returns how far it goes: the
// event_tail from which on a ring takes nobody's second turn.
static uint32_t port_round(struct port *port, struct ring *ring, struct ring_binding *binding)
{
    uint32_t unread = ring_unread(ring);
    if (port->parked_mask != 0 && binding->taken_tail - 1 - ring->event_head >= unread) {
        binding->round_tail = ring->event_tail;
        turns_anew(port);
    }
    return binding->round_tail + port->batch;
}

// The port has an item, and as many as are enough were taken in this round. (A ring that waits for
// more takes on.)
static bool port_is_to_wait(const struct port *port, struct ring *ring)
{
    return ring->event_tail - ring->event_head >= ring->wanted && list_empty(&port->cancels) &&
           list_empty(&port->closed) && port->reserve_parked == NULL && turn_is_second(port);
}

bool port_take(struct port *port, struct ring *ring, struct ring_binding *binding, uint64_t cookie,
               bool *out_left)
{
    struct list finished;
    list_init(&finished);
    irqflags_t flags = spin_lock(&port->object.lock);
    spin_lock_off(&ring->lock);
    bool left = port_has_items_locked(port), room = true;
    uint32_t end = left ? port_round(port, ring, binding) : 0;
    unsigned taken = 0;
    for (; taken < ITEMS_PER_HOLD && left; taken++) {
        room = !ring->destroyed && ring_has_room(ring);
        if (__builtin_expect((int32_t)(ring->event_tail - end) >= 0, false) && room) {
            room = !port_is_to_wait(port, ring);
        }
        if (!room) {
            break;
        }
        (void)port_publish_one(port, ring, cookie, &finished);
        left = port_has_items_locked(port);
    }
    if (taken != 0) {
        binding->taken_tail = ring->event_tail;
    }
    ring_wake_if_due(ring);
    spin_unlock_off(&ring->lock);
    if ((port->parked_mask | port->lent) != 0) {
        port_lend_parked(port); // (to another thread, too, if the ring has a new user)
    }
    port_unlock(port, flags, &finished);
    *out_left = left;
    return left && room;
}

// The idle ring that went idle last, on this CPU if there is one. Looked at without the rings'
// locks: the chosen one is looked at again.
static struct ring *port_idle_ring(struct port *port, struct ring_binding **out_binding)
{
    struct ring *best = NULL;
    bool best_here = false;
    uint64_t best_stamp = 0;
    uint32_t here = environment_cpu(), left = port->ring_count;
    for (unsigned i = 0; i < RING_BINDINGS_MAX && left > 0; i++) {
        struct ring *ring = port->rings[i].ring;
        left -= ring != NULL;
        if (ring == NULL || !atomic_load_explicit(TS_ATOMIC(&ring->idle), memory_order_relaxed)) {
            continue;
        }
        bool is_here =
            atomic_load_explicit(TS_ATOMIC(&ring->idle_cpu), memory_order_relaxed) == here;
        uint64_t stamp = atomic_load_explicit(TS_ATOMIC(&ring->idle_stamp), memory_order_relaxed);
        if (best != NULL && (best_here > is_here || (best_here == is_here && best_stamp > stamp))) {
            continue;
        }
        best = ring;
        best_here = is_here;
        best_stamp = stamp;
        *out_binding = &ring->bindings[port->rings[i].index];
    }
    return best;
}

// Nobody is idle: pollers learn that they should enter.
static void port_announce(struct port *port)
{
    uint32_t left = port->ring_count;
    for (unsigned i = 0; i < RING_BINDINGS_MAX && left > 0; i++) {
        struct ring *ring = port->rings[i].ring;
        if (ring == NULL) {
            continue;
        }
        left--;
        spin_lock_off(&ring->lock);
        ring_flag_pending(ring, true);
        spin_unlock_off(&ring->lock);
    }
}

// To idle rings, while there are both. After a hold's worth the rings are woken and take the rest.
static void dispatch(struct port *port, struct list *finished)
{
    // Pairs with the fence in ring_idle: it sees our item, or we see that it is idle.
    if (port->queued != 0) {
        atomic_thread_fence(memory_order_seq_cst);
    }
    for (unsigned i = 0; port_has_items_locked(port); i++) {
        struct ring_binding *binding;
        struct ring *ring = port_idle_ring(port, &binding);
        if (ring == NULL) {
            port_announce(port);
            return;
        }
        spin_lock_off(&ring->lock);
        if (!ring->idle) {
            spin_unlock_off(&ring->lock);
            continue;
        }
        if (i >= ITEMS_PER_HOLD || !ring_has_room(ring)) {
            ring_set_idle(ring, false); // it has much to do, or a queue full of events
            environment_wake_ring(ring);
        } else {
            binding->round_tail = ring->event_tail; // its thread has read all, or waits for more
            (void)port_publish_one(port, ring, binding->cookie, finished);
            binding->taken_tail = ring->event_tail;
            ring_wake_if_due(ring);
        }
        spin_unlock_off(&ring->lock);
    }
}

void port_dispatch(struct port *port, struct list *finished)
{
    dispatch(port, finished);
    if (port->lent != (port->parked_mask != 0 ? port_urgency(port) : 0)) {
        port_lend_parked(port);
    }
}

// Whether the rings know of something that still waits and is as urgent: none of them is idle then.
static bool port_is_announced(const struct port *port, uint8_t priority)
{
    return port->slot_free != PORT_NONE && port->parked_mask >> (priority & (PRIORITIES - 1)) != 0;
}

// The reserve takes one request at a time: what it has is not taken yet, or not answered.
static ts_status_t reserve_admit(struct port *port, struct request *request,
                                 struct port_client **out_client)
{
    *out_client = &port->clients[port->reserve_client];
    if ((*out_client)->requests != 0) {
        return TS_ERR_LIMIT;
    }
    request->client = port->reserve_client;
    port->reserve_parked = request; // as it will be
    port->requests_left++;          // its place is its own: request_park() takes another's
    return TS_OK;
}

// Whose request it is; *out_waits: it has its share. TS_ERR_LIMIT: there is no room for another
// client; TS_ERR_AGAIN: the request would have to wait for its client's others, and is not to.
static ts_status_t request_admit(struct port *port, struct served *served, struct request *request,
                                 struct port_client **out_client, bool *out_waits)
{
    uint32_t number = request->requester->client;
    struct port_client *client = &port->clients[served->asker];
    *out_waits = false;
    if (client->number != number) {
        if (served == port->reserve_object) { // whose `asker` has no number
            return reserve_admit(port, request, out_client);
        }
        client = client_get(port, number);
        if (client == NULL) {
            return TS_ERR_LIMIT;
        }
        served->asker = (uint32_t)(client - port->clients);
    }
    bool room = port_may_take(client->requests, port->requests_left);
    if (!room && client->requests == 0) {
        return TS_ERR_LIMIT;
    }
    request->client = served->asker;
    *out_client = client;
    *out_waits = !room || !list_empty(&client->waiting);
    return *out_waits && (request->flags & TS_FLAG_NOWAIT) != 0 ? TS_ERR_AGAIN : TS_OK;
}

// Goes to the port's one ring if that takes it at once. True: it is delivered, or DONE since its
// memory faults. Port locked.
static bool request_go_direct(struct port *port, struct port_client *client,
                              struct request *request, struct list *finished)
{
    struct ring *ring = port->rings[0].ring;
    struct ring_binding *binding = &ring->bindings[port->rings[0].index];
    spin_lock_off(&ring->lock);
    bool taken = ring_is_direct(port, ring, binding, request->client);
    if (taken && !inbox_fill(port, request, port->slot_free)) {
        object_body_get(&port->object);
        request_set_state(request, REQUEST_DONE);
        request->status = TS_ERR_FAULT;
        list_push_back(finished, &request->link);
    } else if (taken) {
        direct_round(port, ring, binding, request->client, ring->idle);
        struct slot *slot = direct_deliver(port, ring, binding, client, request);
        if (request->priority > ring->requester.priority) {
            slot->borrower = environment_lend(ring, request->priority);
        }
        ring_wake_if_due(ring);
    }
    spin_unlock_off(&ring->lock);
    return taken;
}

// It is parked, or waits for its client's others.
static void request_queue(struct port *port, struct port_client *client, struct request *request,
                          bool waits, struct list *finished)
{
    bool announced = waits || port_is_announced(port, request->priority);
    object_body_get(&port->object);
    request->served->count++;
    if (waits) {
        client_wait(port, client, request);
    } else {
        request_park(port, client, request);
    }
    if (!announced) {
        port_dispatch(port, finished);
    }
}

void port_issue(struct request *request, struct served *served, const struct handle_entry *entry,
                uint64_t word)
{
    struct list finished;
    list_init(&finished);
    struct port *port = served->port;
    irqflags_t flags = spin_lock(&port->object.lock);
    struct port_client *client;
    bool waits;
    ts_status_t status = TS_OK;
    // A close of the object's last handle needs the lock that we have: is it still there?
    if (atomic_load_explicit(&entry->word, memory_order_relaxed) != word) {
        status = TS_ERR_HANDLE;
    } else if (port->dead || served->state != SERVED_LIVE) {
        status = TS_ERR_PEER_CLOSED;
    } else {
        status = request_admit(port, served, request, &client, &waits);
    }
    if (status != TS_OK) {
        request_set_state(request, REQUEST_DONE);
        request->status = status;
        spin_unlock(&port->object.lock, flags);
        request_complete(request);
        return;
    }
    request->home = HOME_PORT;
    request->port = port;
    request->served = served;
    if (request->deadline != TS_DEADLINE_NONE) {
        timer_start(&request->timer, request->deadline);
    }
    bool direct = !waits && port_is_direct(port) && served != port->reserve_object;
    if (!direct || !request_go_direct(port, client, request, &finished)) {
        request_queue(port, client, request, waits, &finished);
    }
    port_unlock(port, flags, &finished);
}

void port_give_turn(struct port *port)
{
    irqflags_t flags = spin_lock(&port->object.lock);
    uint32_t left = port->ring_count;
    for (unsigned i = 0; i < RING_BINDINGS_MAX && left > 0; i++) {
        if (port->rings[i].ring == NULL) {
            continue;
        }
        left--;
        environment_give_turn(port->rings[i].ring);
    }
    spin_unlock(&port->object.lock, flags);
}
