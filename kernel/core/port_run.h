// SPDX-License-Identifier: MIT
// Runs: requests that go the direct way (port_direct.h) one after the other, and answers to
// requests of rings, while the locks are taken once for all of them: of the port and its ring, and
// of the port and the client's ring. For what lies in a ring to be submitted, a few in a row
// (kernel/syscall/submit.c). A reader or a waiter is told at the end.
//
// Each step does what port_issue(), port_reply() and request_complete() do in the case that it
// takes; what is not that case ends the run and goes there. Interrupts are off all the while.
#pragma once

#include <core/port_direct.h>

// Requests of one ring on one object, which a handle's entry names when the run begins: what
// closes the handle meanwhile needs the port's lock before the object is over.
struct request_run {
    struct port *port; // NULL: there is no run
    struct ring *ring; // that serves it
    struct ring_binding *binding;
    struct port_client *client;
    struct served *served;
    uint32_t left; // so many can follow, while there are slots
};

// (The locks are kept: the checker cannot see that.)
static inline bool request_run_begin(struct request_run *run, struct served *served,
                                     const struct handle_entry *entry, uint64_t word,
                                     uint32_t number) LOCK_UNCHECKED
{
    struct port *port = served->port;
    spin_lock_off(&port->object.lock);
    struct port_client *client = &port->clients[served->asker];
    if (atomic_load_explicit(&entry->word, memory_order_relaxed) == word &&
        served->state == SERVED_LIVE && port_is_direct(port) && client->number == number &&
        port_may_take(client->requests, port->requests_left)) {
        struct ring *ring = port->rings[0].ring;
        struct ring_binding *binding = &ring->bindings[port->rings[0].index];
        spin_lock_off(&ring->lock);
        if (ring_is_direct(port, ring, binding, served->asker)) {
            *run = (struct request_run){port, ring, binding, client, served, 0};
            return true;
        }
        spin_unlock_off(&ring->lock);
    }
    spin_unlock_off(&port->object.lock);
    return false;
}

// Whether another one can follow.
static inline bool request_run_goes_on(const struct request_run *run, const struct served *served)
{
    return run->served == served && run->left != 0 && run->port->slot_free != PORT_NONE;
}

// A filled request without deadline and without bytes for an inbox.
DIRECT_INLINE void request_run_add(struct request_run *run, struct request *request)
{
    struct served *served = run->served;
    request->home = HOME_PORT;
    request->port = run->port;
    request->served = served;
    request->client = served->asker;
    struct slot *slot = direct_deliver(run->port, run->ring, run->binding, run->client, request);
    if (__builtin_expect(request->priority > run->ring->requester.priority, false)) {
        slot->borrower = environment_lend(run->ring, request->priority);
    }
}

static inline uint32_t run_least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

// The first one. What follows is bound by the client's share, which each one makes smaller by two,
// by what the ring takes of a client in a round (Q21), and by its room.
static inline void request_run_add_first(struct request_run *run, struct request *request)
{
    struct port *port = run->port;
    struct ring *ring = run->ring;
    direct_round(port, ring, run->binding, run->served->asker, ring->idle);
    request_run_add(run, request);
    int32_t of_round = (int32_t)(run->binding->round_tail + port->batch - ring->event_tail);
    uint32_t room = ring->event_count - ring_unread(ring);
    run->left = 0;
    if (port_may_take(run->client->requests, port->requests_left) && of_round > 0) {
        uint32_t of_share = (port->requests_left - run->client->requests) / 2 + 1;
        run->left = run_least(run_least(of_share, room), (uint32_t)of_round);
    }
}

// A further one, if it goes on.
DIRECT_INLINE void request_run_add_next(struct request_run *run, struct request *request)
{
    run->left--;
    request_run_add(run, request);
}

