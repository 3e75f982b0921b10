// SPDX-License-Identifier: MIT
// The request life cycle against a model, by random sequences.
//
// Two servers (a port with a ring each) and some clients (threads, which have one request at a
// time, and rings). A step issues, enters, answers, copies, cancels, lets time pass, closes
// handles, revokes, sets signals, or ends a client's ring or a server's port. For each request the
// model keeps what happened to it, and so knows which statuses its one completion may have:
//
//   never delivered            CANCELLED, TIMED_OUT, PEER_CLOSED, HANDLE, FAULT, LIMIT, AGAIN; no
//   effect answered                   the server's status (FAULT if a copy met its memory's fault)
//   delivered, not answered    ABANDONED, PEER_CLOSED
//
// and also: completions come once; requests of one source to one object at one priority arrive in
// order; a CANCEL follows its REQUEST and precedes the answer, and comes for each request that was
// cut off; CLOSED comes once, after all requests of the object; a client has what is counted for
// it, nobody waits for nothing, and LIMIT is said where there is no room for a client alone; what
// goes to the port's reserve is refused for nothing but itself; clients have turns; at the end
// nothing is left.
#include "port_counts.h"
#include "port_turns.h"
#include "world.h"

#include <core/port_run.h>
#include <core/port_tables.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVERS  2
#define THREADS  8
#define RINGS    4
#define SOURCES  (THREADS + RINGS)
#define SLOTS    6
#define OBJECTS  12
#define INFLIGHT 10
#define EVENTS   16
#define SERIALS  200000
#define HELD     40

enum fate {
    FATE_NONE,
    FATE_ISSUED,
    FATE_DELIVERED,
    FATE_CANCEL_SEEN,
    FATE_ANSWERED,
    FATE_COMPLETE
};

// One request of the model; its serial number travels as the offset.
struct serial {
    uint8_t fate, source, server, priority;
    bool cancelled; // someone asked for its end, or its deadline passed
    bool faulted;   // a copy met a fault of its memory
    bool refused;   // there was no room for its client
    bool nowait;    // it is not to wait for others
    bool full;      // its client had its share
    bool reserve;   // its object has the port's reserve
    bool gives;     // the answer came with a handle
    bool redirects; // which is another server's, and says how much of the name it took
    ts_status_t answer;
    uint64_t value;
    uint32_t oid;
    uint32_t generation; // of the object
    uint64_t sent;       // handle that travelled with it
};

static struct serial serials[SERIALS];
static uint32_t serial_next;

static struct server {
    struct port port;
    struct ring ring;
    struct handle_table handles;
    struct ts_ring *shared;
    struct request records[INFLIGHT];
    struct port_tables tables;
    struct port_turns turns;
    bool dead, destroyed, retired;
    uint32_t generation[OBJECTS];
    bool live[OBJECTS], revoked[OBJECTS];
    struct {
        uint64_t id;
        uint32_t serial;
        uint8_t out_handles;
        bool told; // to end
        uint32_t length;
        uint64_t stale; // the id before
    } held[SLOTS];
    char inbox[SLOTS * 16];
} servers[SERVERS];

static struct source {
    struct handle_table handles;
    struct requester requester;
    struct request request; // of a thread
    bool busy;
    uint32_t serial;
    struct ring ring;
    struct ts_ring *shared;
    struct request records[INFLIGHT];
    bool dead;
    ts_handle_t held[HELD];
} sources[SOURCES];

static int things;
static uint64_t direct_calls, direct_answers; // as the fast path makes them
static uint64_t run_requests, run_replies;    // as submissions are taken
static struct request_run request_run;
static const struct handle_entry *request_run_entry;
// In a calm sequence servers read what they get and answer soon, so most requests go the direct
// way.
static bool calm;

static void port_retired(struct object *object)
{
    struct server *server = list_entry(object, struct server, port.object);
    CHECK(!server->retired);
    server->retired = true;
}

static const struct object_class port_class = {
    .kind = TS_KIND_PORT, .name = "port", .rights = TS_RIGHTS_ALL, .destroy = port_retired};
static const struct object_class ring_class = {
    .kind = TS_KIND_RING, .name = "ring", .rights = TS_RIGHTS_ALL};

// ---- Completions

