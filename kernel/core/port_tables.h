// SPDX-License-Identifier: MIT
// What the parts of a port share: port.c (its tables), port_client.c (clients), port_turn.c (which
// is next), port_deliver.c (how requests come), port_serve.c (what the server does with them) and
// port_end.c (how they go without an answer). All with the port's lock held unless said otherwise.
// Requests that become DONE are put on a `finished` list and completed by port_finish once the lock
// is free.
#pragma once

#include <arch/attribute.h>
#include <core/hooks.h>
#include <core/port.h>
#include <core/ring_publish.h>
#include <stdatomic.h>

#define PORT_PARKED    8u  // requests of all clients that may be parked when all slots are taken
#define PORT_BATCH_MAX 64u // a power of two: so many are taken of one client before another comes

// Counts `queued`, which is looked at without the lock.
static inline void port_queued_add(struct port *port, int count)
{
    atomic_store_explicit(TS_ATOMIC(&port->queued), port->queued + (uint32_t)count,
                          memory_order_relaxed);
}

// The priority of the most urgent request that is parked; there is one.
static inline uint8_t port_urgency(const struct port *port)
{
    return priority_highest(port->parked_mask);
}

// Completes all requests of the list. No lock held; interrupts are off since they became DONE, so
// that no waiter for them waits for a less important thread that was preempted meanwhile.
void port_finish_some(struct list *finished);
static inline void port_finish(struct list *finished)
{
    if (!list_empty(finished)) {
        port_finish_some(finished);
    }
}
static inline void port_unlock(struct port *port, irqflags_t flags, struct list *finished)
    LOCK_RELEASES(&port->object.lock)
{
    spin_unlock_off(&port->object.lock);
    port_finish(finished);
    arch_irq_restore(flags);
}

static inline bool slot_is(const struct slot *slot, uint64_t id)
{
    return slot->state != SLOT_FREE && slot->generation == ts_request_id_generation(id);
}

// The slot of a request id, waiting until no page is being copied for it; NULL when there is none.
// The lock is free while it waits: what was read before is to be read again. (Unchecked: the lock
// is held on entry and on return.)
struct slot *port_slot_wait(struct port *port, struct slot *slot, uint64_t id) LOCK_UNCHECKED;
static inline struct slot *port_slot(struct port *port, uint64_t id)
{
    uint32_t index = ts_request_id_slot(id);
    if (index >= port->slot_count) {
        return NULL;
    }
    struct slot *slot = &port->slots[index];
    if (!slot_is(slot, id)) {
        return NULL;
    }
    return __builtin_expect(slot->copying, false) ? port_slot_wait(port, slot, id) : slot;
}

// Whether a client that has `has` of a table of which `left` are free may take one more. One that
// has less is refused later: what one leaves is there for the others.
static inline bool port_may_take(uint32_t has, uint32_t left)
{
    return left != 0 && has <= left;
}

// The record of the client with that number; NULL: there is none.
struct port_client *client_find(struct port *port, uint32_t number);
// The same, and a new one if there is none; NULL: there is no room for it.
struct port_client *client_get(struct port *port, uint32_t number);
// A record that is no client's, as long as it counts something. NULL: there is no room for it.
struct port_client *client_nobody(struct port *port);
// A request waits behind the others of its client; or does so no more.
void client_wait(struct port *port, struct port_client *client, struct request *request);
void client_wait_no_more(struct port *port, struct port_client *client, struct request *request);
// Parks requests that wait and need not any more, now that one of this client is over.
void port_go_on(struct port *port, struct port_client *client);

// One of a client's requests has no slot any more, or was taken from the parked ones.
static inline void client_request_over(struct port *port, uint32_t index)
{
    struct port_client *client = &port->clients[index];
    client->requests--;
    port->requests_left++;
    if (__builtin_expect(port->hungry_count != 0, false)) {
        port_go_on(port, client);
    }
}

// Frees a slot, which is number `index`. (Its request is over or cut off.)
static inline void slot_release(struct port *port, struct slot *slot, uint32_t index)
{
    if (slot->cancel_queued) {
        list_remove(&slot->cancel);
        port_queued_add(port, -1);
        slot->cancel_queued = false;
    }
    slot->request = NULL;
    slot->state = SLOT_FREE;
    slot->generation = slot->generation == UINT32_MAX ? 1 : slot->generation + 1;
    if (__builtin_expect(index != port->reserve, true)) {
        slot->next_free = port->slot_free;
        port->slot_free = index;
    } else {
        port->requests_left--; // its place is its own: client_request_over() gives back another's
    }
    client_request_over(port, slot->client);
}
// The request of a delivered slot is over: DONE with `status`, for the caller to complete once the
// lock is free. The slot, which names it still, is to be released or detached.
static inline struct request *slot_end_request(struct slot *slot, ts_status_t status)
{
    struct request *request = slot->request;
    request_set_state(request, REQUEST_DONE);
    request->status = status;
    if (__builtin_expect(slot->borrower != NULL, false)) {
        environment_return(slot->borrower, request->priority);
        slot->borrower = NULL;
    }
    return request;
}

