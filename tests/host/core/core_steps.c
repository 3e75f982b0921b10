// SPDX-License-Identifier: MIT
// What kernel/core does in one hold of a lock, and to which requests: walks are cut where they
// should be, a port's work goes to the ring that waits, a name in a ring means what is under way.
// (That what is cut goes on, whatever comes between, is request_model's and core_actors'.)
#include "port_counts.h"
#include "world.h"

#include <core/port_run.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY    64u
#define RECORDS 80u // of a ring
#define EVENTS  128u

static const struct object_class plain_class = {
    .kind = TS_KIND_MEMORY, .name = "plain", .rights = TS_RIGHTS_ALL};
static const struct object_class event_class = {
    .kind = TS_KIND_EVENT, .name = "event", .rights = TS_RIGHTS_ALL};

struct side {
    struct ring ring;
    struct handle_table handles;
    struct request records[RECORDS];
    struct ts_ring *shared;
};
static struct side client, stranger, server;
static struct port port;
static struct port_tables tables;

static void side_begin(struct side *side)
{
    static uint32_t clients;
    uint32_t bytes = ring_bytes(8, EVENTS);
    memset(side, 0, sizeof(*side));
    side->shared = calloc(1, bytes);
    side->ring.requester.client = clients += 37; // in many a chain
    handle_table_init(&side->handles, 1000);
    side->ring.requester.handles = &side->handles;
    object_init(&side->ring.object, &plain_class);
    side->ring.mapping.range = (struct kernel_range){side->shared, bytes};
    ring_init(&side->ring, 8, EVENTS, side->records, RECORDS);
}

static void side_end(struct side *side)
{
    while (ring_destroy_some(&side->ring, 64)) {
        ;
    }
    while (handle_table_drain(&side->handles, 64)) {
        ;
    }
    handle_table_fini(&side->handles);
    free(side->shared);
}

static uint32_t unread(const struct side *side)
{
    return side->shared->event_tail - side->shared->event_head;
}

static struct ts_event event_next(struct side *side)
{
    CHECK(unread(side) != 0);
    return side->ring.events[side->shared->event_head++ & (EVENTS - 1)];
}

static struct port_tables tables_make(uint32_t requests, uint32_t objects)
{
    uint32_t clients = port_client_count(requests, objects);
    return (struct port_tables){
        calloc(requests, sizeof(struct slot)), calloc(objects, sizeof(struct served)),
        calloc(clients, sizeof(struct port_client)), calloc(2 * clients, sizeof(uint32_t))};
}

static void tables_free(struct port_tables *made)
{
    free(made->slots);
    free(made->served);
    free(made->clients);
    free(made->client_chains);
}

// A port with one object, whose handle is the client's.
static ts_handle_t port_make(uint32_t requests)
{
    struct handle held;
    ts_handle_t handle;
    side_begin(&client);
    side_begin(&server);
    tables = tables_make(requests, 2);
    memset(&port, 0, sizeof(port));
    port_init(&port, &plain_class, requests, 2, tables);
    CHECK(port_bind(&port, &server.ring, 7) == TS_OK);
    CHECK(port_mint(&port, 0, 5, TS_RIGHTS_ALL, false, &held) == TS_OK);
    CHECK(handle_install(&client.handles, held, &handle) == TS_OK);
    return handle;
}

static ts_handle_t port_begin(void)
{
    return port_make(MANY);
}

// Another side, with a handle to what the client's leads to.
static ts_handle_t also_for(struct side *side, ts_handle_t clients)
{
    struct handle held;
    ts_handle_t handle;
    side_begin(side);
    CHECK(handle_lookup(&client.handles, clients, 0, &held) == TS_OK);
    held = object_handle_get(held.object, TS_RIGHTS_ALL);
    CHECK(handle_install(&side->handles, held, &handle) == TS_OK);
    return handle;
}

static void port_end(void)
{
    port_close(&port);
    while (port_destroy_some(&port, 64)) {
        ;
    }
    side_end(&client);
    side_end(&server);
    object_put(&port.object);
    tables_free(&tables);
}

static struct request *ask(struct side *side, ts_handle_t handle, uint64_t number)
{
    uint64_t word;
    struct request *request = ring_record_take(&side->ring);
    CHECK(request != NULL);
    const struct request_terms terms = {
        .op = TS_OP_WRITE, .handle = handle, .offset = number, .user_data = number, .priority = 4};
    request_fill(request, &terms);
    const struct handle_entry *entry = handle_find(&side->handles, handle, &word);
    port_issue(request, served_of(atomic_load(&entry->object)), entry, word);
    return request;
}

