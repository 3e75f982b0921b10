// SPDX-License-Identifier: MIT
// kernel/core with two CPUs at work: random operations of clients, a server and time, two of them
// at a time, interleaved wherever a lock is let go. Clients send handles, ask by thread and by
// ring, cancel, and die with everything in flight, in the kernel's order: what the thread asked for
// is cut off, the handles are closed some at a time, the ring ends. The server takes, answers,
// mints, signals, revokes, binds and unbinds its two rings, and ends its port. After each pair of
// operations:
//
//   what is sent      each handle has one owner (a table, a record in transit, a slot): an
//                     object's counts are the number of its owners, and the server takes what was
//                     sent with that request and nothing else
//   priorities        the threads are lent what is delivered, and the most urgent of what is parked
//   clients           each has what is counted for it, and waits for nothing but its own
//   signals           a watcher that was there before hears of each rise
//   completions       one for each request; no ring waits beside something to take, and none of
//                     a client beside an event
//
// and at the end of a sequence nothing is left. `core_actors FIRST COUNT` runs COUNT sequences from
// the seed FIRST on.
#include "actors.h"

#include <core/port_run.h>
#include <core/port_tables.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/abi/signal.h>

#include "port_counts.h"
#include "world.h"

#define CLIENTS  2u
#define RINGS    2u // the server's
#define SLOTS    3u
#define OBJECTS  4u
#define RECORDS  4u
#define EVENTS   8u
#define WATCHERS 20u // more than are told in one hold
#define NUMBERS  128u
#define GIFTS    256u
#define ROUNDS   24u

// ---- What is sent

struct gift {
    struct object object;
    uint32_t number; // of the request it was made for
};
static struct gift *gifts[GIFTS];
static uint32_t gifts_made, gifts_alive;

static void gift_destroy(struct object *object)
{
    struct gift *gift = list_entry(object, struct gift, object);
    for (uint32_t i = 0; i < gifts_made; i++) {
        if (gifts[i] == gift) {
            gifts[i] = NULL;
        }
    }
    gifts_alive--;
    free(gift);
}

static const struct object_class gift_class = {
    .kind = TS_KIND_MEMORY, .name = "gift", .rights = TS_RIGHTS_ALL, .destroy = gift_destroy};

static struct handle gift_make(uint32_t number)
{
    CHECK(gifts_made < GIFTS);
    struct gift *gift = calloc(1, sizeof(*gift));
    object_init(&gift->object, &gift_class);
    gift->number = number;
    gifts[gifts_made++] = gift;
    gifts_alive++;
    struct handle held = object_handle_get(&gift->object, TS_RIGHTS_ALL);
    object_put(&gift->object);
    return held;
}

// ---- The world

enum stage { ALIVE, CLOSING, ENDING, DEAD };

static struct client {
    struct handle_table handles;
    struct requester requester;
    struct request request; // of its thread
    bool asking, answered;
    struct ring ring;
    struct ts_ring *shared;
    struct request records[RECORDS];
    ts_handle_t target;
    enum stage stage;
    bool busy; // an actor is this process now
} clients[CLIENTS];

static struct asked {
    bool sent, completed;
} asked[NUMBERS];
static uint32_t numbers;
static uint64_t direct_calls, direct_answers, handed_over; // as the fast path makes them

static struct server {
    struct port port;
    struct port_tables tables;
    struct handle_table handles;
    enum stage stage;
    bool busy; // an actor tears it down
    bool retired;
    struct {
        struct ring ring;
        struct ts_ring *shared;
        struct request record;
        struct borrower borrower;
        bool busy, bound;
    } rings[RINGS];
    struct {
        uint64_t id;
        uint32_t number;
        bool wants;    // a handle back
        uint64_t told; // the id of the request that is to end
    } held[SLOTS];
} server;

static void port_retired(struct object *object)
{
    (void)object;
    CHECK(!server.retired);
    server.retired = true;
}

static const struct object_class port_class = {
    .kind = TS_KIND_PORT, .name = "port", .rights = TS_RIGHTS_ALL, .destroy = port_retired};
static const struct object_class ring_class = {
    .kind = TS_KIND_RING, .name = "ring", .rights = TS_RIGHTS_ALL};

static struct borrower *borrower_of(struct ring *ring)
{
    for (unsigned i = 0; i < RINGS; i++) {
        if (ring == &server.rings[i].ring) {
            return &server.rings[i].borrower;
        }
    }
    return NULL;
}