static void completed(uint32_t number, ts_status_t status, struct source *source)
{
    CHECK(number < serial_next);
    struct serial *serial = &serials[number];
    CHECK(serial->source == source - sources);
    switch (serial->fate) {
    case FATE_ISSUED:
        CHECK(status == TS_ERR_PEER_CLOSED || status == TS_ERR_FAULT || status == TS_ERR_HANDLE ||
              (status == TS_ERR_LIMIT && serial->refused) ||
              (status == TS_ERR_AGAIN && serial->nowait && serial->full) ||
              (serial->cancelled && (status == TS_ERR_CANCELLED || status == TS_ERR_TIMED_OUT ||
                                     status == TS_ERR_ABANDONED)));
        if (serial->sent != 0) {
            // It never left, and so is usable again; or the server has not yet read its event.
            struct handle held;
            ts_status_t back = handle_remove(&source->handles, (ts_handle_t)serial->sent, &held);
            CHECK(back == TS_OK || (back == TS_ERR_HANDLE &&
                                    (status == TS_ERR_ABANDONED || status == TS_ERR_PEER_CLOSED)));
            if (back == TS_OK) {
                object_handle_put(held);
            }
        }
        break;
    case FATE_ANSWERED: CHECK(status == (serial->faulted ? TS_ERR_FAULT : serial->answer)); break;
    case FATE_DELIVERED:
    case FATE_CANCEL_SEEN:
        CHECK((serial->cancelled && status == TS_ERR_ABANDONED) || status == TS_ERR_FAULT ||
              (status == TS_ERR_PEER_CLOSED && servers[serial->server].dead));
        CHECK(status != TS_ERR_FAULT || serial->faulted);
        break;
    default: CHECK(!"completed twice or never issued");
    }
    serial->fate = FATE_COMPLETE;
}

// What an answer said is what arrives: a handle where there is one, else its value.
static void check_result(const struct serial *serial, ts_status_t status, uint8_t op,
                         uint64_t handle, uint64_t value, uint64_t extra)
{
    if (status < 0) {
        return;
    }
    CHECK((handle != TS_HANDLE_NONE) == serial->gives);
    CHECK(op == TS_OP_OPEN ? value == handle : value == serial->value);
    CHECK(extra == (serial->redirects ? serial->value : 0));
}

static void source_keep(struct source *source, ts_handle_t handle)
{
    for (unsigned i = 0; i < HELD; i++) {
        if (source->held[i] == TS_HANDLE_NONE) {
            source->held[i] = handle;
            return;
        }
    }
    struct handle held;
    CHECK(handle_remove(&source->handles, handle, &held) == TS_OK);
    object_handle_put(held);
}

static void thread_done(struct request *request)
{
    struct source *source = list_entry(request->requester, struct source, requester);
    CHECK(source->busy);
    source->busy = false;
    completed(source->serial, request->status, source);
    check_result(&serials[source->serial], request->status, request->op,
                 request->out_handles != 0 ? request->reserved[0] : 0, request->value,
                 request->extra);
    if (request->status >= 0 && request->out_handles != 0 &&
        request->reserved[0] != TS_HANDLE_NONE) {
        source_keep(source, request->reserved[0]);
    }
    request->state = REQUEST_FREE;
}

static void source_completion(struct source *source, const struct ts_event *event)
{
    CHECK(event->kind == TS_EVENT_COMPLETION);
    completed((uint32_t)event->user_data, event->status, source);
    check_result(&serials[event->user_data], event->status, event->op,
                 event->op == TS_OP_OPEN ? event->value : 0, event->value, event->extra);
    if (event->status >= 0 && event->op == TS_OP_OPEN && event->value != 0) {
        source_keep(source, (ts_handle_t)event->value);
    }
}

// ---- Clients

static void count_own(struct request *request, void *context)
{
    uint32_t *number_and_has = context;
    number_and_has[1] += request->requester->client == number_and_has[0] &&
                         request->served != request->port->reserve_object;
}

// What a client has of a port, counted where it is.
static uint32_t client_has(const struct port *port, uint32_t number)
{
    uint32_t number_and_has[2] = {number, 0};
    for (uint32_t i = 0; i < SLOTS; i++) {
        number_and_has[1] += port->slots[i].state != SLOT_FREE &&
                             port->clients[port->slots[i].client].number == number;
    }
    port_parked_each(port, count_own, number_and_has);
    return number_and_has[1];
}

// Whether the reserve's object has a request that waits, is delivered, or was cut off.
static bool reserve_is_used(const struct port *port)
{
    return port->slots[port->reserve].state != SLOT_FREE || port->reserve_parked != NULL;
}

static bool client_waits(struct port *port, uint32_t number)
{
    const struct port_client *client = client_find(port, number);
    return client != NULL && !list_empty(&client->waiting);
}

static uint32_t client_objects(const struct port *port, uint32_t number)
{
    uint32_t has = 0;
    for (uint32_t i = 0; i < OBJECTS; i++) {
        has += port->served[i].state != SERVED_FREE && port->served[i].client != UINT32_MAX &&
               port->clients[port->served[i].client].number == number;
    }
    return has;
}

// ---- Issuing

static ts_handle_t source_pick(struct source *source)
{
    for (unsigned i = 0, at = world_random(); i < HELD; i++) {
        ts_handle_t handle = source->held[(at + i) % HELD];
        if (handle != TS_HANDLE_NONE) {
            return handle;
        }
    }
    return TS_HANDLE_NONE;
}