// Those of one side in a state.
static uint32_t in_state(const struct side *side, enum request_state state)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < RECORDS; i++) {
        count += request_state(&side->records[i]) == state;
    }
    return count;
}

// Looks where a lock was let go: how much was done since the last time.
static uint32_t (*gap_count)(void);
static uint32_t gap_last, gap_most;

static void gap_look(void)
{
    uint32_t now = gap_count();
    if (now > gap_last && now - gap_last > gap_most) {
        gap_most = now - gap_last;
    }
    gap_last = now;
}

static void gaps_begin(uint32_t (*count)(void))
{
    gap_count = count;
    gap_last = count();
    gap_most = 0;
    spin_gap = gap_look;
}

static uint32_t gaps_end(void)
{
    spin_gap = NULL;
    return gap_most;
}

static uint32_t satisfied(void)
{
    return in_state(&client, REQUEST_DONE) + in_state(&client, REQUEST_FREE);
}

static void wait_for(struct object *object, uint64_t number, ts_signals_t mask)
{
    struct request *request = ring_record_take(&client.ring);
    request_fill(request, &(struct request_terms){.op = TS_OP_WAIT, .user_data = number});
    object_get(object);
    object_wait(object, request, mask);
}

// S05: at most 16 observers are looked at in a hold, and all of them in the end.
static void signals_are_told_by_sixteen(void)
{
    struct object bell;
    side_begin(&client);
    object_init(&bell, &plain_class);
    for (unsigned i = 0; i < 40; i++) {
        wait_for(&bell, i, TS_SIGNAL_READABLE);
    }
    CHECK(bell.observer_count == 40);
    gaps_begin(satisfied);
    object_signal(&bell, 0, TS_SIGNAL_READABLE, 0);
    CHECK(gaps_end() == 16);
    CHECK(unread(&client) == 40 && bell.observer_count == 0);
    for (unsigned i = 0; i < 40; i++) {
        CHECK(event_next(&client).user_data == i);
    }
    side_end(&client);
}

// An event's count is one waiter's: the first that waits for it. The next gets what comes then.
static void a_count_is_one_waiters(void)
{
    struct object bell;
    side_begin(&client);
    object_init(&bell, &event_class);
    wait_for(&bell, 0, TS_SIGNAL_CLOSED);
    wait_for(&bell, 1, TS_SIGNAL_READABLE);
    wait_for(&bell, 2, TS_SIGNAL_READABLE);
    for (uint64_t i = 1; i < 3; i++) {
        CHECK(unread(&client) == 0);
        object_signal(&bell, 0, 0, 10 * i);
        struct ts_event event = event_next(&client);
        CHECK(event.user_data == i && event.status == TS_OK && event.value == 10 * i);
        CHECK(bell.count == 0 && bell.observer_count == 3 - i);
    }
    object_signal(&bell, 0, 0, 5); // of those that wait it is nobody's
    CHECK(unread(&client) == 0 && bell.count == 5);
    side_end(&client);
    CHECK(bell.observer_count == 0);
}

static uint32_t let_on(const struct side *side)
{
    return in_state(side, REQUEST_PARKED) + in_state(side, REQUEST_DELIVERED);
}

static void answer_next(void)
{
    struct request *request;
    if (unread(&server) == 0) {
        (void)ring_collect(&server.ring);
    }
    CHECK(port_reply_plain(&port, event_next(&server).value, TS_OK, 0, &request) == TS_OK);
    request_complete(request);
}

