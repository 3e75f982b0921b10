// SPDX-License-Identifier: MIT
// How requests reach a port, wait in it, are delivered, cancelled and cut off. See port.h.
#include <core/environment.h>
#include <core/handle_table.h>
#include <core/port.h>
#include <core/port_tables.h>
#include <core/ring_publish.h>

#define NONE           UINT32_MAX
#define ITEMS_PER_HOLD 8   // each may copy an inbox of 4 KiB with interrupts off
#define DESTROY_SKIP   64u // looked at per lock hold

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
    port->sessions = tables.sessions;
    for (unsigned i = 0; i < 32; i++)
        list_init(&port->parked[i]);
    list_init(&port->cancels);
    list_init(&port->closed);
    for (uint32_t i = 0; i < requests; i++) {
        port->slots[i].generation = 1;
        port->slots[i].next_free = i + 1 < requests ? i + 1 : NONE;
        list_init(&port->slots[i].cancel);
    }
    for (uint32_t i = 0; i < objects; i++) {
        object_init(&port->served[i].object, &served_class);
        port->served[i].port = port;
        port->served[i].oid = i;
        list_init(&port->served[i].notice);
    }
    for (uint32_t i = 0; i < requests + objects; i++) {
        list_init(&port->sessions[i].waiting);
        port->sessions[i].next_free = i + 1 < requests + objects ? i + 1 : NONE;
    }
    port->slot_free = 0;
    port->session_free = 0;
}

void port_finish_some(struct list *finished)
{
    struct list *node;
    while ((node = list_pop_front(finished)) != NULL)
        request_complete(list_entry(node, struct request, link));
}

// Sessions ------------------------------------------------------------------------------------

uint32_t session_start(struct port *port)
{
    uint32_t index = port->session_free;
    struct session *session = &port->sessions[index];
    port->session_free = session->next_free;
    session->users = 0;
    session->requests = 0;
    session->limit = TS_SESSION_REQUESTS;
    return index;
}

static void request_park(struct port *port, struct request *request)
{
    struct session *session = &port->sessions[request->served->session];
    session->requests++;
    session->users++;
    request_set_state(request, REQUEST_PARKED);
    list_push_back(&port->parked[request->priority & 31], &request->link);
    port->parked_mask |= 1u << (request->priority & 31);
    port_queued_add(port, 1);
}

// One request of the session is over: the next one of those over the limit is parked.
static void session_request_over(struct port *port, uint32_t index)
{
    struct session *session = &port->sessions[index];
    session->requests--;
    struct list *next =
        session->requests < session->limit ? list_pop_front(&session->waiting) : NULL;
    if (next != NULL)
        request_park(port, list_entry(next, struct request, link));
    session_leave(port, index);
}

// Served objects' counts ----------------------------------------------------------------------

void served_begin(struct port *port, uint32_t oid, uint64_t tag, uint32_t session)
{
    struct served *served = &port->served[oid];
    served->state = SERVED_LIVE;
    served->tag = tag;
    served->count = 1;
    served->session = session;
    port->sessions[session].users++;
    atomic_store_explicit(&served->object.signals, 0, memory_order_relaxed);
    object_get(&port->object); // for the slot, until it is free again
}

static void served_free(struct served *served)
{
    struct port *port = served->port;
    served->state = SERVED_FREE;
    session_leave(port, served->session);
    // The port may go to the reaper by this; its memory outlasts this section (object.h).
    object_put(&port->object);
}

void served_count_drop_locked(struct served *served)
{
    if (--served->count != 0)
        return;
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
    spin_unlock(&port->object.lock, flags);
    port_finish(&finished);
}

// Slots ---------------------------------------------------------------------------------------