static void fill(struct request *request, uint32_t number, ts_handle_t handle,
                 struct source *source)
{
    struct serial *serial = &serials[number];
    struct request_terms terms = {
        .rights = TS_RIGHTS_ALL, .handle = handle, .offset = number, .user_data = number};
    terms.op = world_random() % 3 == 0 ? TS_OP_OPEN : TS_OP_CALL;
    terms.flags = world_random() % 8 == 0 ? TS_FLAG_NOWAIT : 0;
    terms.priority = (uint8_t)(world_random() % 3 * 8);
    uint64_t in = world_random(), out = world_random();
    uint32_t in_length = world_random() % 4 == 0 ? 0 : world_random() % 12000,
             out_length = world_random() % 12000;
    if (world_random() % 3 == 0) {
        terms.deadline = world_now + world_random() % 1000000;
    }
    request_fill(request, &terms);
    request_set_range(request, true, in, in_length);
    request_set_range(request, false, out, out_length);
    serial->nowait = terms.flags != 0;
    serial->priority = terms.priority;
    serial->cancelled = terms.deadline != TS_DEADLINE_NONE;
    if (request->op == TS_OP_OPEN) {
        request->out_handles =
            handle_reserve(&source->handles, &request->reserved[0]) == TS_OK ? 1 : 0;
    }
    if (request->op == TS_OP_CALL && world_random() % 3 == 0) {
        struct handle thing = thing_create(&things, TS_RIGHTS_ALL);
        ts_handle_t sent;
        CHECK(handle_install(&source->handles, thing, &sent) == TS_OK);
        CHECK(handle_transit(&source->handles, sent, &request->sent_held[0]) == TS_OK);
        request->sent[0] = sent;
        request->in_handles = 1;
        serial->sent = sent;
    }
}

// The two threads of a direct pass: one can go on in the other's place, or not.
static bool direct_hold(struct direct_pass *pass)
{
    CHECK(request_state(pass->request) != REQUEST_FREE);
    return world_random() % 8 != 0;
}

static void direct_change(struct direct_pass *pass)
{
    CHECK(pass->ring->entered == pass->ring->idle);
}

// What a direct delivery rests on, as it was before: the one ring's thread waits, or is inside and
// has got less than a round of this client, which is alone (Q21).
struct before {
    bool idle, entered, known;
    uint32_t lone, of_round, batch;
};

static struct before look_before(const struct port *port)
{
    const struct ring *ring = port->rings[0].ring;
    if (ring == NULL) {
        return (struct before){.known = false};
    }
    const struct ring_binding *binding = &ring->bindings[port->rings[0].index];
    return (struct before){
        ring->idle, ring->entered, true, port->lone, ring->event_tail - binding->round_tail,
        port->batch};
}

static void check_direct(const struct port *port, const struct request *request,
                         const struct before *before, const struct serial *serial)
{
    CHECK(request_state(request) == REQUEST_DELIVERED && before->known);
    CHECK(!serial->full && !serial->refused && !serial->reserve);
    CHECK(before->idle ||
          (before->entered && before->lone == request->client && before->of_round < before->batch));
    CHECK(port->lone == request->client && (before->lone == port->lone || port->batch == 1));
}

// A thread's call as the fast path makes it, if it can.
static bool call_direct(struct source *source, struct request *request, struct served *served,
                        const struct handle_entry *entry, uint64_t word)
{
    struct direct_pass pass = {.request = request};
    if (source >= &sources[THREADS] || request->deadline != TS_DEADLINE_NONE ||
        request->in_handles != 0 || world_random() % 4 == 0) {
        return false;
    }
    struct before before = look_before(served->port);
    // Of another use of the handle's slot it is not.
    CHECK(!direct_call(&pass, served, entry, word ^ 1u << 16, direct_hold, direct_change));
    if (direct_call(&pass, served, entry, word, direct_hold, direct_change)) {
        check_direct(served->port, request, &before, &serials[source->serial]);
        CHECK(pass.slot->request == request);
        direct_calls++;
        return true;
    }
    CHECK(request_state(request) == REQUEST_ISSUED && request->home == HOME_NONE);
    return false;
}

// A ring's requests as its submissions are taken: in a run, which goes on or begins with this one.
static bool issue_in_run(struct source *source, struct request *request, struct served *served,
                         const struct handle_entry *entry, uint64_t word)
{
    bool plain = request->deadline == TS_DEADLINE_NONE && request->in_handles == 0 &&
                 request->in_length == 0;
    bool first = !plain || !request_run_goes_on(&request_run, served) || request_run_entry != entry;
    struct before before = look_before(served->port);
    if (first) {
        request_run_end(&request_run);
        uint32_t client = request->requester->client;
        if (source < &sources[THREADS] || !plain || world_random() % 4 == 0) {
            return false;
        }
        before = look_before(served->port);
        CHECK(!request_run_begin(&request_run, served, entry, word ^ 1u << 16, client));
        if (!request_run_begin(&request_run, served, entry, word, client)) {
            return false;
        }
    }
    before.idle = before.idle && first; // it has been given one since
    if (first) {
        request_run_add_first(&request_run, request);
    } else {
        request_run_add_next(&request_run, request);
    }
    request_run_entry = entry;
    check_direct(served->port, request, &before, &serials[request->offset]);
    run_requests++;
    return true;
}