// Turns (port_turn.c). A request of another client than the lone one takes its place; one of
// several clients' leaves it to the next of its client: at the end, if it had its turn.
void turn_wait(struct port *port, struct request *request);
void turn_leave(struct port *port, struct request *request, bool had_turn);
// Makes the lists one client's again if the heads are.
void turns_end(struct port *port);
// Whether the next one had its turn in this round. Something is parked.
bool turn_is_second(const struct port *port);

// A round begins: all may have a turn again, and a ring takes more in it.
static inline void turns_anew(struct port *port)
{
    port->round++;
    if (port->lone == PORT_NONE) {
        turns_end(port);
    }
    if (port->batch < PORT_BATCH_MAX) {
        port->batch *= 2;
    }
}

static inline void parked_add(struct port *port, struct request *request)
{
    unsigned priority = request->priority & (PRIORITIES - 1);
    list_push_back(&port->parked[priority], &request->link);
    port->parked_mask |= 1u << priority;
}

// Puts a request behind the parked ones of its priority and client; its client counts it.
static inline void request_park(struct port *port, struct port_client *client,
                                struct request *request)
{
    client->requests++;
    port->requests_left--;
    request_set_state(request, REQUEST_PARKED);
    if (__builtin_expect(port->lone == request->client, true)) {
        parked_add(port, request);
    } else {
        turn_wait(port, request);
    }
    port_queued_add(port, 1);
}

// Takes a request out of the parked ones.
static inline void request_unpark(struct port *port, struct request *request, bool had_turn)
{
    port_queued_add(port, -1);
    if (__builtin_expect(port->lone == PORT_NONE, false)) {
        turn_leave(port, request, had_turn);
        return;
    }
    list_take_out(&request->link);
    if (list_empty(&port->parked[request->priority & (PRIORITIES - 1)])) {
        port->parked_mask &= ~(1u << (request->priority & (PRIORITIES - 1)));
    }
}

// The REQUEST event of a delivered request.
static inline void port_fill_event(struct ts_event *event, uint64_t cookie, const struct slot *slot,
                                   const struct request *request)
{
    // (Field by field: what is shared is written once, and nothing is read again. What lies side by
    // side on both sides is read before it is written, so that it can be copied at once.)
    const struct served *served = request->served;
    uint8_t in_handles = request->in_handles, out_handles = request->out_handles;
    uint32_t length = request->in_length, room = request->out_length;
    event->user_data = cookie;
    event->client = request->requester->client;
    event->kind = TS_EVENT_REQUEST;
    event->op = request->op;
    event->flags = ts_event_request_flags(request->flags);
    event->value = ts_request_id(request->slot, slot->generation);
    event->extra = request->arg;
    event->tag = served->tag;
    event->oid = served->oid;
    event->rights = request->rights;
    event->in_handles = in_handles;
    event->out_handles = out_handles;
    event->length = length;
    event->room = room;
    event->offset = request->offset;
}

// The slot gets the request, the ring its event. What was sent goes with it. Both locked.
static inline struct slot *slot_fill(struct port *port, struct ring *ring, uint64_t cookie,
                                     struct request *request, uint32_t index)
{
    struct slot *slot = &port->slots[index];
    port->slot_free = slot->next_free;
    slot->request = request;
    slot->state = SLOT_DELIVERED;
    slot->client = request->client;
    request->slot = index;
    request_set_state(request, REQUEST_DELIVERED);
    if (request->in_handles != 0) {
        request_sent_deliver(request, slot->sent);
    }
    port_fill_event(ring_slot(ring), cookie, slot, request);
    ring->event_tail++;
    return slot;
}

// The first bytes of a request go to the inbox of a slot that is free; *out_done: they could be
// read. (It keeps its caller's registers, and has no result: see port_direct.h.)
ARCH_KEEPS_REGISTERS void port_inbox_fill(struct port *port, const struct request *request,
                                          uint32_t slot, bool *out_done);

// The threads of all rings are lent the priority of the most urgent request that is parked, and
// nothing else.
void port_lend_parked(struct port *port);

// Publishes items to idle rings, one each, as long as there are both, and lends what stays.
void port_dispatch(struct port *port, struct list *finished);

// Whether a reply's handles fit the operation and its objects exist.
TS_MUST_USE ts_status_t reply_check(struct port *port, const struct reply *reply,
                                    const struct slot *slot);
// Then: puts the handles into the record, for the client. Cannot fail.
void reply_give_handles(struct port *port, const struct reply *reply, struct request *request,
                        uint32_t client);

// A free object slot becomes an object with one count, for a client (PORT_NONE: the server).
void served_begin(struct port *port, uint32_t oid, uint64_t tag, ts_signals_t signals,
                  uint32_t client);
// One count less; none is left: the object is over.
void served_over(struct served *served);
static inline void served_count_drop_locked(struct served *served)
{
    if (--served->count == 0) {
        served_over(served);
    }
}
// A slot whose object is over may be used anew; the reference to the port that it held is dropped.
void served_free(struct served *served);