// A client takes one more while it has no more than is left; of its requests that wait some go on
// with each one that is over, its own or another's.
static void a_client_has_its_share(void)
{
    ts_handle_t handle = port_begin(), strangers;
    uint32_t all = MANY + PORT_PARKED;
    strangers = also_for(&stranger, handle);
    for (uint64_t i = 0; i < 60; i++) {
        ask(&stranger, strangers, i);
    }
    CHECK(let_on(&stranger) == all / 2 + 1); // half of it, and the one that was allowed then
    for (uint64_t i = 0; i < 40; i++) {
        ask(&client, handle, i);
    }
    uint32_t left = all - let_on(&stranger), has = left / 2 + 1;
    CHECK(let_on(&client) == has && in_state(&client, REQUEST_ISSUED) == 40 - has);
    side_end(&stranger);
    CHECK(let_on(&client) == all / 2 + 1 && in_state(&client, REQUEST_ISSUED) == 3);
    for (unsigned i = 0; i < 3; i++) { // one goes, one comes
        answer_next();
        CHECK(let_on(&client) == all / 2 + 1 && in_state(&client, REQUEST_ISSUED) == 2 - i);
    }
    while (let_on(&client) != 0) {
        answer_next();
    }
    CHECK(in_state(&client, REQUEST_ISSUED) == 0 && unread(&client) == 40);
    for (uint64_t i = 0; i < 40; i++) {
        CHECK(event_next(&client).offset == 0);
    }
    CHECK(port.requests_left == all);
    port_end();
}

// Clients one after the other, each of which asks for more than it is given, until one is refused.
#define GREEDY 12u
static struct side greedy[GREEDY];

static void fill_port(void)
{
    struct handle held;
    ts_handle_t handle;
    for (unsigned i = 0; i < GREEDY; i++) {
        side_begin(&greedy[i]);
        held = object_handle_get(&tables.served[0].object, TS_RIGHTS_ALL);
        CHECK(handle_install(&greedy[i].handles, held, &handle) == TS_OK);
        for (uint64_t k = 0; k < MANY - 1; k++) {
            ask(&greedy[i], handle, k);
        }
    }
    CHECK(port.requests_left == 0 && let_on(&greedy[GREEDY - 1]) == 0);
    CHECK(unread(&greedy[GREEDY - 1]) == MANY - 1); // refused
}

// A port whose reserve is of the stranger's object, and that others have filled. What of it has a
// slot is in the server's hands: also hands[i], one of greedy[i].
static uint64_t hands[GREEDY];

static ts_handle_t full_port_begin(void)
{
    struct handle held;
    ts_handle_t handle;
    (void)port_begin();
    side_begin(&stranger);
    CHECK(port_mint(&port, 1, 9, TS_RIGHTS_ALL, true, &held) == TS_OK);
    CHECK(handle_install(&stranger.handles, held, &handle) == TS_OK);
    CHECK(port_mint(&port, 1, 9, TS_RIGHTS_ALL, true, &held) == TS_ERR_EXISTS);
    fill_port();
    while (ring_collect(&server.ring), unread(&server) != 0) {
        struct ts_event event = event_next(&server);
        CHECK(event.oid == 0);
        for (unsigned i = 0; i < GREEDY; i++) {
            if (greedy[i].ring.requester.client == event.client) {
                hands[i] = event.value;
            }
        }
    }
    CHECK(port.slot_free == PORT_NONE && port.parked_mask != 0);
    return handle;
}

static void full_port_end(void)
{
    for (unsigned i = 0; i < GREEDY; i++) {
        side_end(&greedy[i]);
    }
    side_end(&stranger);
    port_end();
}

// However many fill a port: the object that has its reserve is asked, one request at a time.
static void a_reserve_is_its_objects_alone(void)
{
    ts_handle_t handle = full_port_begin();
    for (uint64_t round = 0; round < 3; round++) {
        struct request *answered, *first = ask(&stranger, handle, round);
        CHECK(request_state(first) == REQUEST_PARKED);
        ask(&stranger, handle, 100);
        struct ts_event refused = event_next(&stranger);
        CHECK(refused.user_data == 100 && refused.status == TS_ERR_LIMIT);
        (void)ring_collect(&server.ring);
        struct ts_event event = event_next(&server);
        CHECK(event.oid == 1 && event.tag == 9 && event.offset == round && unread(&server) == 0);
        ask(&stranger, handle, 101);
        CHECK(event_next(&stranger).status == TS_ERR_LIMIT); // it is there still
        CHECK(port_reply_plain(&port, event.value, TS_OK, round, &answered) == TS_OK);
        CHECK(answered == first);
        request_complete(first);
        CHECK(event_next(&stranger).value == round);
        CHECK(port.requests_left == 0 && port.slot_free == PORT_NONE); // nobody has got it
    }
    full_port_end();
}