static void issue(struct source *source)
{
    ts_handle_t handle = source_pick(source);
    struct handle borrowed;
    if (source->dead || serial_next == SERIALS ||
        handle_lookup(&source->handles, handle, 0, &borrowed) != TS_OK ||
        borrowed.object->class != &served_class) {
        return;
    }
    struct request *request;
    if (source < &sources[THREADS]) {
        if (source->busy) {
            return;
        }
        request = &source->request;
        source->busy = true;
        source->serial = serial_next;
    } else {
        request = ring_record_take(&source->ring);
        if (request == NULL) {
            return;
        }
    }
    struct served *served = served_of(borrowed.object);
    struct server *server = list_entry(served->port, struct server, port);
    uint32_t number = serial_next++;
    serials[number] = (struct serial){.fate = FATE_ISSUED,
                                      .source = (uint8_t)(source - sources),
                                      .server = (uint8_t)(server - servers),
                                      .oid = served->oid,
                                      .generation = server->generation[served->oid]};
    fill(request, number, handle, source);
    struct serial *serial = &serials[number];
    uint32_t has = client_has(&server->port, request->requester->client);
    serial->reserve = server->port.reserve_object == served;
    if (serial->reserve) {
        serial->refused = reserve_is_used(&server->port);
    } else {
        serial->refused = server->port.requests_left == 0 && has == 0;
        serial->full = has != 0 && has > server->port.requests_left;
        serial->full |= client_waits(&server->port, request->requester->client);
    }
    uint64_t word;
    const struct handle_entry *entry = handle_find(&source->handles, handle, &word);
    if (!call_direct(source, request, served, entry, word) &&
        !issue_in_run(source, request, served, entry, word)) {
        port_issue(request, served, entry, word);
    }
    CHECK(!serial->reserve || request_state(request) != REQUEST_ISSUED); // it waits for no others
}

// ---- Serving

static void check_order(const struct serial *serial, uint32_t number)
{
    for (uint32_t i = number; i-- > 0 && number - i < 2000;) {
        const struct serial *other = &serials[i];
        // (One that was cancelled or refused may have ended without its ring having read so.)
        CHECK(!(other->fate == FATE_ISSUED && !other->cancelled && !other->refused &&
                !(other->nowait && other->full) && other->source == serial->source &&
                other->server == serial->server && other->oid == serial->oid &&
                other->generation == serial->generation && other->priority == serial->priority));
    }
}

static void request_arrived(struct server *server, const struct ts_event *event)
{
    uint32_t number = (uint32_t)event->offset;
    struct serial *serial = &serials[number];
    CHECK(event->oid == serial->oid);
    CHECK(serial->fate == FATE_ISSUED || (serial->fate == FATE_COMPLETE && serial->cancelled));
    CHECK(server->live[event->oid] && server->generation[event->oid] == serial->generation);
    CHECK(event->tag == event->oid * 1000u + serial->generation);
    if (serial->fate == FATE_ISSUED) {
        check_order(serial, number);
        serial->fate = FATE_DELIVERED;
    }
    uint32_t slot = ts_request_id_slot(event->value);
    CHECK(slot < SLOTS && server->held[slot].id == 0);
    server->held[slot].id = event->value;
    server->held[slot].serial = number;
    server->held[slot].out_handles = event->out_handles;
    server->held[slot].length = event->length;
    server->held[slot].told = false;
}

static struct turn turn_of(const struct ts_event *event)
{
    const struct serial *serial = &serials[event->offset];
    uint32_t client = sources[serial->source].requester.client;
    return (struct turn){serial->reserve ? TURN_CLIENTS : client, serial->priority};
}

static void server_enter(struct server *server)
{
    if (server->dead) {
        return;
    }
    server->ring.entered = true;
    if (calm || world_random() % 2 == 0) {
        (void)ring_idle(&server->ring, 1, NULL, 0);
    }
    (void)ring_collect(&server->ring);
    port_turns_look(&server->turns, &server->port, &server->ring, turn_of);
    uint32_t take = calm ? EVENTS : world_random() % EVENTS;
    while (server->shared->event_head != server->shared->event_tail && take-- > 0) {
        struct ts_event *event = &server->ring.events[server->shared->event_head & (EVENTS - 1)];
        if (event->kind == TS_EVENT_REQUEST) {
            request_arrived(server, event);
        } else if (event->kind == TS_EVENT_CANCEL) {
            uint32_t slot = ts_request_id_slot(event->value);
            CHECK(slot < SLOTS); // maybe answered since: then it says nothing
            if (server->held[slot].id == event->value) {
                struct serial *serial = &serials[server->held[slot].serial];
                CHECK(!server->held[slot].told);
                server->held[slot].told = true;
                CHECK(serial->fate == FATE_DELIVERED || serial->fate == FATE_COMPLETE);
                if (serial->fate == FATE_DELIVERED) {
                    serial->fate = FATE_CANCEL_SEEN;
                }
            }
        } else {
            CHECK(event->kind == TS_EVENT_CLOSED && server->live[event->oid]);
            server->live[event->oid] = false;
            server->generation[event->oid]++;
            server->revoked[event->oid] = false;
        }
        memset(event, 0xa5, sizeof(*event));
        server->shared->event_head++;
    }
    server->ring.entered = server->ring.idle; // its thread stays inside, or goes its way
}