static bool chance(uint32_t of)
{
    return world_random() % of == 0;
}

// ---- Clients

static void completed(uint64_t number)
{
    CHECK(number < numbers && !asked[number].completed);
    asked[number].completed = true;
}

static void answered(struct request *request)
{
    struct client *client = list_entry(request, struct client, request);
    CHECK(client->asking && !client->answered);
    client->answered = true;
}

// Its thread sees the answer.
static void thread_returns(struct client *client)
{
    if (!client->answered) {
        return;
    }
    completed(client->request.user_data);
    client->asking = client->answered = false;
    request_set_state(&client->request, REQUEST_FREE);
}

static void client_collect(struct client *client)
{
    ring_busy(&client->ring); // as it was woken
    client->ring.entered = true;
    (void)ring_collect(&client->ring);
    while (client->shared->event_head != client->shared->event_tail) {
        completed(client->ring.events[client->shared->event_head & (EVENTS - 1)].user_data);
        client->shared->event_head++;
    }
    client->ring.entered = false;
}

// It waits in its ring, and asks what it asks then.
static void client_sleep(struct client *client)
{
    client->ring.entered = chance(2) && ring_idle(&client->ring, 1, NULL, 0);
}

static void send_gift(struct client *client, struct request *request, uint32_t number)
{
    if (handle_install(&client->handles, gift_make(number), &request->sent[0]) != TS_OK) {
        CHECK(!"no room for a handle");
    }
    CHECK(handle_transit(&client->handles, request->sent[0], &request->sent_held[0]) == TS_OK);
    request->in_handles = 1;
    asked[number].sent = true;
}

static void client_fill(struct client *client, struct request *request, uint32_t number)
{
    struct request_terms terms = {
        .rights = TS_RIGHTS_ALL, .handle = client->target, .user_data = number, .offset = number};
    terms.op = chance(3) ? TS_OP_OPEN : TS_OP_CALL;
    terms.priority = (uint8_t)(world_random() % 3 * 8);
    if (chance(3)) {
        terms.deadline = world_now + world_random() % 50000000;
    }
    request_fill(request, &terms);
    request_set_range(request, true, 0, 8);
    request_set_range(request, false, 0, 8);
    if (request->op == TS_OP_OPEN &&
        handle_reserve(&client->handles, &request->reserved[0]) == TS_OK) {
        request->out_handles = 1;
    }
    if (request->op == TS_OP_CALL && chance(2)) {
        send_gift(client, request, number);
    }
}

// The two threads of a direct pass (core/port_direct.h): they can change places, or not.
static bool direct_hold(struct direct_pass *pass)
{
    (void)pass;
    return !chance(8);
}

// The server's thread is lent the request's priority, as it is by port_issue.
static void call_change(struct direct_pass *pass)
{
    pass->slot->borrower = environment_lend(pass->ring, pass->request->priority);
}

static bool ask_direct(struct request *request, struct served *served,
                       const struct handle_entry *entry, uint64_t word)
{
    struct direct_pass pass = {.request = request};
    if (request->deadline != TS_DEADLINE_NONE || request->in_handles != 0 || chance(4)) {
        return false;
    }
    bool done = direct_call(&pass, served, entry, word, direct_hold, call_change);
    direct_calls += done;
    return done;
}

static void client_ask(struct client *client)
{
    uint64_t word;
    struct handle_entry *entry = handle_find(&client->handles, client->target, &word);
    bool by_thread = !client->asking && chance(2);
    if (entry == NULL || numbers == NUMBERS) {
        return;
    }
    struct request *request = &client->request;
    if (!by_thread) {
        request = ring_record_take(&client->ring);
    }
    if (request == NULL) {
        return;
    }
    client->asking |= by_thread;
    uint32_t number = numbers++;
    asked[number] = (struct asked){0};
    client_fill(client, request, number);
    struct served *served = served_of(atomic_load(&entry->object));
    if (!by_thread) {
        client_sleep(client);
    }
    if (!ask_direct(request, served, entry, word)) {
        port_issue(request, served, entry, word);
    }
}

static void client_cancel(struct client *client)
{
    struct request *request =
        chance(3) ? &client->request : &client->records[world_random() % RECORDS];
    (void)request_cancel(request, TS_ERR_CANCELLED, chance(2));
}

