// SPDX-License-Identifier: MIT
// The direct way of a request: it is not parked, it goes into a slot and to the port's ring at
// once; and an answer with which nothing else is to be done. port_issue() takes these steps, and
// so does the fast path (kernel/syscall/fast_path.c), which is one pass from a thread's call to its
// server's return, or back: direct_call() and direct_answer(). Of a pass the caller does the
// scheduler's part, that of the two threads (struct direct_threads); the model has threads as well.
//
// First everything is tested, under the locks that hold it still; until the last test nothing has
// been changed, so that any doubt is left to the general path. Then everything is done, and cannot
// fail. Records, slots and states are those of the general path: a look at a port, a ring or
// a thread shows no difference.
//
// Lock order, as everywhere: port, ring, then what the scheduler's part takes.
#pragma once

#include <arch/attribute.h>
#include <core/hooks.h>
#include <core/handle_table.h>
#include <core/port_tables.h>
#include <core/ring_publish.h>

// A pass is one function each way, however large.
#define DIRECT_INLINE __attribute__((always_inline)) static inline

// For what only some passes need: it keeps its caller's registers, so that the others do not pay by
// keeping theirs in memory. (It returns nothing: clang 14 preserves the result's register too.)
#define DIRECT_APART ARCH_KEEPS_REGISTERS void

// ---- Steps

// Whether a request would go to the port's one ring: nothing is to be chosen, nothing comes first,
// a slot is free. Port locked.
static inline bool port_is_direct(const struct port *port)
{
    // (A dead port has no ring.)
    return port->ring_count == 1 && port->rings[0].ring != NULL &&
           (port->queued | port->hungry_count) == 0 && port->slot_free != PORT_NONE;
}

// Whether that ring takes one of this client: its thread waits; or was woken, or is inside for
// another reason, and will take what the port has, and has not got a round's worth of the client
// that is alone (Q21). Both locked.
static inline bool ring_is_direct(const struct port *port, struct ring *ring,
                                  const struct ring_binding *binding, uint32_t client)
{
    uint32_t round_end = binding->round_tail + port->batch;
    bool takes = ring->idle || (ring->entered && port->lone == client &&
                                (int32_t)(ring->event_tail - round_end) < 0);
    return takes && !ring->destroyed && list_empty(&ring->pending) && ring_has_room(ring);
}

// The first one of a client that is delivered directly. `begins`: the ring's thread has read all,
// or waits for more, so that a round begins. Both locked.
static inline void direct_round(struct port *port, const struct ring *ring,
                                struct ring_binding *binding, uint32_t client, bool begins)
{
    if (begins) {
        binding->round_tail = ring->event_tail;
    }
    if (__builtin_expect(port->lone != client, false)) {
        port->lone = client;
        port->batch = 1;
    }
}

// A filled request, whose client it is known, is delivered in the round. Both locked.
static inline struct slot *direct_deliver(struct port *port, struct ring *ring,
                                          struct ring_binding *binding, struct port_client *client,
                                          struct request *request)
{
    uint32_t index = port->slot_free;
    client->requests++;
    port->requests_left--;
    object_body_get(&port->object); // the record's
    struct slot *slot = slot_fill(port, ring, binding->cookie, request, index);
    binding->taken_tail = ring->event_tail;
    return slot;
}

// The slot of an id whose request's answer can be direct: a thread's, which gets no handles but
// those that are minted with the answer; nothing else is to be done in the port. (0, which answers
// nothing, names none: no generation is 0.) Port locked.
static inline struct slot *direct_slot(const struct port *port, const struct ring *ring,
                                       uint64_t id, const void *server, bool mints)
{
    uint32_t index = ts_request_id_slot(id);
    if (index >= port->slot_count || port->ring_count != 1 || port->rings[0].ring != ring ||
        (port->queued | port->hungry_count) != 0) {
        return NULL;
    }
    struct slot *slot = &port->slots[index];
    const struct request *request = slot->request;
    bool plain =
        slot->state == SLOT_DELIVERED && slot->generation == ts_request_id_generation(id) &&
        !slot->copying && (slot->borrower == NULL || slot->borrower == server) && request != NULL &&
        request->requester->ring == NULL && (request->in_handles | request->client_fault) == 0 &&
        request->out_handles == mints && request->deadline == TS_DEADLINE_NONE &&
        (!mints || request->op != TS_OP_CALL); // whose handles are written to its memory
    return plain ? slot : NULL;
}

// Whether its thread would wait in the ring now, which it is not inside of. Ring locked.
static inline bool ring_would_wait(struct ring *ring)
{
    return !(ring->entered | ring->destroyed) && ring->binding_count == 1 &&
           list_empty(&ring->pending) && ring->shared->version == TS_RING_VERSION &&
           ring_unread(ring) == 0;
}

// The thread is inside, and waits for one event. (On which CPU is the scheduler's part.) Ring
// locked.
static inline void direct_wait(struct ring *ring, void *thread)
{
    object_body_get(&ring->object); // the wait's
    ring->entered = true;
    ring->wanted = 1;
    ring->waiter = thread;
    ring_set_idle(ring, true);
}