static void server_copy(struct server *server, uint32_t slot)
{
    if (server->dead || server->held[slot].id == 0) {
        return;
    }
    uint32_t done;
    struct serial *serial = &serials[server->held[slot].serial];
    world_client_faults = world_random() % 16 == 0;
    ts_status_t status = port_copy(&server->port, server->held[slot].id, COPY_PULL, 0x1000,
                                   world_random() % 12000, world_random() % 4000, &done);
    if (serial->fate == FATE_COMPLETE || status == TS_ERR_GONE) {
        CHECK(status == TS_ERR_GONE && (serial->fate == FATE_COMPLETE || serial->cancelled));
    } else if (status == TS_ERR_CLIENT_FAULT) {
        serial->faulted = true;
    } else {
        CHECK(status == TS_OK || status == TS_ERR_RANGE);
    }
    world_client_faults = false;
}

static void server_take(struct server *server, uint32_t slot)
{
    if (server->dead || server->held[slot].id == 0) {
        return;
    }
    struct handle held;
    struct served *own;
    ts_status_t status = port_take_handle(&server->port, server->held[slot].id, 0, &held, &own);
    if (status == TS_OK) {
        object_handle_put(held);
    } else {
        CHECK(status == TS_ERR_NOT_FOUND);
    }
}

// An answer as the fast path gives it, if it can.
static bool answer_direct(struct server *server, const struct reply *reply,
                          struct request **out_request)
{
    struct direct_pass pass = {.port = &server->port, .ring = &server->ring};
    const struct direct_answer answer = {.id = reply->id,
                                         .mints = reply->result == TS_REPLY_MINT ? reply : NULL};
    if (reply->result > TS_REPLY_MINT || reply->result == TS_REPLY_MOVE ||
        world_random() % 4 == 0 ||
        !direct_answer(&pass, &answer, server, direct_hold, direct_change)) {
        return false;
    }
    CHECK(server->ring.idle && server->ring.wanted == 1);
    direct_answers++;
    *out_request = pass.request;
    return true;
}

// A reply to a ring's request as submissions are taken, if it can be one. Nobody has read its
// completion before this returns.
static bool reply_in_run(struct server *server, const struct reply *reply,
                         const struct serial *serial)
{
    struct reply_run run = {.port = NULL};
    if (reply->result != TS_REPLY_NONE || world_random() % 4 == 0) {
        return false;
    }
    reply_run_begin(&run, &server->port);
    bool done = reply_run_add(&run, reply->id, reply->status, reply->value);
    CHECK(!done || serial->source >= THREADS);
    reply_run_end(&run);
    run_replies += done;
    return done;
}

// What the client's thread does then.
static void answered_direct(struct server *server, const struct reply *reply,
                            struct request *request)
{
    object_put(&server->ring.object); // nobody counts the wait's
    object_put(&server->port.object);
    request->status = reply->status;
    request->value = reply->value;
    if (reply->result == TS_REPLY_MINT) {
        request_install_results(request);
    }
    thread_done(request);
}