static void client_close(struct client *client)
{
    struct handle held;
    if (chance(6) && handle_remove(&client->handles, client->target, &held) == TS_OK) {
        object_handle_put(held);
    }
}

// One step of its end.
static void client_die(struct client *client)
{
    switch (client->stage) {
    case ALIVE:
        if (client->asking) {
            (void)request_cancel(&client->request, TS_ERR_CANCELLED, true);
        }
        while (client->asking && !client->answered) {
            actor_wait("an answer to who dies");
        }
        thread_returns(client);
        client->stage = CLOSING;
        break;
    case CLOSING:
        if (!handle_table_drain(&client->handles, 2)) {
            client->stage = ENDING;
        }
        break;
    case ENDING:
        // What a ring had not reported is never heard of.
        if (!ring_destroy_some(&client->ring, 2)) {
            handle_table_fini(&client->handles);
            client->stage = DEAD;
        }
        break;
    case DEAD: break;
    }
}

static void client_step(struct client *client)
{
    if (client->busy) {
        return;
    }
    client->busy = true;
    thread_returns(client);
    if (client->stage != ALIVE) {
        client_die(client);
    } else {
        switch (world_random() % 8) {
        case 0 ... 3: client_ask(client); break;
        case 4: client_collect(client); break;
        case 5: client_cancel(client); break;
        case 6: client_close(client); break;
        default:
            if (chance(3)) {
                client_die(client);
            }
        }
    }
    client->busy = false;
}

// ---- The server

static void request_arrived(const struct ts_event *event)
{
    uint32_t slot = ts_request_id_slot(event->value);
    CHECK(slot < SLOTS && event->offset < numbers);
    CHECK((event->in_handles != 0) == asked[event->offset].sent);
    server.held[slot].id = event->value;
    server.held[slot].number = (uint32_t)event->offset;
    server.held[slot].wants = event->out_handles != 0;
}

// (The other ring may have had one of a later request of the slot.)
static void request_told(uint64_t id)
{
    uint64_t *told = &server.held[ts_request_id_slot(id)].told;
    *told = id > *told ? id : *told;
}

static void server_enter(unsigned index)
{
    struct ring *ring = &server.rings[index].ring;
    struct ts_ring *shared = server.rings[index].shared;
    if (server.rings[index].busy) {
        return;
    }
    server.rings[index].busy = true;
    ring_busy(ring); // as it was woken
    ring->entered = true;
    (void)ring_collect(ring);
    while (shared->event_head != shared->event_tail) {
        const struct ts_event *event = &ring->events[shared->event_head & (EVENTS - 1)];
        if (event->kind == TS_EVENT_REQUEST) {
            request_arrived(event);
        }
        if (event->kind == TS_EVENT_CANCEL) {
            request_told(event->value);
        }
        shared->event_head++;
    }
    ring->entered = chance(2) && ring_idle(ring, 1, NULL, index);
    server.rings[index].busy = false;
}

static void server_bind(unsigned index)
{
    struct ring *ring = &server.rings[index].ring;
    ts_status_t status =
        chance(2) ? port_bind(&server.port, ring, 1) : port_unbind(&server.port, ring);
    CHECK(status == TS_OK || status == TS_ERR_EXISTS || status == TS_ERR_NOT_FOUND ||
          (status == TS_ERR_PEER_CLOSED && server.port.dead));
}

static void server_take(uint32_t slot)
{
    struct handle held;
    struct served *own;
    uint64_t id = server.held[slot].id;
    uint32_t number = server.held[slot].number;
    if (id == 0 || port_take_handle(&server.port, id, 0, &held, &own) != TS_OK) {
        return;
    }
    CHECK(own == NULL && held.object->class == &gift_class);
    CHECK(list_entry(held.object, struct gift, object)->number == number);
    object_handle_put(held);
}

// A gift to be moved, or nothing.
static ts_handle_t reply_move(struct reply *reply)
{
    ts_handle_t handle;
    CHECK(handle_install(&server.handles, gift_make(NUMBERS), &handle) == TS_OK);
    CHECK(handle_transit(&server.handles, handle, &reply->moved[0]) == TS_OK);
    reply->result = TS_REPLY_MOVE;
    return handle;
}