struct slot *port_slot(struct port *port, uint64_t id)
{
    uint32_t index = TS_REQUEST_SLOT(id);
    if (index >= port->slot_count)
        return NULL;
    struct slot *slot = &port->slots[index];
    for (;;) {
        if (slot->state == SLOT_FREE || slot->generation != TS_REQUEST_GENERATION(id))
            return NULL;
        if (!slot->copying)
            return slot;
        // Another CPU copies a page, with interrupts off: this is short.
        spin_unlock_off(&port->object.lock);
        environment_relax();
        spin_lock_off(&port->object.lock);
    }
}

struct request *slot_end_request(struct port *port, struct slot *slot, ts_status_t status)
{
    struct request *request = slot->request;
    request_set_state(request, REQUEST_DONE);
    request->status = status;
    slot->request = NULL;
    session_request_over(port, slot->session);
    return request;
}

// Delivery ------------------------------------------------------------------------------------

// The inbox gets the first bytes of the request. False: the client's memory cannot be read.
static bool inbox_fill(struct port *port, struct request *request, uint32_t slot)
{
    uint32_t length = request->in_length < port->inbox_size ? request->in_length : port->inbox_size;
    char *to = (char *)port->inbox + (size_t)slot * port->inbox_size;
    for (uint32_t done = 0; done < length;) {
        uint64_t address;
        uint32_t chunk = request_range(request, COPY_PULL, done, length - done, &address);
        if (environment_copy_inbox(request->requester->space, address, to + done, chunk) != TS_OK)
            return false;
        done += chunk;
    }
    return true;
}

// Takes a request out of the parked ones.
static void request_unpark(struct port *port, struct request *request)
{
    list_remove(&request->link);
    port_queued_add(port, -1);
    if (list_empty(&port->parked[request->priority & 31]))
        port->parked_mask &= ~(1u << (request->priority & 31));
}

