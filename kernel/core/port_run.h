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

// Requests of one ring on one object, which a handle's entry names while it has that word.
struct request_run {
    struct port *port; // NULL: there is no run
    struct ring *ring; // that serves it
    struct ring_binding *binding;
    struct port_client *client;
    struct served *served;
    const struct handle_entry *entry;
    uint64_t word;
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
            *run = (struct request_run){port, ring, binding, client, served, entry, word};
            return true;
        }
        spin_unlock_off(&ring->lock);
    }
    spin_unlock_off(&port->object.lock);
    return false;
}

// Whether another one can follow. (Since the first one its client is the lone one.)
static inline bool request_run_goes_on(const struct request_run *run, const struct served *served)
{
    const struct port *port = run->port;
    return port != NULL && run->served == served && port->slot_free != PORT_NONE &&
           atomic_load_explicit(&run->entry->word, memory_order_relaxed) == run->word &&
           port_may_take(run->client->requests, port->requests_left) &&
           (int32_t)(run->ring->event_tail - run->binding->round_tail - port->batch) < 0 &&
           ring_has_room(run->ring);
}

// A filled request without deadline and without bytes for an inbox. `first`: the run's.
static inline void request_run_add(struct request_run *run, struct request *request, bool first)
{
    struct served *served = run->served;
    request->home = HOME_PORT;
    request->port = run->port;
    request->served = served;
    request->client = served->asker;
    struct slot *slot = direct_deliver(run->port, run->ring, run->binding, run->client, request,
                                       first && run->ring->idle);
    if (request->priority > run->ring->requester.priority) {
        slot->borrower = environment_lend(run->ring, request->priority);
    }
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