static void reply_move_over(const struct reply *reply, ts_handle_t handle, bool moved)
{
    struct handle held;
    if (moved) {
        handle_transit_commit(&server.handles, handle);
        return;
    }
    handle_transit_return(&server.handles, handle, reply->moved[0]);
    CHECK(handle_remove(&server.handles, handle, &held) == TS_OK);
    object_handle_put(held);
}

static void answer_change(struct direct_pass *pass)
{
    direct_wait_on(pass->ring, environment_cpu());
    if (pass->slot->borrower != NULL) {
        environment_return(pass->slot->borrower, pass->request->priority);
        pass->slot->borrower = NULL;
    }
}

// The answer as the fast path gives it, by the thread of one ring, which waits in that then.
static bool answer_direct(unsigned index, const struct reply *reply)
{
    struct direct_pass pass = {.port = &server.port, .ring = &server.rings[index].ring};
    const struct direct_answer answer = {.id = reply->id,
                                         .mints = reply->result == TS_REPLY_MINT ? reply : NULL};
    if (server.rings[index].busy || reply->result == TS_REPLY_OWN || chance(4)) {
        return false;
    }
    server.rings[index].busy = true;
    bool done =
        direct_answer(&pass, &answer, &server.rings[index].borrower, direct_hold, answer_change);
    server.rings[index].busy = false;
    if (!done) {
        return false;
    }
    direct_answers++;
    if (answer.mints != NULL) {
        request_install_results(pass.request);
    }
    object_put(&server.port.object);
    answered(pass.request);
    return true;
}

static void answered_change(struct direct_pass *pass)
{
    CHECK(pass->ring == &clients[0].ring || pass->ring == &clients[1].ring);
    CHECK(!pass->ring->idle && !pass->ring->entered && ring_unread(pass->ring) != 0);
}

// The answer to a ring's request as the fast path gives it, by the thread of one ring, which waits
// in that from before.
static bool answer_ring(unsigned index, const struct reply *reply)
{
    struct reply_run run;
    struct direct_pass pass;
    struct ring *ring = &server.rings[index].ring;
    if (server.rings[index].busy || ring->entered || reply->result != TS_REPLY_NONE || chance(4)) {
        return false;
    }
    server.rings[index].busy = true;
    bool sleeps = ring->entered = ring_idle(ring, 1, NULL, index);
    reply_run_begin(&run, &server.port);
    bool done = reply_run_add(&run, reply->id, TS_OK, 0);
    if (done && sleeps && reply_run_hand_over(&run, &pass, direct_hold, answered_change)) {
        handed_over++;
    } else {
        reply_run_end(&run);
    }
    server.rings[index].busy = false;
    return done;
}

static void server_reply(uint32_t slot)
{
    struct request *request;
    uint32_t done;
    ts_handle_t moved = TS_HANDLE_NONE;
    struct reply reply = {.id = server.held[slot].id, .rights = TS_RIGHTS_ALL};
    if (reply.id == 0) {
        return;
    }
    server.held[slot].id = 0;
    if (chance(3)) {
        (void)port_copy(&server.port, reply.id, COPY_PUSH, 0, 8, 0, &done);
    }
    if (server.held[slot].wants) {
        reply.result = chance(2) ? TS_REPLY_MINT : TS_REPLY_OWN;
        reply.oid = 1 + world_random() % (OBJECTS - 1);
        if (chance(3)) {
            moved = reply_move(&reply);
        }
    }
    if (moved == TS_HANDLE_NONE && (answer_direct(world_random() % RINGS, &reply) ||
                                    answer_ring(world_random() % RINGS, &reply))) {
        return;
    }
    ts_status_t status = port_reply(&server.port, &reply, &request);
    if (moved != TS_HANDLE_NONE) {
        reply_move_over(&reply, moved, status == TS_OK);
    }
    CHECK(status == TS_OK || request == NULL);
    if (status == TS_OK) {
        request_complete(request);
    } else if (status != TS_ERR_GONE && server.held[slot].id == 0) {
        server.held[slot].id = reply.id; // to be made again
    }
}

// One step of the port's end. False: it is over.
static bool server_end_step(void)
{
    if (server.stage == ALIVE) {
        port_close(&server.port);
        server.stage = CLOSING;
    } else if (!port_destroy_some(&server.port, 1 + world_random() % 3)) {
        for (uint32_t i = 0; i < SLOTS; i++) {
            CHECK(server.tables.slots[i].request == NULL);
        }
        for (uint32_t i = 0; i < OBJECTS; i++) { // its holder hears that it is over
            CHECK(server.tables.served[i].state == SERVED_FREE ||
                  (atomic_load(&server.tables.served[i].object.signals) & TS_SIGNAL_CLOSED) != 0);
        }
        object_put(&server.port.object);
        server.stage = DEAD;
    }
    return server.stage != DEAD;
}