// Also while the reserve is used: of a client whose only request is over one that waits goes on. (A
// client that has none is idle, and its record another's.)
static void a_reserve_that_is_used_lets_others_on(void)
{
    ts_handle_t handle = full_port_begin();
    struct request *answered, *reserved = ask(&stranger, handle, 0);
    struct side *last = greedy;
    while (let_on(last) != 1) {
        last++;
    }
    uint32_t waiting = in_state(last, REQUEST_ISSUED);
    CHECK(request_state(reserved) == REQUEST_PARKED && waiting != 0);
    CHECK(port_reply_plain(&port, hands[last - greedy], TS_OK, 0, &answered) == TS_OK);
    port_counts_check(&port);
    CHECK(let_on(last) == 1 && in_state(last, REQUEST_ISSUED) == waiting - 1);
    request_complete(answered);
    full_port_end();
}

#define CROWD 7u   // each has half of what the others left
#define ROOM  119u // and PORT_PARKED: for as many, to the last one
#define EACH  70u  // requests

static uint64_t asked[ROOM + PORT_PARKED]; // what the server has in its hands
static uint32_t asked_count;

static void serve(void)
{
    do {
        while (unread(&server) != 0) {
            asked[asked_count++] = event_next(&server).value;
        }
    } while (ring_collect(&server.ring) != 0);
}

static void answer_any(void)
{
    struct request *request;
    uint32_t i = (uint32_t)(world_random() % asked_count);
    CHECK(port_reply_plain(&port, asked[i], TS_OK, 0, &request) == TS_OK);
    asked[i] = asked[--asked_count];
    request_complete(request);
}

// Many have more to ask than there is room for, the first ones had the most of it. The one with the
// fewest goes on, at each answer, until all have been served.
static void whoever_has_the_fewest_is_first(void)
{
    static struct side crowd[CROWD];
    ts_handle_t handle = port_make(ROOM);
    for (unsigned i = 0; i < CROWD; i++) {
        ts_handle_t own = also_for(&crowd[i], handle);
        for (uint64_t j = 0; j < EACH; j++) {
            ask(&crowd[i], own, j);
        }
        port_counts_check(&port);
    }
    CHECK(port.hungry_count == CROWD);
    for (serve(); asked_count != 0; serve()) {
        answer_any();
        port_counts_check(&port);
    }
    for (unsigned i = 0; i < CROWD; i++) {
        CHECK(unread(&crowd[i]) == EACH);
        side_end(&crowd[i]);
    }
    port_end();
}

// Clients have turns: one that comes late is not behind all of another, and a ring that has enough
// to do takes nobody twice. When one is alone again its rounds grow.
static void rule_q21_clients_have_turns(void)
{
    ts_handle_t handle = port_begin(), strangers;
    strangers = also_for(&stranger, handle);
    for (uint64_t i = 0; i < 30; i++) {
        ask(&stranger, strangers, i);
    }
    for (uint64_t round = 0; round < 3; round++) {
        ask(&client, handle, 100 + round);
        CHECK(ring_collect(&server.ring) == 2 && ring_collect(&server.ring) == 2);
        for (unsigned i = 0; i < 2; i++) {
            struct ts_event event = event_next(&server);
            struct request *answered;
            CHECK(event.offset == round || event.offset == 100 + round);
            CHECK(port_reply_plain(&port, event.value, TS_OK, 0, &answered) == TS_OK);
            request_complete(answered);
        }
    }
    for (uint32_t took = 0, size = 4; took < 27; took += size, size *= 2) {
        CHECK(ring_collect(&server.ring) == (27 - took < size ? 27 - took : size));
        for (uint32_t i = 0; i < size && took + i < 27; i++) {
            CHECK(event_next(&server).offset == 3 + took + i);
        }
    }
    side_end(&stranger);
    port_end();
}

// What an idle ring was given at once it has to read, too, before another round begins.
static void rule_q21_what_an_idle_ring_got_is_of_the_round(void)
{
    ts_handle_t handle = port_begin(), strangers;
    strangers = also_for(&stranger, handle);
    CHECK(ring_idle(&server.ring, 1, NULL, 0));
    ask(&client, handle, 0);
    CHECK(unread(&server) == 1 && !server.ring.idle);
    for (uint64_t i = 0; i < 8; i++) {
        ask(&stranger, strangers, 100 + i);
    }
    CHECK(ring_collect(&server.ring) == 1);
    CHECK(event_next(&server).offset == 0);
    CHECK(ring_collect(&server.ring) == 2);
    side_end(&stranger);
    port_end();
}

