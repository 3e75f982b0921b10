// SPDX-License-Identifier: MIT
// The request life cycle on real threads, under ThreadSanitizer: two servers' threads on one port
// (a ring each), threads and a ring that ask, deadlines that a timer thread lets expire, cancels,
// copies that meet answers. Each request completes exactly once with a status that it may have.
#include <core/hooks.h>
#include <core/handle_table.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CLIENTS  3
#define SERVERS  2
#define SLOTS    4
#define OBJECTS  4
#define INFLIGHT 8
#define EVENTS   16
#define SECONDS  4

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

static atomic_bool stop_clients, stop_servers, stop_timers;

static struct server {
    struct ring ring;
    struct ts_ring *shared;
    struct request records[INFLIGHT];
    atomic_bool woken;
    uint64_t answered, gone;
} servers[SERVERS];

static struct client {
    struct handle_table handles;
    struct requester requester;
    struct request request;
    struct ring ring; // of the last client
    struct ts_ring *shared;
    struct request records[INFLIGHT];
    atomic_bool done, woken;
    ts_handle_t target;
    uint64_t count, ok, cancelled, timed_out, abandoned;
} clients[CLIENTS];

static struct port port;
static const struct object_class port_class = {.kind = TS_KIND_PORT, .name = "port"};
static const struct object_class ring_class = {.kind = TS_KIND_RING, .name = "ring"};

static _Thread_local uint64_t seed;

// Lets others run: there are more threads than processors.
static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
}

static uint32_t chance(uint32_t of)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 20) % of;
}

// ---- Environment