static void server_end(void)
{
    if (server.busy || server.stage == DEAD) {
        return;
    }
    server.busy = true;
    while (server_end_step() && chance(2)) {
        ;
    }
    server.busy = false;
}

static void server_step(void)
{
    uint32_t slot = world_random() % SLOTS;
    if (server.stage == DEAD || (server.stage != ALIVE && chance(2))) {
        server_end();
        return;
    }
    switch (world_random() % 12) {
    case 0 ... 3: server_enter(world_random() % RINGS); break;
    case 4 ... 6: server_reply(slot); break;
    case 7: server_take(slot); break;
    case 8: server_bind(world_random() % RINGS); break;
    case 9: (void)port_signal(&server.port, world_random() % OBJECTS, 0, TS_SIGNAL_READABLE); break;
    case 10:
        if (chance(8)) {
            (void)port_revoke(&server.port, world_random() % OBJECTS);
        }
        break;
    default:
        if (chance(4)) {
            server_end();
        }
    }
}

// ---- The bell: an object with many watchers, which both actors signal

static struct bell {
    struct object object;
    struct requester requester;
    struct ring ring;
    struct ts_ring *shared;
    struct request records[WATCHERS];
    bool there[WATCHERS]; // at the beginning of the round, and since
    ts_signals_t told[WATCHERS];
    ts_signals_t rung; // bits that rose in this round
    bool busy;
} bell;

static const struct object_class bell_class = {
    .kind = TS_KIND_THREAD, .name = "bell", .rights = TS_RIGHTS_ALL};

// Each actor has a bit of its own: whether it rises is its own doing.
static void bell_ring(unsigned actor)
{
    ts_signals_t bit = 1u << (16 + actor);
    if ((atomic_load(&bell.object.signals) & bit) != 0) {
        object_signal(&bell.object, bit, 0, 0);
        return;
    }
    object_signal(&bell.object, 0, bit, 0);
    bell.rung |= bit;
}

static void bell_watch(void)
{
    struct request *record = ring_record_take(&bell.ring);
    if (record == NULL) {
        return;
    }
    const struct request_terms terms = {
        .op = TS_OP_WAIT, .flags = TS_FLAG_MULTI, .user_data = (uint64_t)(record - bell.records)};
    request_fill(record, &terms);
    object_get(&bell.object);
    object_wait(&bell.object, record, 3u << 16);
}

// One watcher leaves, or one comes.
static void bell_change(void)
{
    if (bell.busy) {
        return;
    }
    bell.busy = true;
    unsigned index = world_random() % WATCHERS;
    if (bell.there[index] && chance(2)) {
        bell.there[index] = false;
        (void)request_cancel(&bell.records[index], TS_ERR_CANCELLED, false);
    } else {
        bell_watch();
    }
    bell.busy = false;
}

// Between rounds.
static void bell_check(void)
{
    (void)ring_collect(&bell.ring);
    while (bell.shared->event_head != bell.shared->event_tail) {
        const struct ts_event *event = &bell.ring.events[bell.shared->event_head & 63];
        bell.told[event->user_data] |= (ts_signals_t)event->value;
        bell.shared->event_head++;
    }
    for (unsigned i = 0; i < WATCHERS; i++) {
        CHECK(!bell.there[i] || (bell.rung & ~bell.told[i]) == 0);
        bell.told[i] = 0;
        bell.there[i] = request_state(&bell.records[i]) == REQUEST_PARKED;
    }
    bell.rung = 0;
}

// ---- Checks between rounds

static uint32_t table_holds(struct handle_table *table, const struct object *object)
{
    uint32_t count = 0;
    for (uint32_t slot = 1; slot < table->begun; slot++) {
        struct handle_entry *entry = handle_entry_of(table, slot);
        count += atomic_load(&entry->object) == object &&
                 (atomic_load(&entry->word) >> 32 & 0xf) == HANDLE_USED;
    }
    return count;
}

static uint32_t record_holds(const struct request *record, const struct object *object)
{
    return record->state != REQUEST_FREE && record->in_handles != 0 &&
           record->sent[0] != TS_HANDLE_NONE && record->sent_held[0].object == object;
}