// A ring of two ports takes from each, however many it has of the other; and as many as it waits
// for.
static void rule_q21_a_port_does_not_stand_behind_another(void)
{
    struct handle held;
    ts_handle_t handle = port_begin(), strangers;
    struct port other;
    struct port_tables its = tables_make(MANY, 1), first = tables;
    side_begin(&stranger);
    memset(&other, 0, sizeof(other));
    port_init(&other, &plain_class, MANY, 1, its);
    CHECK(port_bind(&other, &server.ring, 8) == TS_OK);
    CHECK(port_mint(&other, 0, 6, TS_RIGHTS_ALL, false, &held) == TS_OK);
    CHECK(handle_install(&stranger.handles, held, &strangers) == TS_OK);
    for (uint64_t i = 0; i < 20; i++) {
        ask(&client, handle, i);
    }
    for (uint64_t round = 0; round < 2; round++) {
        tables = its;
        ask(&stranger, strangers, 100 + round);
        tables = first;
        bool came = false;
        (void)ring_collect(&server.ring);
        while (unread(&server) != 0) {
            came |= event_next(&server).offset == 100 + round;
        }
        CHECK(came);
    }
    CHECK(ring_idle(&server.ring, 14, NULL, 0) == false && unread(&server) == 14);
    port_close(&other);
    while (port_destroy_some(&other, 64)) {
        ;
    }
    side_end(&stranger);
    port_end();
    object_put(&other.object);
    tables_free(&its);
}

static uint32_t woken, unread_at_wake;

static void note_wake(struct ring *ring)
{
    CHECK(ring == &server.ring);
    woken++;
    unread_at_wake = unread(&server);
}

// What was parked while nobody was idle goes to a ring that is bound and waits: eight into its
// queue in a hold, and it is woken for the rest.
static void a_ring_that_waits_gets_eight(void)
{
    ts_handle_t handle = port_begin();
    CHECK(port_unbind(&port, &server.ring) == TS_OK);
    for (uint64_t i = 0; i < 20; i++) {
        ask(&client, handle, i);
    }
    CHECK(ring_idle(&server.ring, 40, NULL, 0));
    world_ring_woken = note_wake;
    CHECK(port_bind(&port, &server.ring, 7) == TS_OK);
    world_ring_woken = NULL;
    CHECK(woken == 1 && unread_at_wake == 8 && !server.ring.idle);
    while (unread(&server) < 20) {
        (void)ring_collect(&server.ring);
    }
    for (uint64_t i = 0; i < 20; i++) {
        CHECK(event_next(&server).offset == i);
    }
    CHECK(unread(&server) == 0);
    port_end();
}

// A cancel finds what is under way: not what was taken and not issued, nor what has ended.
static void a_ring_finds_what_is_under_way(void)
{
    ts_handle_t handle = port_begin();
    struct request *spare = ring_record_take(&client.ring);
    request_fill(spare, &(struct request_terms){.user_data = 9});
    CHECK(ring_find(&client.ring, 9) == NULL);
    ring_record_give(&client.ring, spare);
    CHECK(ring_find(&client.ring, 9) == NULL);
    struct request *first = ask(&client, handle, 9), *second = ask(&client, handle, 10);
    CHECK(ring_find(&client.ring, 9) == first && ring_find(&client.ring, 10) == second);
    CHECK(ring_collect(&server.ring) == 2); // in the server's hands, too
    CHECK(ring_find(&client.ring, 9) == first);
    struct request *answered;
    CHECK(port_reply_plain(&port, event_next(&server).value, TS_OK, 3, &answered) == TS_OK);
    CHECK(answered == first && ring_find(&client.ring, 9) == NULL); // DONE, not published
    request_complete(first);
    CHECK(ring_find(&client.ring, 9) == NULL);
    struct ts_event event = event_next(&client);
    CHECK(event.user_data == 9 && event.value == 3);
    port_end();
}

