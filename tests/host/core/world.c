// SPDX-License-Identifier: MIT
// See world.h.
#include "world.h"

#include "actors.h"

#include <stdio.h>
#include <stdlib.h>

ts_time_t world_now = 1;
bool world_client_faults;
uint64_t world_pages, world_copied;
void (*world_thread_done)(struct request *request);
void (*world_ring_woken)(struct ring *ring);
struct borrower *(*world_borrower)(struct ring *ring);

static uint64_t sequence, random_state = 88172645463325252u;

void world_check(bool condition, const char *text, const char *file, int line)
{
    if (condition) {
        return;
    }
    fprintf(stderr, "%s:%d: not so: %s (sequence %llu)\n", file, line, text,
            (unsigned long long)sequence);
    abort();
}

void world_seed(uint64_t seed)
{
    sequence = seed;
    random_state = seed * 2654435761u + 88172645463325252u;
}

uint32_t world_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

// ---- Timers

static struct list timers = {&timers, &timers};
static struct timer *expiring[ACTORS + 1]; // whose callback runs

ts_time_t clock_now(void)
{
    return world_now;
}

void timer_init(struct timer *timer, void (*expired)(struct timer *))
{
    *timer = (struct timer){.expired = expired};
    list_init(&timer->link);
}

void timer_start(struct timer *timer, ts_time_t deadline)
{
    CHECK(timer->state != 1);
    timer->deadline = deadline;
    timer->state = 1;
    list_push_back(&timers, &timer->link);
}

static bool timer_runs_elsewhere(const struct timer *timer)
{
    for (unsigned i = 0; i <= ACTORS; i++) {
        if (i != actors_running() && expiring[i] == timer) {
            return true;
        }
    }
    return false;
}

void timer_stop_busy(struct timer *timer)
{
    do {
        if (timer->state == 1) {
            list_remove(&timer->link);
        }
        if (expiring[actors_running()] == timer) {
            expiring[actors_running()] = NULL; // its own callback lets go of it
        }
        if (timer_runs_elsewhere(timer)) {
            actor_wait("a timer's callback");
        } else {
            timer->state = 0;
        }
    } while (timer->state != 0);
}

static struct timer *timer_due(ts_time_t until)
{
    struct timer *first = NULL;
    list_for_each(node, &timers)
    {
        struct timer *timer = list_entry(node, struct timer, link);
        if (timer->deadline <= until && (first == NULL || timer->deadline < first->deadline)) {
            first = timer;
        }
    }
    return first;
}

void world_advance(ts_time_t nanoseconds)
{
    ts_time_t until = world_now + nanoseconds;
    struct timer **mine = &expiring[actors_running()], *timer;
    while ((timer = timer_due(until)) != NULL) {
        if (timer->deadline > world_now) {
            world_now = timer->deadline;
        }
        list_remove(&timer->link);
        timer->state = 2;
        *mine = timer;
        timer->expired(timer);
        if (*mine == timer && timer->state == 2) {
            timer->state = 0;
        }
        *mine = NULL;
    }
    world_now = world_now > until ? world_now : until;
}

// ---- Environment

static struct object *retired;

void environment_retire(struct object *object)
{
    object->retired = retired;
    retired = object;
    if (actors_running() == ACTORS) {
        world_destroy_retired();
    }
}

void world_destroy_retired(void)
{
    while (retired != NULL) {
        struct object *object = retired;
        retired = object->retired;
        if (object->class->destroy != NULL) {
            object->class->destroy(object);
        }
    }
}

void environment_wake_ring(struct ring *ring)
{
    if (world_ring_woken != NULL) {
        world_ring_woken(ring);
    }
}

void environment_wake_thread(struct request *request)
{
    CHECK(request->state == REQUEST_DONE);
    world_thread_done(request);
}

void *environment_lend(struct ring *ring, uint8_t priority)
{
    struct borrower *borrower = world_borrower != NULL ? world_borrower(ring) : NULL;
    if (borrower == NULL || priority <= WORLD_OWN_PRIORITY) {
        return NULL;
    }
    borrower->loans[priority]++;
    return borrower;
}

void environment_return(void *borrower, uint8_t priority)
{
    struct borrower *from = borrower;
    CHECK(from->loans[priority] != 0);
    from->loans[priority]--;
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
    (void)direction;
    CHECK(length != 0 && (client_address & 4095) + length <= 4096);
    world_copied += length;
    actor_may_pause(); // the other CPU goes on while a page is copied
    return world_client_faults ? TS_ERR_CLIENT_FAULT : TS_OK;
}

ts_status_t environment_copy_inbox(struct address_space *client, uint64_t client_address, void *to,
                                   uint32_t length)
{
    (void)client;
    CHECK((client_address & 4095) + length <= 4096);
    for (uint32_t i = 0; i < length; i++) {
        ((char *)to)[i] = (char)(client_address + i);
    }
    return world_client_faults ? TS_ERR_CLIENT_FAULT : TS_OK;
}

void environment_write_handles(struct address_space *client, uint64_t client_address,
                               const ts_handle_t *handles, uint32_t count)
{
    (void)client;
    (void)client_address;
    (void)handles;
    (void)count;
}

uint32_t world_handles, world_handles_limit = UINT32_MAX;

bool environment_handles_charge(struct handle_table *table, uint32_t count)
{
    (void)table;
    if (count > world_handles_limit - world_handles) {
        return false;
    }
    world_handles += count;
    return true;
}

void environment_handles_uncharge(struct handle_table *table, uint32_t count)
{
    (void)table;
    CHECK(count <= world_handles);
    world_handles -= count;
}

void *environment_page_get(struct handle_table *table, ts_status_t *out_status)
{
    (void)table;
    *out_status = TS_OK;
    world_pages++;
    return calloc(1, 4096);
}

void environment_page_put(struct handle_table *table, void *page)
{
    (void)table;
    world_pages--;
    free(page);
}

bool environment_futex_remove(struct request *request)
{
    (void)request;
    return false;
}

uint32_t environment_cpu(void)
{
    return actors_running() % ACTORS;
}

void environment_relax(void)
{
    actor_relax();
}

static void thing_destroy(struct object *object)
{
    struct thing *thing = list_entry(object, struct thing, object);
    (*thing->alive)--;
    free(thing);
}

const struct object_class thing_class = {
    .kind = TS_KIND_MEMORY,
    .name = "thing",
    .rights = TS_RIGHTS_ALL,
    .destroy = thing_destroy,
};

struct handle thing_create(int *alive, ts_rights_t rights)
{
    struct thing *thing = calloc(1, sizeof(*thing));
    object_init(&thing->object, &thing_class);
    thing->alive = alive;
    (*alive)++;
    struct handle held = object_handle_get(&thing->object, rights);
    object_put(&thing->object);
    return held;
}