static uint32_t owners(const struct object *object)
{
    uint32_t count = table_holds(&server.handles, object);
    for (struct client *client = clients; client < &clients[CLIENTS]; client++) {
        if (client->stage == DEAD) {
            continue;
        }
        count += table_holds(&client->handles, object);
        count += record_holds(&client->request, object);
        for (unsigned i = 0; i < RECORDS; i++) {
            count += record_holds(&client->records[i], object);
        }
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        count += server.tables.slots[i].sent[0].object == object;
    }
    return count;
}

static void check_owners(void)
{
    for (uint32_t i = 0; i < gifts_made; i++) {
        if (gifts[i] == NULL) {
            continue;
        }
        CHECK(atomic_load(&gifts[i]->object.handles) == owners(&gifts[i]->object));
        CHECK(atomic_load(&gifts[i]->object.references) == owners(&gifts[i]->object));
    }
}

static void check_loans(void)
{
    uint32_t lent[PRIORITIES] = {0}, bound = 0;
    const struct port *port = &server.port;
    for (unsigned i = 0; i < SLOTS; i++) {
        const struct request *request = port->slots[i].request;
        if (request != NULL && request->priority > WORLD_OWN_PRIORITY) {
            lent[request->priority]++;
        }
    }
    for (unsigned i = 0; i < RING_BINDINGS_MAX; i++) {
        bound += port->rings[i].ring != NULL;
    }
    uint8_t parked = port->parked_mask == 0 ? 0 : (uint8_t)(31 - __builtin_clz(port->parked_mask));
    if (parked > WORLD_OWN_PRIORITY) {
        lent[parked] += bound;
    }
    for (unsigned priority = TS_PRIORITY_IDLE; priority < PRIORITIES; priority++) {
        uint32_t borrowed = 0;
        for (unsigned i = 0; i < RINGS; i++) {
            borrowed += server.rings[i].borrower.loans[priority];
        }
        CHECK(borrowed == lent[priority]);
    }
}

static bool cancel_unread(uint64_t id)
{
    for (unsigned i = 0; i < RINGS; i++) {
        const struct ts_ring *shared = server.rings[i].shared;
        for (uint32_t at = shared->event_head; at != shared->event_tail; at++) {
            const struct ts_event *event = &server.rings[i].ring.events[at & (EVENTS - 1)];
            if (event->kind == TS_EVENT_CANCEL && event->value == id) {
                return true;
            }
        }
    }
    return false;
}

// The server has been told of each request whose client was cut off, or will be.
static void check_told(void)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        const struct slot *slot = &server.tables.slots[i];
        uint64_t id = ts_request_id(i, slot->generation);
        CHECK(slot->state != SLOT_DETACHED || slot->cancel_queued || server.held[i].told == id ||
              cancel_unread(id));
    }
}

static void check(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        thread_returns(&clients[i]);
    }
    check_told();
    check_owners();
    check_loans();
    bell_check();
    const struct port *port = &server.port;
    port_counts_check(&server.port);
    bool items = !port->dead && (!list_empty(&port->cancels) || !list_empty(&port->closed) ||
                                 (port->parked_mask != 0 && port->slot_free != UINT32_MAX) ||
                                 port->reserve_parked != NULL);
    for (unsigned i = 0; i < RINGS && items; i++) {
        CHECK(server.rings[i].ring.binding_count == 0 || !server.rings[i].ring.idle);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct ring *ring = &clients[i].ring;
        CHECK(!ring->idle || (ring_unread(ring) == 0 && list_empty(&ring->pending)));
    }
}

// ---- A sequence

static struct ts_ring *ring_make(struct ring *ring, uint32_t events, struct request *records,
                                 uint32_t count, struct handle_table *handles)
{
    struct ts_ring *shared = calloc(1, ring_bytes(8, events));
    object_init(&ring->object, &ring_class);
    ring->requester.handles = handles;
    ring->requester.priority = WORLD_OWN_PRIORITY;
    ring->mapping.range = (struct kernel_range){shared, ring_bytes(8, events)};
    ring_init(ring, 8, events, records, count);
    return shared;
}