// Each of a port's rings and each of a ring's ports has a place, and no more than there are.
static void bindings_are_limited(void)
{
    static struct side rings[RING_BINDINGS_MAX];
    static struct port ports[RING_BINDINGS_MAX];
    static struct port_tables empty[RING_BINDINGS_MAX];
    (void)port_begin(); // its server's ring is one
    CHECK(port_bind(&port, &server.ring, 8) == TS_ERR_EXISTS);
    for (unsigned i = 1; i < RING_BINDINGS_MAX; i++) {
        side_begin(&rings[i]);
        CHECK(port_bind(&port, &rings[i].ring, i) == TS_OK);
        empty[i] = tables_make(0, 0);
        port_init(&ports[i], &plain_class, 0, 0, empty[i]);
        CHECK(port_bind(&ports[i], &server.ring, i) == TS_OK);
    }
    CHECK(port_bind(&port, &client.ring, 9) == TS_ERR_LIMIT);
    CHECK(port_bind(&ports[1], &client.ring, 9) == TS_OK);
    empty[0] = tables_make(0, 0);
    port_init(&ports[0], &plain_class, 0, 0, empty[0]);
    CHECK(port_bind(&ports[0], &server.ring, 9) == TS_ERR_LIMIT);
    CHECK(port_unbind(&port, &rings[3].ring) == TS_OK);
    CHECK(port_unbind(&port, &rings[3].ring) == TS_ERR_NOT_FOUND);
    CHECK(port_bind(&port, &client.ring, 9) == TS_OK);
    for (unsigned i = 0; i < RING_BINDINGS_MAX; i++) {
        port_close(&ports[i]);
    }
    CHECK(port_bind(&ports[0], &rings[1].ring, 9) == TS_ERR_PEER_CLOSED);
    CHECK(server.ring.binding_count == 1);
    for (unsigned i = 0; i < RING_BINDINGS_MAX; i++) {
        tables_free(&empty[i]);
    }
    for (unsigned i = 1; i < RING_BINDINGS_MAX; i++) {
        side_end(&rings[i]);
    }
    port_end();
}

// More handles than one directory names: each page of each is given back.
static void a_table_of_many_pages_is_given_back(void)
{
    const uint32_t many = HANDLE_PAGE_ENTRIES * (HANDLE_DIRECTORY_ENTRIES + 2);
    struct handle_table table;
    ts_handle_t handle = TS_HANDLE_NONE;
    uint64_t before = world_pages;
    handle_table_init(&table, many);
    for (uint32_t i = 1; i < many; i++) {
        CHECK(handle_reserve(&table, &handle) == TS_OK);
    }
    CHECK(world_pages == before + HANDLE_DIRECTORY_ENTRIES + 2 + 2);
    CHECK(table.used == many - 1);
    uint32_t steps = 0, used = table.used;
    for (bool more = true; more; steps++) {
        more = handle_table_drain(&table, 64);
        CHECK(used - table.used <= 64);
        used = table.used;
    }
    CHECK(table.used == 0 && steps == many / 64); // as many as are asked for, each time
    handle_table_fini(&table);
    CHECK(world_pages == before && world_handles == 0);
}

// A run of requests ends where the client has more than is left, and none begins there.
static void a_run_ends_at_the_share(void)
{
    ts_handle_t handle = port_make(16);
    struct request_run run = {.port = NULL};
    uint64_t word;
    const struct handle_entry *entry = handle_find(&client.handles, handle, &word);
    struct served *served = served_of(atomic_load(&entry->object));
    uint32_t number = client.ring.requester.client, delivered = 0;
    struct request *first = ask(&client, handle, 1); // its client is the object's asker since
    CHECK(request_cancel(first, TS_ERR_CANCELLED, false) == TS_OK);
    (void)event_next(&client);
    CHECK(ring_idle(&server.ring, 1, NULL, 0));
    server.ring.entered = true;
    port.batch = 64; // as if it had been alone for long
    CHECK(request_run_begin(&run, served, entry, word, number));
    do {
        struct request *request = ring_record_take(&client.ring);
        request_fill(request, &(struct request_terms){.op = TS_OP_WRITE, .user_data = delivered});
        if (delivered++ == 0) {
            request_run_add_first(&run, request);
        } else {
            request_run_add_next(&run, request);
        }
    } while (request_run_goes_on(&run, served));
    request_run_end(&run);
    CHECK(delivered == 13 && unread(&server) == 13); // of 24 there are 11 left
    CHECK(port.slot_free != PORT_NONE && !request_run_begin(&run, served, entry, word, number));
    port_counts_check(&port);
    port_end();
}

// The two threads of a direct pass can always change places.
static bool always(struct direct_pass *pass)
{
    (void)pass;
    return true;
}

// What a ring's wait, which a direct call ends, held.
static void server_goes_on(struct direct_pass *pass)
{
    object_body_put(&pass->ring->object);
}