static void server_answer(struct server *server, uint32_t slot)
{
    if (server->dead || server->held[slot].id == 0) {
        return;
    }
    struct serial *serial = &serials[server->held[slot].serial];
    uint32_t oid = world_random() % OBJECTS;
    struct reply reply = {.id = server->held[slot].id, .rights = TS_RIGHTS_ALL};
    reply.status = world_random() % 4 == 0 ? TS_ERR_IO : TS_OK;
    reply.value = world_random();
    bool wants = server->held[slot].out_handles != 0 && reply.status == TS_OK;
    if (wants && world_random() % 2 == 0) {
        reply.result = server->live[oid] ? TS_REPLY_OWN : TS_REPLY_MINT;
        reply.oid = oid;
        reply.tag = oid * 1000u + server->generation[oid];
    } else if (wants && world_random() % 2 == 0) {
        reply.result = TS_REPLY_REDIRECT;
        reply.moved[0] = thing_create(&things, TS_RIGHTS_ALL);
    }
    uint32_t has = client_objects(&server->port, sources[serial->source].requester.client);
    bool refused =
        serial->reserve || server->port.objects_left == 0 || has > server->port.objects_left;
    struct request *request;
    bool direct = answer_direct(server, &reply, &request);
    bool in_run = !direct && reply_in_run(server, &reply, serial);
    ts_status_t status = direct || in_run ? TS_OK : port_reply(&server->port, &reply, &request);
    if (status != TS_OK) {
        object_handle_put(reply.moved[0]); // it is the server's still
    }
    if (reply.result == TS_REPLY_OWN && (status == TS_ERR_NOT_FOUND)) {
        return; // closing or revoked: the request is still there
    }
    if (status == TS_ERR_LIMIT) {
        CHECK(reply.result == TS_REPLY_MINT && refused);
        return;
    }
    CHECK(!(status == TS_OK && reply.result == TS_REPLY_MINT && refused));
    server->held[slot].stale = server->held[slot].id;
    server->held[slot].id = 0;
    if (status == TS_ERR_GONE) {
        // Cut off; a ring that has not read its events does not know yet.
        CHECK((serial->fate == FATE_COMPLETE || serial->cancelled) && request == NULL);
        return;
    }
    CHECK(status == TS_OK && serial->fate != FATE_COMPLETE);
    if (reply.result == TS_REPLY_MINT) {
        server->live[oid] = true;
    }
    serial->fate = FATE_ANSWERED;
    serial->answer = reply.status;
    serial->value = reply.value;
    serial->gives = reply.result != TS_REPLY_NONE;
    serial->redirects = reply.result == TS_REPLY_REDIRECT;
    if (direct) {
        answered_direct(server, &reply, request);
    } else if (!in_run) {
        request_complete(request);
    }
}

// Whether the server has a CANCEL of a slot's request to read.
static bool cancel_unread(const struct server *server, uint32_t slot)
{
    for (uint32_t at = server->shared->event_head; at != server->shared->event_tail; at++) {
        const struct ts_event *event = &server->ring.events[at & (EVENTS - 1)];
        if (event->kind == TS_EVENT_CANCEL && ts_request_id_slot(event->value) == slot &&
            ts_request_id_generation(event->value) == server->port.slots[slot].generation) {
            return true;
        }
    }
    return false;
}

// Whatever cut a client off, the server is told, so that it need not keep what the request has.
static void check_told(const struct server *server)
{
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        const struct slot *there = &server->port.slots[slot];
        bool told = server->held[slot].told &&
                    ts_request_id_generation(server->held[slot].id) == there->generation;
        CHECK(there->state != SLOT_DETACHED || told || there->cancel_queued ||
              cancel_unread(server, slot));
    }
}

// An id that was answered, of a slot that may be in use again, answers nothing.
static void server_answer_stale(struct server *server, uint32_t slot)
{
    struct reply reply = {.id = server->held[slot].stale};
    struct request *request;
    uint32_t done;
    if (server->dead || reply.id == server->held[slot].id) {
        return;
    }
    CHECK(port_reply(&server->port, &reply, &request) == TS_ERR_GONE && request == NULL);
    CHECK(port_copy(&server->port, reply.id, COPY_PUSH, 0, 1, 0, &done) == TS_ERR_GONE);
    struct direct_pass pass = {.port = &server->port, .ring = &server->ring};
    const struct direct_answer answer = {.id = reply.id};
    CHECK(!direct_answer(&pass, &answer, server, direct_hold, direct_change));
    struct reply_run run = {.port = NULL};
    reply_run_begin(&run, &server->port);
    CHECK(!reply_run_add(&run, reply.id, TS_OK, 0));
    reply_run_end(&run);
}

static unsigned slots_free(const struct port *port)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < SLOTS; i++) {
        count += port->slots[i].state == SLOT_FREE && i != port->reserve;
    }
    return count;
}

static void server_mint(struct server *server)
{
    struct source *source = &sources[world_random() % SOURCES];
    uint32_t oid = world_random() % OBJECTS;
    if (server->dead || server->live[oid] || source->dead) {
        return;
    }
    struct handle held;
    ts_handle_t handle;
    bool reserve = world_random() % 4 == 0;
    bool spare = server->port.reserve_object == NULL &&
                 (server->port.reserve != PORT_NONE || slots_free(&server->port) >= 2);
    ts_status_t status = port_mint(&server->port, oid, oid * 1000u + server->generation[oid],
                                   TS_RIGHTS_ALL, reserve, &held);
    CHECK(status == (reserve && !spare ? TS_ERR_LIMIT : TS_OK));
    if (status != TS_OK) {
        return;
    }
    server->live[oid] = true;
    CHECK(handle_install(&source->handles, held, &handle) == TS_OK);
    source_keep(source, handle);
}

// ---- Ends

static void cancel(struct source *source)
{
    bool force = world_random() % 2 == 0;
    struct request *request = &source->request;
    if (source >= &sources[THREADS]) {
        request = &source->records[world_random() % INFLIGHT];
        if (request->state == REQUEST_FREE || request->state == REQUEST_DONE) {
            return;
        }
    } else if (!source->busy) {
        return;
    }
    struct serial *serial = &serials[request->offset];
    serial->cancelled = true;
    uint8_t fate = serial->fate;
    ts_status_t status = request_cancel(request, TS_ERR_CANCELLED, force);
    if (fate == FATE_ISSUED || force) {
        CHECK(status == TS_OK || status == TS_ERR_BUSY);
    }
    if (status == TS_ERR_BUSY) {
        CHECK(!force);
    }
}