ts_time_t clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (ts_time_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static pthread_mutex_t timer_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list timers = {&timers, &timers};
static struct timer *timer_running;
static pthread_t timer_thread;

void timer_init(struct timer *timer, void (*expired)(struct timer *))
{
    *timer = (struct timer){.expired = expired};
    list_init(&timer->link);
}

void timer_start(struct timer *timer, ts_time_t deadline)
{
    pthread_mutex_lock(&timer_lock);
    CHECK(timer->state != 1);
    timer->deadline = deadline;
    timer->state = 1;
    list_push_back(&timers, &timer->link);
    pthread_mutex_unlock(&timer_lock);
}

void timer_stop_busy(struct timer *timer)
{
    bool own = pthread_equal(pthread_self(), timer_thread);
    pthread_mutex_lock(&timer_lock);
    if (timer_running == timer && own) {
        timer_running = NULL;
    }
    // The callback may arm it again.
    while (timer->state == 1 || timer_running == timer) {
        if (timer->state == 1) {
            list_remove(&timer->link);
            timer->state = 0;
        }
        if (timer_running == timer) {
            pthread_mutex_unlock(&timer_lock);
            pause_a_little();
            pthread_mutex_lock(&timer_lock);
        }
    }
    timer->state = 0;
    pthread_mutex_unlock(&timer_lock);
}

static void *timer_main(void *argument)
{
    (void)argument;
    while (!stop_timers) {
        pthread_mutex_lock(&timer_lock);
        struct timer *due = NULL;
        list_for_each(node, &timers)
        {
            struct timer *timer = list_entry(node, struct timer, link);
            if (timer->deadline <= clock_now() &&
                (due == NULL || timer->deadline < due->deadline)) {
                due = timer;
            }
        }
        if (due != NULL) {
            list_remove(&due->link);
            due->state = 2;
            timer_running = due;
        }
        pthread_mutex_unlock(&timer_lock);
        if (due == NULL) {
            pause_a_little();
            continue;
        }
        due->expired(due);
        pthread_mutex_lock(&timer_lock);
        if (timer_running == due) {
            if (due->state == 2) {
                due->state = 0;
            }
            timer_running = NULL;
        }
        pthread_mutex_unlock(&timer_lock);
    }
    return NULL;
}

void environment_wake_ring(struct ring *ring)
{
    atomic_store((atomic_bool *)ring->waiter, true);
}

void environment_wake_thread(struct request *request)
{
    atomic_store(&list_entry(request, struct client, request)->done, true);
}

void *environment_lend(struct ring *ring, uint8_t priority)
{
    (void)ring;
    (void)priority;
    return NULL;
}

void environment_return(void *borrower, uint8_t priority)
{
    (void)borrower;
    (void)priority;
}

void environment_give_turn(struct ring *ring)
{
    (void)ring;
}

ts_status_t environment_copy(struct address_space *client, uint64_t client_address,
                             uint64_t address, uint32_t length, enum copy_direction direction)
{
    (void)client;
    (void)address;
    (void)length;
    // A push writes the client's word: ThreadSanitizer sees if that can meet its next use of it.
    if (direction == COPY_PUSH) {
        *(volatile uint64_t *)client_address += 1;
    }
    return TS_OK;
}

ts_status_t environment_copy_inbox(struct address_space *client, uint64_t client_address, void *to,
                                   uint32_t length)
{
    (void)client;
    (void)client_address;
    (void)to;
    (void)length;
    return TS_OK;
}

void environment_write_handles(struct address_space *client, uint64_t client_address,
                               const ts_handle_t *handles, uint32_t count)
{
    (void)client;
    (void)client_address;
    (void)handles;
    (void)count;
}

bool environment_handles_charge(struct handle_table *table, uint32_t count)
{
    (void)table;
    (void)count;
    return true;
}

void environment_handles_uncharge(struct handle_table *table, uint32_t count)
{
    (void)table;
    (void)count;
}

void *environment_page_get(struct handle_table *table, ts_status_t *out_status)
{
    (void)table;
    *out_status = TS_OK;
    return calloc(1, 4096);
}

void environment_page_put(struct handle_table *table, void *page)
{
    (void)table;
    free(page);
}

bool environment_futex_remove(struct request *request)
{
    (void)request;
    return false;
}

uint32_t environment_cpu(void)
{
    return 0;
}

void environment_relax(void)
{
    pause_a_little();
}

void environment_retire(struct object *object)
{
    (void)object;
}

// ---- Clients

static void tally(struct client *client, ts_status_t status)
{
    client->count++;
    switch (status) {
    case TS_OK: client->ok++; break;
    case TS_ERR_CANCELLED: client->cancelled++; break;
    case TS_ERR_TIMED_OUT: client->timed_out++; break;
    default: CHECK(status == TS_ERR_ABANDONED); client->abandoned++;
    }
}

static void fill(struct client *client, struct request *request, uint64_t *word, uint64_t number)
{
    const struct request_terms terms = {
        .op = TS_OP_READ,
        .rights = TS_RIGHTS_ALL,
        .handle = client->target,
        .priority = (uint8_t)chance(PRIORITIES),
        .user_data = number,
        .deadline = chance(4) == 0 ? clock_now() + chance(200000) : TS_DEADLINE_NONE,
    };
    request_fill(request, &terms);
    request_set_range(request, false, (uint64_t)word, 8);
}

static void issue(struct client *client, struct request *request)
{
    struct handle borrowed;
    CHECK(handle_lookup(&client->handles, client->target, 0, &borrowed) == TS_OK);
    uint64_t word;
    const struct handle_entry *entry = handle_find(&client->handles, client->target, &word);
    port_issue(request, served_of(borrowed.object), entry, word);
}

static void *thread_client(void *argument)
{
    struct client *client = argument;
    static uint64_t words[CLIENTS];
    seed = (uint64_t)(client - clients) * 77777 + 12345;
    while (!stop_clients) {
        uint64_t *word = &words[client - clients];
        fill(client, &client->request, word, 0);
        atomic_store(&client->done, false);
        issue(client, &client->request);
        while (!atomic_load(&client->done)) {
            if (chance(64) == 0) {
                (void)request_cancel(&client->request, TS_ERR_CANCELLED, chance(2) == 0);
            }
            pause_a_little();
        }
        tally(client, client->request.status);
        *word = 0; // nobody pushes any more
        request_set_state(&client->request, REQUEST_FREE);
    }
    return NULL;
}

static void ring_events(struct client *client, bool *busy)
{
    while (client->shared->event_head !=
           atomic_load_explicit(TS_ATOMIC(&client->shared->event_tail), memory_order_acquire)) {
        struct ts_event *event = &client->ring.events[client->shared->event_head & (EVENTS - 1)];
        CHECK(event->user_data < INFLIGHT && busy[event->user_data]);
        busy[event->user_data] = false;
        tally(client, event->status);
        atomic_store_explicit(TS_ATOMIC(&client->shared->event_head),
                              client->shared->event_head + 1, memory_order_release);
    }
}

static void *ring_client(void *argument)
{
    struct client *client = argument;
    static uint64_t words[INFLIGHT];
    bool busy[INFLIGHT] = {false};
    seed = 4242;
    bool left = true;
    while (!stop_clients || left) {
        left = false;
        for (unsigned i = 0; i < INFLIGHT; i++) {
            left |= busy[i];
            if (busy[i] || stop_clients || chance(3) != 0) {
                continue;
            }
            struct request *record = ring_record_take(&client->ring);
            CHECK(record != NULL);
            words[i] = 0;
            busy[i] = left = true;
            fill(client, record, &words[i], i);
            issue(client, record);
        }
        if (chance(4) == 0) {
            struct request *record = ring_find(&client->ring, chance(INFLIGHT));
            if (record != NULL) {
                (void)request_cancel(record, TS_ERR_CANCELLED, chance(2) == 0);
            }
        }
        (void)ring_collect(&client->ring);
        ring_events(client, busy);
        pause_a_little();
    }
    return NULL;
}

// ---- Servers

static void serve(struct server *server, uint64_t id)
{
    uint32_t done;
    if (chance(3) == 0) {
        ts_status_t status = port_copy(&port, id, COPY_PUSH, 0, 8, 0, &done);
        CHECK(status == TS_OK || status == TS_ERR_GONE);
    }
    if (chance(32) == 0) {
        pause_a_little();
    }
    struct reply reply = {.id = id, .value = id};
    struct request *request;
    ts_status_t status = port_reply(&port, &reply, &request);
    if (status == TS_OK) {
        server->answered++;
        request_complete(request);
    } else {
        CHECK(status == TS_ERR_GONE);
        server->gone++;
    }
}

static void *server_main(void *argument)
{
    struct server *server = argument;
    seed = (uint64_t)(server - servers) * 999 + 31;
    while (!stop_servers) {
        atomic_store(&server->woken, false);
        if (ring_idle(&server->ring, 1, &server->woken, 0)) {
            while (!atomic_load(&server->woken) && !stop_servers) {
                pause_a_little();
            }
            ring_busy(&server->ring);
        }
        while (server->shared->event_head !=
               atomic_load_explicit(TS_ATOMIC(&server->shared->event_tail), memory_order_acquire)) {
            struct ts_event event = server->ring.events[server->shared->event_head & (EVENTS - 1)];
            atomic_store_explicit(TS_ATOMIC(&server->shared->event_head),
                                  server->shared->event_head + 1, memory_order_release);
            if (event.kind == TS_EVENT_REQUEST) {
                serve(server, event.value);
            } else {
                CHECK(event.kind == TS_EVENT_CANCEL);
            }
        }
    }
    return NULL;
}

static void ring_make(struct ring *ring, struct ts_ring **shared, struct request *records,
                      struct handle_table *handles)
{
    *shared = calloc(1, ring_bytes(8, EVENTS));
    object_init(&ring->object, &ring_class);
    ring->requester.handles = handles;
    ring->mapping.range = (struct kernel_range){*shared, ring_bytes(8, EVENTS)};
    ring_init(ring, 8, EVENTS, records, INFLIGHT);
}

int main(void)
{
    pthread_t threads[CLIENTS + SERVERS];
    struct port_tables tables = {
        calloc(SLOTS, sizeof(struct slot)), calloc(OBJECTS, sizeof(struct served)),
        calloc(port_client_count(SLOTS, OBJECTS), sizeof(struct port_client)),
        calloc(2 * port_client_count(SLOTS, OBJECTS), sizeof(uint32_t))};
    port_init(&port, &port_class, SLOTS, OBJECTS, tables);
    for (unsigned i = 0; i < SERVERS; i++) {
        ring_make(&servers[i].ring, &servers[i].shared, servers[i].records, NULL);
        CHECK(port_bind(&port, &servers[i].ring, 0) == TS_OK);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &clients[i];
        struct handle held;
        handle_table_init(&client->handles, 100);
        client->requester.handles = &client->handles;
        request_init(&client->request, &client->requester);
        ring_make(&client->ring, &client->shared, client->records, &client->handles);
        CHECK(port_mint(&port, i, i, TS_RIGHTS_ALL, false, &held) == TS_OK);
        CHECK(handle_install(&client->handles, held, &client->target) == TS_OK);
    }
    pthread_create(&timer_thread, NULL, timer_main, NULL);
    for (unsigned i = 0; i < SERVERS; i++) {
        pthread_create(&threads[CLIENTS + i], NULL, server_main, &servers[i]);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        pthread_create(&threads[i], NULL, i + 1 == CLIENTS ? ring_client : thread_client,
                       &clients[i]);
    }
    nanosleep(&(struct timespec){.tv_sec = SECONDS}, NULL);
    stop_clients = true;
    for (unsigned i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
    }
    stop_servers = true;
    for (unsigned i = 0; i < SERVERS; i++) {
        pthread_join(threads[CLIENTS + i], NULL);
    }
    stop_timers = true;
    pthread_join(timer_thread, NULL);
    uint64_t completed = 0, answered = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        printf("client %u: %llu ok, %llu cancelled, %llu timed out, %llu abandoned\n", i,
               (unsigned long long)clients[i].ok, (unsigned long long)clients[i].cancelled,
               (unsigned long long)clients[i].timed_out, (unsigned long long)clients[i].abandoned);
        CHECK(clients[i].ok != 0);
        completed += clients[i].ok;
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        answered += servers[i].answered;
    }
    CHECK(completed == answered);
    puts("request_stress: ok");
    return 0;
}