// A client's call is not direct when it has more than is left, while slots are free.
static void a_direct_call_stays_in_the_share(void)
{
    ts_handle_t handle = port_make(16);
    uint64_t word;
    const struct handle_entry *entry = handle_find(&client.handles, handle, &word);
    struct served *served = served_of(atomic_load(&entry->object));
    uint32_t delivered = 0;
    (void)request_cancel(ask(&client, handle, 1), TS_ERR_CANCELLED, false);
    (void)event_next(&client);
    struct request *request;
    for (;; delivered++) {
        server.shared->event_head = server.shared->event_tail; // it has read what came
        object_body_get(&server.ring.object);
        CHECK(ring_idle(&server.ring, 1, NULL, 0));
        server.ring.entered = true;
        request = ring_record_take(&client.ring);
        request_fill(request, &(struct request_terms){.op = TS_OP_WRITE, .user_data = delivered});
        struct direct_pass pass = {.request = request};
        if (!direct_call(&pass, served, entry, word, always, server_goes_on)) {
            break;
        }
        port_counts_check(&port);
    }
    CHECK(delivered == 13 && port.slot_free != PORT_NONE); // of 24 there are 11 left
    CHECK(request->home == HOME_NONE);                     // it was left as it was,
    port_issue(request, served, entry, word);              // and waits for the others
    CHECK(request_state(request) == REQUEST_ISSUED && unread(&server) == 0);
    port_counts_check(&port);
    object_body_put(&server.ring.object);
    port_end();
}

// The slot that an answer leaves is for what is parked: a ring that waits gets that at once.
static void an_answer_lets_the_next_one_in(void)
{
    ts_handle_t handle = port_make(4);
    struct request *answered;
    uint64_t id = 0;
    for (uint64_t i = 0; i < 6; i++) {
        ask(&client, handle, i);
    }
    while (ring_collect(&server.ring), unread(&server) != 0) {
        id = event_next(&server).value;
    }
    CHECK(port.slot_free == PORT_NONE && in_state(&client, REQUEST_PARKED) == 2);
    CHECK(ring_idle(&server.ring, 1, NULL, 0));
    CHECK(port_reply_plain(&port, id, TS_OK, 0, &answered) == TS_OK);
    CHECK(unread(&server) == 1 && event_next(&server).offset == 4);
    request_complete(answered);
    port_counts_check(&port);
    port_end();
}

// The bytes of a direct answer: as many as the client has room for, and not one more.
static void a_direct_answer_fills_the_room(void)
{
    struct request request = {
        .requester = &client.ring.requester, .out_address = 8192, .out_length = 100};
    bool done = false;
    world_copied = 0;
    direct_push(&request, 4096, 100, &done);
    CHECK(done && world_copied == 100);
    direct_push(&request, 4096, 101, &done);
    CHECK(!done && world_copied == 100);
}

// A request has so many places for handles: what is behind the last one is not looked at.
static void handles_are_taken_from_their_places(void)
{
    struct handle held;
    struct served *own;
    ts_handle_t handle = port_begin();
    ask(&client, handle, 0);
    (void)ring_collect(&server.ring);
    uint64_t id = event_next(&server).value;
    CHECK(port_take_handle(&port, id, TS_CALL_HANDLES - 1, &held, &own) == TS_ERR_NOT_FOUND);
    CHECK(port_take_handle(&port, id, TS_CALL_HANDLES, &held, &own) == TS_ERR_ARGUMENT);
    CHECK(port_take_handle(&port, id, UINT32_MAX, &held, &own) == TS_ERR_ARGUMENT);
    CHECK(port_take_handle(&port, 0, TS_CALL_HANDLES, &held, &own) == TS_ERR_ARGUMENT);
    port_end();
}

int main(void)
{
    a_run_ends_at_the_share();
    a_direct_call_stays_in_the_share();
    a_direct_answer_fills_the_room();
    an_answer_lets_the_next_one_in();
    handles_are_taken_from_their_places();
    signals_are_told_by_sixteen();
    a_count_is_one_waiters();
    a_client_has_its_share();
    a_reserve_is_its_objects_alone();
    a_reserve_that_is_used_lets_others_on();
    whoever_has_the_fewest_is_first();
    rule_q21_clients_have_turns();
    rule_q21_what_an_idle_ring_got_is_of_the_round();
    rule_q21_a_port_does_not_stand_behind_another();
    a_ring_that_waits_gets_eight();
    a_ring_finds_what_is_under_way();
    bindings_are_limited();
    a_table_of_many_pages_is_given_back();
    puts("core_steps: ok");
    return 0;
}