// A parked request goes to the ring, which has room, in a slot, which is free. Both locks held.
// False: it ended instead (its memory faulted, its object was revoked).
static bool request_deliver(struct port *port, struct ring *ring, uint64_t cookie,
                            struct request *request, struct list *finished)
{
    struct served *served = request->served;
    uint32_t session = served->session;
    uint32_t index = port->slot_free;
    struct slot *slot = &port->slots[index];
    request_unpark(port, request);
    ts_status_t status = served->state == SERVED_REVOKED ? TS_ERR_PEER_CLOSED : TS_OK;
    if (status == TS_OK && port->inbox_size != 0 && !inbox_fill(port, request, index))
        status = TS_ERR_FAULT;
    if (status != TS_OK) {
        request_set_state(request, REQUEST_DONE);
        request->status = status;
        list_push_back(finished, &request->link);
        session_request_over(port, session);
        served_count_drop_locked(served);
        return false;
    }
    port->slot_free = slot->next_free;
    slot->request = request;
    slot->state = SLOT_DELIVERED;
    slot->session = session;
    request->slot = index;
    request_set_state(request, REQUEST_DELIVERED);
    for (unsigned i = 0; i < request->in_handles; i++) {
        if (request->sent[i] == TS_HANDLE_NONE)
            continue;
        handle_transit_commit(request->requester->handles, request->sent[i]);
        slot->sent[i] = request->sent_capability[i];
        request->sent[i] = TS_HANDLE_NONE;
    }
    port_fill_event(ring_slot(ring), cookie, slot, request);
    ring->event_tail++;
    environment_donate(ring, request->priority);
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
        .value = (uint64_t)slot->generation << 32 | (uint32_t)(slot - port->slots),
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

static bool port_has_items_locked(struct port *port)
{
    return port->queued != 0 && (!list_empty(&port->cancels) || !list_empty(&port->closed) ||
                                 (port->parked_mask != 0 && port->slot_free != NONE));
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
    struct list *first = port->parked[port_urgency(port)].next;
    return request_deliver(port, ring, cookie, list_entry(first, struct request, link), finished);
}

bool port_take(struct port *port, struct ring *ring, uint64_t cookie, bool *out_left)
{
    struct list finished;
    list_init(&finished);
    irqflags_t flags = spin_lock(&port->object.lock);
    spin_lock_off(&ring->lock);
    bool left = port_has_items_locked(port), room = true;
    for (unsigned i = 0; i < ITEMS_PER_HOLD && left; i++) {
        room = !ring->destroyed && ring_has_room(ring);
        if (!room)
            break;
        (void)port_publish_one(port, ring, cookie, &finished);
        left = port_has_items_locked(port);
    }
    ring_wake_if_due(ring);
    spin_unlock_off(&ring->lock);
    spin_unlock(&port->object.lock, flags);
    port_finish(&finished);
    *out_left = left;
    return left && room;
}

// The idle ring that went idle last, on this CPU if there is one. Looked at without the rings'
// locks: whoever is chosen is looked at again.
static struct ring *port_idle_ring(struct port *port, uint64_t *out_cookie)
{
    struct ring *best = NULL;
    bool best_here = false;
    uint64_t best_stamp = 0;
    uint32_t here = environment_cpu(), left = port->ring_count;
    for (unsigned i = 0; i < RING_BINDINGS_MAX && left > 0; i++) {
        struct ring *ring = port->rings[i].ring;
        left -= ring != NULL;
        if (ring == NULL || !__atomic_load_n(&ring->idle, __ATOMIC_RELAXED))
            continue;
        bool is_here = __atomic_load_n(&ring->idle_cpu, __ATOMIC_RELAXED) == here;
        uint64_t stamp = __atomic_load_n(&ring->idle_stamp, __ATOMIC_RELAXED);
        if (best != NULL && (best_here > is_here || (best_here == is_here && best_stamp > stamp)))
            continue;
        best = ring;
        best_here = is_here;
        best_stamp = stamp;
        *out_cookie = ring->bindings[port->rings[i].index].cookie;
    }
    return best;
}

// Nobody is idle: pollers learn that they should enter, and the port's threads hurry.
static void port_announce(struct port *port)
{
    uint32_t left = port->ring_count;
    for (unsigned i = 0; i < RING_BINDINGS_MAX && left > 0; i++) {
        struct ring *ring = port->rings[i].ring;
        if (ring == NULL)
            continue;
        left--;
        spin_lock_off(&ring->lock);
        ring_flag_pending(ring, true);
        spin_unlock_off(&ring->lock);
    }
    if (port->parked_mask != 0)
        environment_raise(port, port_urgency(port));
}

void port_dispatch(struct port *port, struct list *finished)
{
    // Pairs with the fence in ring_idle: it sees our item, or we see that it is idle.
    if (port->queued != 0)
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    while (port_has_items_locked(port)) {
        uint64_t cookie = 0;
        struct ring *ring = port_idle_ring(port, &cookie);
        if (ring == NULL) {
            port_announce(port);
            return;
        }
        spin_lock_off(&ring->lock);
        if (!ring->idle) {
            spin_unlock_off(&ring->lock);
            continue;
        }
        if (!ring_has_room(ring)) {
            ring_set_idle(ring, false); // it has a queue full of events: it should run
            environment_wake_ring(ring);
        } else {
            (void)port_publish_one(port, ring, cookie, finished);
            ring_wake_if_due(ring);
        }
        spin_unlock_off(&ring->lock);
    }
}

// Whether the rings know of something that still waits and is as urgent: none of them is idle then.
static bool port_is_announced(const struct port *port, uint8_t priority)
{
    return port->slot_free != NONE && port->parked_mask >> (priority & 31) != 0;
}

void port_issue(struct request *request, struct served *served, const struct handle_entry *entry,
                uint64_t word)
{
    struct list finished;
    list_init(&finished);
    struct port *port = served->port;
    irqflags_t flags = spin_lock(&port->object.lock);
    ts_status_t status = TS_OK;
    // Who closes the object's last handle needs the lock that we have: is it still there?
    if (atomic_load_explicit(&entry->word, memory_order_relaxed) != word)
        status = TS_ERR_HANDLE;
    else if (port->dead || served->state != SERVED_LIVE)
        status = TS_ERR_PEER_CLOSED;
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
    object_get(&port->object);
    served->count++;
    if (request->deadline != TS_DEADLINE_NONE)
        timer_start(&request->timer, request->deadline);
    struct session *session = &port->sessions[served->session];
    if (session->requests >= session->limit) {
        list_push_back(&session->waiting, &request->link);
    } else {
        bool announced = port_is_announced(port, request->priority);
        request_park(port, request);
        if (!announced)
            port_dispatch(port, &finished);
    }
    spin_unlock(&port->object.lock, flags);
    port_finish(&finished);
}

// Cancel and detach -----------------------------------------------------------------------------

// The client is cut off: the slot stays until the server answers.
static void slot_detach(struct port *port, struct slot *slot, struct list *finished)
{
    list_push_back(finished, &slot_end_request(port, slot, TS_ERR_ABANDONED)->link);
    slot->state = SLOT_DETACHED;
}

static void request_withdraw(struct port *port, struct request *request, ts_status_t status,
                             struct list *finished)
{
    struct served *served = request->served;
    bool parked = request->state == REQUEST_PARKED;
    if (parked)
        request_unpark(port, request);
    else
        list_remove(&request->link);
    request_set_state(request, REQUEST_DONE);
    request->status = status;
    list_push_back(finished, &request->link);
    if (parked)
        session_request_over(port, served->session);
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
        slot->cancel_queued = true;
        list_push_back(&port->cancels, &slot->cancel);
        port_queued_add(port, 1);
        request->deadline = clock_now() + TS_CANCEL_GRACE_NS;
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
        uint64_t id = (uint64_t)slot->generation << 32 | request->slot;
        if (port_slot(port, id) == NULL || slot->request != request)
            break; // it was answered while a copy was awaited
        if (expired)
            force = request_state(request) == REQUEST_CANCELLING;
        result = request_cancel_delivered(port, request, force, &finished);
        break;
    }
    case REQUEST_FREE:
    case REQUEST_DONE: break;
    }
    port_dispatch(port, &finished);
    spin_unlock(&port->object.lock, flags);
    port_finish(&finished);
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