static inline void direct_wait_on(struct ring *ring, uint32_t cpu)
{
    atomic_store_explicit(TS_ATOMIC(&ring->idle_cpu), cpu, memory_order_relaxed);
}

// ---- Passes

struct direct_pass {
    struct port *port;
    struct ring *ring; // that serves it
    struct request *request;
    struct slot *slot;
};

// The scheduler's part. `hold`, with the locks of port and ring: whether the thread that runs can
// wait and the other one, which waits, go on in its place; if so, they are held still until
// `change` makes it so. (A ring whose thread waits from there on is told where, direct_wait_on.)
typedef bool direct_hold_t(struct direct_pass *pass);
typedef void direct_change_t(struct direct_pass *pass);

DIRECT_INLINE bool direct_call_locked(struct direct_pass *pass, struct served *served,
                                      struct port_client *client, direct_hold_t *hold,
                                      direct_change_t *change)
{
    struct port *port = pass->port;
    struct ring *ring = pass->ring;
    struct request *request = pass->request;
    struct ring_binding *binding = &ring->bindings[port->rings[0].index];
    bool done = ring_is_direct(port, ring, binding, served->asker) &&
                ring->event_tail + 1 - ring->event_head >= ring->wanted;
    if (done && port->inbox_size != 0 && request->in_length != 0) {
        port_inbox_fill(port, request, port->slot_free, &done);
    }
    if (done && hold(pass)) {
        request->home = HOME_PORT;
        request->port = port;
        request->served = served;
        request->client = served->asker;
        direct_round(port, ring, binding, request->client, ring->idle);
        pass->slot = direct_deliver(port, ring, binding, client, request);
        ring_publish_tail(ring);
        ring_set_idle(ring, false);
        ring->entered = false;
        change(pass);
        return true;
    }
    return false;
}

// A thread asks, by itself or by the ring in which it waits then: the filled record goes to the
// server's thread, which goes on in its place. The object is named by a handle's entry while that
// has this word. False: nothing was done.
DIRECT_INLINE bool direct_call(struct direct_pass *pass, struct served *served,
                               const struct handle_entry *entry, uint64_t word, direct_hold_t *hold,
                               direct_change_t *change)
{
    struct port *port = pass->port = served->port;
    spin_lock_off(&port->object.lock);
    struct port_client *client = &port->clients[served->asker];
    // A close of the object's last handle needs the lock that we have: is it still there? (The
    // reserve's asker has nobody's number.)
    bool done = atomic_load_explicit(&entry->word, memory_order_relaxed) == word &&
                served->state == SERVED_LIVE && port_is_direct(port) &&
                client->number == pass->request->requester->client &&
                port_may_take(client->requests, port->requests_left);
    if (done) {
        pass->ring = port->rings[0].ring;
        spin_lock_off(&pass->ring->lock);
        done = direct_call_locked(pass, served, client, hold, change);
        spin_unlock_off(&pass->ring->lock);
    }
    spin_unlock_off(&port->object.lock);
    return done;
}

// The answer's bytes go to the start of the client's range. (As port_inbox_fill.)
DIRECT_APART direct_push(const struct request *request, uint64_t address, uint64_t length,
                         bool *out_done);

// What a direct answer brings besides its status and value, which are the caller's to hand over:
// bytes, and an object that is minted (`reply`, then all of it; else NULL).
struct direct_answer {
    uint64_t id;
    uint64_t address, length;
    const struct reply *mints;
};

DIRECT_INLINE bool direct_answer_locked(struct direct_pass *pass,
                                        const struct direct_answer *answer, void *server,
                                        direct_hold_t *hold, direct_change_t *change)
{
    struct request *request = pass->request;
    bool done = ring_would_wait(pass->ring);
    if (done && answer->length != 0) {
        direct_push(request, answer->address, answer->length, &done);
    }
    if (!done || !hold(pass)) {
        return false;
    }
    if (answer->mints != NULL) {
        request->status = TS_OK;
        reply_give_handles(pass->port, answer->mints, request, pass->slot->client);
        request_set_state(request, REQUEST_DONE); // until its handle is installed
    } else {
        request_set_state(request, REQUEST_FREE);
    }
    direct_wait(pass->ring, server);
    change(pass);
    slot_release(pass->port, pass->slot, request->slot);
    return true;
}

// The server's thread answers a thread's request, which goes on in its place, and waits in the
// ring for the next event. `port` and `ring` are its own. The record's reference to the port is the
// caller's from here on. False: nothing was done, but that bytes may have been pushed.
DIRECT_INLINE bool direct_answer(struct direct_pass *pass, const struct direct_answer *answer,
                                 void *server, direct_hold_t *hold, direct_change_t *change)
{
    struct port *port = pass->port;
    bool mints = answer->mints != NULL;
    spin_lock_off(&port->object.lock);
    pass->slot = direct_slot(port, pass->ring, answer->id, server, mints);
    bool done =
        pass->slot != NULL && (!mints || reply_check(port, answer->mints, pass->slot) == TS_OK);
    if (done) {
        pass->request = pass->slot->request;
        spin_lock_off(&pass->ring->lock);
        done = direct_answer_locked(pass, answer, server, hold, change);
        spin_unlock_off(&pass->ring->lock);
    }
    spin_unlock_off(&port->object.lock);
    return done;
}