static void close_handle(struct source *source)
{
    unsigned i = world_random() % HELD;
    struct handle held;
    if (source->held[i] == TS_HANDLE_NONE) {
        return;
    }
    CHECK(handle_remove(&source->handles, source->held[i], &held) == TS_OK);
    object_handle_put(held);
    source->held[i] = TS_HANDLE_NONE;
}

static void revoke(struct server *server)
{
    uint32_t oid = world_random() % OBJECTS;
    if (server->dead) {
        return;
    }
    ts_status_t status = port_revoke(&server->port, oid);
    CHECK(server->live[oid] || status == TS_ERR_NOT_FOUND);
    if (status == TS_OK) {
        server->revoked[oid] = true;
    }
}

static void source_drain(struct source *source)
{
    if (source < &sources[THREADS]) {
        return;
    }
    if (!source->dead) {
        (void)ring_collect(&source->ring);
    }
    while (source->shared->event_head != source->shared->event_tail) {
        source_completion(source, &source->ring.events[source->shared->event_head & (EVENTS - 1)]);
        source->shared->event_head++;
    }
}

static void source_end(struct source *source)
{
    if (source->dead) {
        return;
    }
    if (source < &sources[THREADS]) {
        if (source->busy) {
            serials[source->serial].cancelled = true;
            CHECK(request_cancel(&source->request, TS_ERR_CANCELLED, true) == TS_OK);
        }
        CHECK(!source->busy);
    } else {
        source_drain(source);
        // What a destroyed ring still had is never reported: the model forgets it.
        while (ring_destroy_some(&source->ring, 3)) {
            ;
        }
        for (uint32_t i = 0; i < serial_next; i++) {
            if (serials[i].source == source - sources) {
                serials[i].fate = FATE_COMPLETE;
                serials[i].cancelled = true;
            }
        }
    }
    source->dead = true;
    while (handle_table_drain(&source->handles, 64)) {
        ;
    }
    handle_table_fini(&source->handles);
    memset(source->held, 0, sizeof(source->held));
}

static void server_end(struct server *server)
{
    if (server->dead) {
        return;
    }
    server->dead = true;
    port_close(&server->port);
    while (port_destroy_some(&server->port, 3)) {
        ;
    }
    object_put(&server->port.object);
}

// ---- The random walk

static void set_up(void)
{
    memset(servers, 0, sizeof(servers));
    memset(sources, 0, sizeof(sources));
    serial_next = 0;
    for (struct server *s = servers; s < &servers[SERVERS]; s++) {
        s->tables = (struct port_tables){
            calloc(SLOTS, sizeof(struct slot)), calloc(OBJECTS, sizeof(struct served)),
            calloc(port_client_count(SLOTS, OBJECTS), sizeof(struct port_client)),
            calloc(2 * port_client_count(SLOTS, OBJECTS), sizeof(uint32_t))};
        port_init(&s->port, &port_class, SLOTS, OBJECTS, s->tables);
        s->port.inbox.range = (struct kernel_range){s->inbox, sizeof(s->inbox)};
        s->port.inbox_size = 16;
        s->shared = calloc(1, ring_bytes(8, EVENTS));
        object_init(&s->ring.object, &ring_class);
        s->ring.mapping.range = (struct kernel_range){s->shared, ring_bytes(8, EVENTS)};
        ring_init(&s->ring, 8, EVENTS, s->records, INFLIGHT);
        CHECK(port_bind(&s->port, &s->ring, 7) == TS_OK);
        CHECK(port_bind(&s->port, &s->ring, 8) == TS_ERR_EXISTS);
    }
    for (struct source *s = sources; s < &sources[SOURCES]; s++) {
        handle_table_init(&s->handles, 1000);
        s->requester.handles = &s->handles;
        s->requester.client = world_random() % SOURCES;
        request_init(&s->request, &s->requester);
        if (s < &sources[THREADS]) {
            continue;
        }
        s->shared = calloc(1, ring_bytes(8, EVENTS));
        object_init(&s->ring.object, &ring_class);
        s->ring.requester.handles = &s->handles;
        s->ring.requester.client = s->requester.client;
        s->ring.mapping.range = (struct kernel_range){s->shared, ring_bytes(8, EVENTS)};
        ring_init(&s->ring, 8, EVENTS, s->records, INFLIGHT);
    }
}

// The record that counts what the reserve has.
static bool is_nobody(const struct port *port, uint32_t index)
{
    return port->reserve != PORT_NONE && index == port->reserve_client;
}