// Bindings --------------------------------------------------------------------------------------

static bool binding_add(struct port *port, unsigned place, struct ring *ring, uint64_t cookie)
{
    for (uint32_t i = 0; i < RING_BINDINGS_MAX; i++) {
        if (ring->bindings[i].port != NULL)
            continue;
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
    irqflags_t flags = spin_lock(&port->object.lock);
    for (unsigned i = 0; i < RING_BINDINGS_MAX; i++) {
        if (port->rings[i].ring == ring)
            status = TS_ERR_EXISTS;
        else if (port->rings[i].ring == NULL && place == RING_BINDINGS_MAX)
            place = i;
    }
    spin_lock_off(&ring->lock);
    if (status == TS_OK && (port->dead || ring->destroyed))
        status = TS_ERR_PEER_CLOSED;
    if (status == TS_OK && (place == RING_BINDINGS_MAX || !binding_add(port, place, ring, cookie)))
        status = TS_ERR_LIMIT;
    spin_unlock_off(&ring->lock);
    spin_unlock(&port->object.lock, flags);
    return status;
}

static void binding_remove(struct port *port, unsigned place)
{
    struct ring *ring = port->rings[place].ring;
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
        if (port->rings[i].ring != ring)
            continue;
        binding_remove(port, i);
        status = TS_OK;
    }
    spin_unlock(&port->object.lock, flags);
    return status;
}

// The end of a port -------------------------------------------------------------------------------

void port_close(struct port *port)
{
    irqflags_t flags = spin_lock(&port->object.lock);
    port->dead = true;
    for (unsigned i = 0; i < RING_BINDINGS_MAX; i++) {
        if (port->rings[i].ring != NULL)
            binding_remove(port, i);
    }
    spin_unlock(&port->object.lock, flags);
}