static inline void request_run_end(struct request_run *run) LOCK_UNCHECKED
{
    if (run->port == NULL) {
        return;
    }
    ring_wake_if_due(run->ring);
    spin_unlock_off(&run->ring->lock);
    spin_unlock_off(&run->port->object.lock);
    run->port = NULL;
    run->served = NULL;
}

// Answers at one port, without bytes and handles, to requests of rings that have neither deadline
// nor handles.
struct reply_run {
    struct port *port; // NULL: there is no run
    struct ring *ring; // the last client's, locked; NULL: none
};

static inline void reply_run_begin(struct reply_run *run, struct port *port) LOCK_UNCHECKED
{
    spin_lock_off(&port->object.lock);
    *run = (struct reply_run){.port = port};
}

// The client that was answered last hears of it.
static inline void reply_run_tell(struct reply_run *run) LOCK_UNCHECKED
{
    if (run->ring == NULL) {
        return;
    }
    if (!run->ring->destroyed) {
        ring_wake_if_due(run->ring);
    }
    spin_unlock_off(&run->ring->lock);
    run->ring = NULL;
}

// False: the id does not name such a request, nothing was done.
static inline bool reply_run_add(struct reply_run *run, uint64_t id, ts_status_t status,
                                 uint64_t value) LOCK_UNCHECKED
{
    struct port *port = run->port;
    uint32_t index = ts_request_id_slot(id);
    if (index >= port->slot_count) {
        return false;
    }
    struct slot *slot = &port->slots[index];
    struct request *request = slot->request;
    if (slot->state != SLOT_DELIVERED || slot->generation != ts_request_id_generation(id) ||
        slot->copying || request == NULL || request->requester->ring == NULL ||
        (request->in_handles | request->out_handles | request->client_fault) != 0 ||
        request->deadline != TS_DEADLINE_NONE) {
        return false;
    }
    struct ring *ring = request->requester->ring;
    if (__builtin_expect(run->ring != ring, false)) {
        reply_run_tell(run);
        spin_lock_off(&ring->lock);
        run->ring = ring;
    }
    (void)slot_end_request(slot, status);
    request->value = value;
    slot_release(port, slot, index);
    object_body_put(&port->object); // the record's: the server's handle has another one
    atomic_store_explicit(TS_ATOMIC(&request->home), HOME_NONE, memory_order_relaxed);
    ring_completion(ring, request);
    return true;
}

// Whether the slot of an answer may go to a request that is parked, whose bytes are copied at the
// end of the run.
static inline bool reply_run_brings_bytes(const struct reply_run *run)
{
    return run->port->queued != 0 && run->port->inbox_size != 0;
}

// The end of a run by a thread that waits in its ring from here on: the client's thread goes on in
// its place, if it waits for just this. `pass` is told the client's ring. False: nothing was done,
// and the run is to be ended.
DIRECT_INLINE bool reply_run_hand_over(struct reply_run *run, struct direct_pass *pass,
                                       direct_hold_t *hold, direct_change_t *change) LOCK_UNCHECKED
{
    struct ring *ring = pass->ring = run->ring;
    bool goes_on = run->port->queued == 0 && ring->idle && !ring->destroyed &&
                   list_empty(&ring->pending) && ring_unread(ring) >= ring->wanted &&
                   !ring_ports_have_items(ring);
    if (!goes_on || !hold(pass)) {
        return false;
    }
    ring_publish_tail(ring);
    ring_flag_pending(ring, false);
    ring_set_idle(ring, false);
    ring->entered = false;
    change(pass);
    spin_unlock_off(&ring->lock);
    spin_unlock_off(&run->port->object.lock);
    return true;
}

static inline void reply_run_end(struct reply_run *run) LOCK_UNCHECKED
{
    struct list finished;
    struct port *port = run->port;
    if (port == NULL) {
        return;
    }
    list_init(&finished);
    reply_run_tell(run);
    if (port->queued != 0) {
        port_dispatch(port, &finished);
    }
    spin_unlock_off(&port->object.lock);
    port_finish(&finished);
    run->port = NULL;
}