static void set_up_server(void)
{
    memset(&server, 0, sizeof(server));
    server.tables = (struct port_tables){
        calloc(SLOTS, sizeof(struct slot)), calloc(OBJECTS, sizeof(struct served)),
        calloc(port_client_count(SLOTS, OBJECTS), sizeof(struct port_client)),
        calloc(2 * port_client_count(SLOTS, OBJECTS), sizeof(uint32_t))};
    port_init(&server.port, &port_class, SLOTS, OBJECTS, server.tables);
    handle_table_init(&server.handles, 100);
    for (unsigned i = 0; i < RINGS; i++) {
        server.rings[i].shared =
            ring_make(&server.rings[i].ring, EVENTS, &server.rings[i].record, 1, &server.handles);
        if (i == 0 || chance(2)) {
            CHECK(port_bind(&server.port, &server.rings[i].ring, 1) == TS_OK);
        }
    }
}

static void set_up(void)
{
    struct handle target;
    numbers = gifts_made = 0;
    set_up_server();
    CHECK(port_mint(&server.port, 0, 0, TS_RIGHTS_ALL, chance(4), &target) == TS_OK);
    memset(clients, 0, sizeof(clients));
    for (struct client *client = clients; client < &clients[CLIENTS]; client++) {
        handle_table_init(&client->handles, 100);
        client->requester.handles = &client->handles;
        client->requester.client = client->ring.requester.client = world_random() % CLIENTS;
        request_init(&client->request, &client->requester);
        client->shared =
            ring_make(&client->ring, EVENTS, client->records, RECORDS, &client->handles);
        CHECK(handle_install(&client->handles, object_handle_get(target.object, TS_RIGHTS_ALL),
                             &client->target) == TS_OK);
    }
    object_handle_put(target);
    memset(&bell, 0, sizeof(bell));
    object_init(&bell.object, &bell_class);
    bell.shared = ring_make(&bell.ring, 64, bell.records, WATCHERS, NULL);
    for (unsigned i = 0; i < WATCHERS; i++) {
        bell_watch();
    }
    bell_check();
}

static void step(unsigned actor)
{
    switch (world_random() % 8) {
    case 0 ... 2: client_step(&clients[world_random() % CLIENTS]); break;
    case 3 ... 5: server_step(); break;
    case 6:
        if (chance(3)) {
            bell_change();
        } else {
            bell_ring(actor);
        }
        break;
    default: world_advance(world_random() % 80000000);
    }
}

// Everybody's end, still interleaved.
static void step_end(unsigned actor)
{
    struct client *client = &clients[world_random() % CLIENTS];
    if (actor == 0 && chance(2)) {
        server_end();
    } else if (!client->busy) {
        client->busy = true;
        client_die(client);
        client->busy = false;
    }
}

static void tear_down(void)
{
    while (server.stage != DEAD || clients[0].stage != DEAD || clients[1].stage != DEAD) {
        actors_run(step_end);
        check_owners();
        check_loans();
    }
    while (ring_destroy_some(&bell.ring, 64)) {
        ;
    }
    CHECK(list_empty(&bell.object.observers) && atomic_load(&bell.object.references) == 1);
    while (handle_table_drain(&server.handles, 64)) {
        ;
    }
    handle_table_fini(&server.handles);
    CHECK(server.retired && gifts_alive == 0 && world_pages == 0);
    for (unsigned i = 0; i < RINGS; i++) {
        while (ring_destroy_some(&server.rings[i].ring, 64)) {
            ;
        }
        free(server.rings[i].shared);
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        CHECK(server.tables.served[i].state == SERVED_FREE);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        free(clients[i].shared);
    }
    free(server.tables.slots);
    free(server.tables.served);
    free(server.tables.clients);
    free(server.tables.client_chains);
    free(bell.shared);
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : 60000;
    uint64_t requests = 0;
    world_borrower = borrower_of;
    world_thread_done = answered;
    for (uint64_t seed = first; seed < first + count; seed++) {
        world_seed(seed);
        world_now = 1;
        set_up();
        uint32_t rounds = 1 + world_random() % ROUNDS;
        for (uint32_t i = 0; i < rounds; i++) {
            actors_run(step);
            check();
        }
        requests += numbers;
        tear_down();
    }
    printf("core_actors: ok, %llu sequences, %llu requests, direct %llu there, %llu back, %llu to "
           "rings\n",
           (unsigned long long)count, (unsigned long long)requests,
           (unsigned long long)direct_calls, (unsigned long long)direct_answers,
           (unsigned long long)handed_over);
    return 0;
}