static void destroy_waiting(struct port *port, struct session *session, struct list *finished)
{
    struct list *node = session->waiting.next;
    if (node != &session->waiting)
        request_withdraw(port, list_entry(node, struct request, link), TS_ERR_PEER_CLOSED,
                         finished);
}

static void destroy_slot(struct port *port, struct slot *slot, struct list *finished,
                         struct capability sent[TS_CALL_HANDLES])
{
    if (slot->state == SLOT_FREE)
        return;
    uint64_t id = (uint64_t)slot->generation << 32 | (uint32_t)(slot - port->slots);
    if (port_slot(port, id) == NULL)
        return;
    if (slot->request != NULL)
        list_push_back(finished, &slot_end_request(port, slot, TS_ERR_PEER_CLOSED)->link);
    for (unsigned i = 0; i < TS_CALL_HANDLES; i++) {
        sent[i] = slot->sent[i];
        slot->sent[i] = (struct capability){0};
    }
    slot_release(port, slot);
}

// Moves the cursor past sessions in which nothing waits, free slots and free objects, which is what
// the tables of most ports mostly are. The lock is held: it goes a bounded way.
static void destroy_skip(struct port *port)
{
    uint32_t sessions = port->slot_count + port->object_count;
    uint32_t slots = sessions + port->slot_count, end = slots + port->object_count;
    for (unsigned i = 0; i < DESTROY_SKIP && port->cursor < end; i++) {
        uint32_t at = port->cursor;
        bool nothing = at < sessions ? list_empty(&port->sessions[at].waiting)
                       : at < slots  ? port->slots[at - sessions].state == SLOT_FREE
                                     : port->served[at - slots].state == SERVED_FREE;
        if (!nothing)
            return;
        port->cursor++;
    }
}

// One step of the teardown: a parked request, a waiting one, a slot, or an object. False at the
// end.
static bool destroy_step(struct port *port)
{
    struct list finished;
    list_init(&finished);
    struct capability sent[TS_CALL_HANDLES] = {{0}};
    struct served *closed = NULL;
    bool more = true;
    irqflags_t flags = spin_lock(&port->object.lock);
    destroy_skip(port);
    uint32_t cursor = port->cursor;
    uint32_t sessions = port->slot_count + port->object_count;
    if (port->parked_mask != 0) {
        struct list *first = port->parked[port_urgency(port)].next;
        request_withdraw(port, list_entry(first, struct request, link), TS_ERR_PEER_CLOSED,
                         &finished);
    } else if (!list_empty(&port->closed)) {
        port_queued_add(port, -1);
        served_free(list_entry(list_pop_front(&port->closed), struct served, notice));
    } else if (cursor < sessions) {
        destroy_waiting(port, &port->sessions[cursor], &finished);
        if (list_empty(&port->sessions[cursor].waiting))
            port->cursor++;
    } else if (cursor < sessions + port->slot_count) {
        destroy_slot(port, &port->slots[cursor - sessions], &finished, sent);
        port->cursor++;
    } else if (cursor < sessions + port->slot_count + port->object_count) {
        closed = &port->served[cursor - sessions - port->slot_count];
        if (closed->state == SERVED_FREE)
            closed = NULL;
        port->cursor++;
    } else {
        more = false;
    }
    spin_unlock(&port->object.lock, flags);
    port_finish(&finished);
    for (unsigned i = 0; i < TS_CALL_HANDLES; i++)
        object_capability_put(sent[i]);
    if (closed != NULL)
        object_signal(&closed->object, TS_SIGNAL_READABLE | TS_SIGNAL_WRITABLE, TS_SIGNAL_CLOSED,
                      0);
    return more;
}

bool port_destroy_some(struct port *port, uint32_t most)
{
    for (uint32_t i = 0; i < most; i++) {
        if (!destroy_step(port))
            return false;
    }
    return true;
}