static void tear_down(void)
{
    for (struct source *s = sources; s < &sources[SOURCES]; s++) {
        source_end(s);
    }
    for (struct server *s = servers; s < &servers[SERVERS]; s++) {
        server_end(s);
        CHECK(s->retired);
        while (ring_destroy_some(&s->ring, 3)) {
            ;
        }
        for (unsigned i = 0; i < OBJECTS; i++) {
            CHECK(s->tables.served[i].state == SERVED_FREE);
        }
        for (unsigned i = 0; i < SLOTS; i++) {
            CHECK(s->tables.slots[i].state == SLOT_FREE);
        }
        for (unsigned i = 0; i < port_client_count(SLOTS, OBJECTS); i++) {
            CHECK(s->tables.clients[i].requests == 0 &&
                  (s->tables.clients[i].objects == 0 || is_nobody(&s->port, i)) &&
                  list_empty(&s->tables.clients[i].waiting));
        }
        CHECK(s->port.requests_left == SLOTS + PORT_PARKED - (s->port.reserve != PORT_NONE));
        CHECK(s->port.objects_left == OBJECTS && s->port.reserve_object == NULL);
        free(s->tables.slots);
        free(s->tables.served);
        free(s->tables.clients);
        free(s->tables.client_chains);
        free(s->shared);
    }
    for (struct source *s = sources; s < &sources[SOURCES]; s++) {
        free(s->shared);
    }
    CHECK(things == 0 && world_pages == 0);
}

// Whether the port has something that a ring could take.
static bool has_items(const struct port *port)
{
    return !list_empty(&port->cancels) || !list_empty(&port->closed) ||
           (port->parked_mask != 0 && port->slot_free != UINT32_MAX) ||
           port->reserve_parked != NULL;
}

static void step(uint32_t ends)
{
    struct server *server = &servers[world_random() % SERVERS];
    struct source *source = &sources[world_random() % SOURCES];
    uint32_t slot = world_random() % SLOTS;
    switch (world_random() % 16) {
    case 0 ... 4:
        for (uint32_t i = world_random() % 3; i < 3; i++) {
            issue(source);
        }
        request_run_end(&request_run);
        break;
    case 5 ... 6: server_enter(server); break;
    case 7 ... 8: server_answer(server, slot); break;
    case 9: server_copy(server, slot); break;
    case 10:
        server_take(server, slot);
        server_answer_stale(server, slot);
        break;
    case 11: server_mint(server); break;
    case 12: cancel(source); break;
    case 13: world_advance(world_random() % 40000000); break;
    case 14:
        source_drain(source);
        close_handle(source);
        break;
    default:
        if (world_random() % 20 == 0) {
            revoke(server);
        } else if (ends != 0 && world_random() % ends == 0) {
            server_end(server);
        } else if (ends != 0 && world_random() % ends == 0) {
            source_end(source);
        }
    }
    if (calm) {
        server_enter(server);
        for (uint32_t i = 0; i < SLOTS; i++) {
            server_answer(server, i);
        }
    }
    // A ring that waits never waits beside something to do.
    for (struct server *s = servers; s < &servers[SERVERS]; s++) {
        CHECK(s->dead || !s->ring.idle || !has_items(&s->port));
        CHECK(s->dead || !s->ring.idle || ring_unread(&s->ring) < s->ring.wanted);
        port_counts_check(&s->port);
        port_turns_look(&s->turns, &s->port, &s->ring, turn_of);
        check_told(s);
    }
}

// With everybody alive and servers that answer, all that was asked ends: nothing is forgotten in a
// queue.
static void settle(void)
{
    for (unsigned turn = 0; turn < 2000; turn++) {
        for (struct server *s = servers; s < &servers[SERVERS]; s++) {
            server_enter(s);
            for (uint32_t slot = 0; slot < SLOTS; slot++) {
                server_answer(s, slot);
            }
        }
        for (struct source *s = sources; s < &sources[SOURCES]; s++) {
            source_drain(s);
        }
    }
    for (uint32_t i = 0; i < serial_next; i++) {
        CHECK(serials[i].fate == FATE_COMPLETE);
    }
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    uint64_t rounds = argc > 2 ? strtoull(argv[2], NULL, 0) : 400;
    world_thread_done = thread_done;
    uint64_t total = 0;
    for (uint64_t seed = first; seed < first + rounds; seed++) {
        world_seed(seed);
        calm = seed % 4 == 1;
        set_up();
        uint32_t steps = 200 + world_random() % 6000;
        for (uint32_t i = 0; i < steps; i++) {
            step(seed % 3 == 0 ? 0 : 600);
        }
        if (seed % 3 == 0) {
            settle();
        }
        total += serial_next;
        tear_down();
    }
    CHECK(direct_calls != 0 && direct_answers != 0 && run_requests != 0 && run_replies != 0);
    printf(
        "request_model: ok, %llu requests, direct %llu there, %llu back, in runs %llu and %llu\n",
        (unsigned long long)total, (unsigned long long)direct_calls,
        (unsigned long long)direct_answers, (unsigned long long)run_requests,
        (unsigned long long)run_replies);
    return 0;
}
