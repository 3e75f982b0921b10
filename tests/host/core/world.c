// SPDX-License-Identifier: MIT
// See world.h.
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

ts_time_t world_now = 1;
bool world_client_faults;
uint64_t world_pages, world_copied;
void (*world_thread_done)(struct request *request);

static struct list timers = {&timers, &timers};
static uint64_t seed = 88172645463325252u;

void world_check(bool condition, const char *text, const char *file, int line)
{
    if (condition)
        return;
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
    abort();
}

void world_seed(uint64_t value)
{
    seed = value * 2654435761u + 88172645463325252u;
}

uint32_t world_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

ts_time_t clock_now(void)
{
    return world_now;
}

static struct timer *running;

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
    if (running == timer)
        running = NULL;
}

void timer_stop_busy(struct timer *timer)
{
    if (timer->state == 1)
        list_remove(&timer->link);
    timer->state = 0;
    if (running == timer)
        running = NULL;
}

void world_advance(ts_time_t nanoseconds)
{
    ts_time_t until = world_now + nanoseconds;
    for (;;) {
        struct timer *first = NULL;
        list_for_each(node, &timers)
        {
            struct timer *timer = list_entry(node, struct timer, link);
            if (timer->deadline <= until && (first == NULL || timer->deadline < first->deadline))
                first = timer;
        }
        if (first == NULL)
            break;
        if (first->deadline > world_now)
            world_now = first->deadline;
        list_remove(&first->link);
        first->state = 2;
        running = first;
        first->expired(first);
        if (running == first)
            first->state = 0;
        running = NULL;
    }
    world_now = until;
}

void environment_wake_ring(struct ring *ring)
{
    (void)ring;
}

void environment_wake_thread(struct request *request)
{
    CHECK(request->state == REQUEST_DONE);
    world_thread_done(request);
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

ts_status_t environment_copy(struct address_space *client, uint64_t client_address,
                             uint64_t address, uint32_t length, enum copy_direction direction)
{
    (void)client;
    (void)address;
    (void)direction;
    CHECK(length != 0 && (client_address & 4095) + length <= 4096);
    world_copied += length;
    return world_client_faults ? TS_ERR_CLIENT_FAULT : TS_OK;
}

ts_status_t environment_copy_inbox(struct address_space *client, uint64_t client_address, void *to,
                                   uint32_t length)
{
    (void)client;
    CHECK((client_address & 4095) + length <= 4096);
    for (uint32_t i = 0; i < length; i++)
        ((char *)to)[i] = (char)(client_address + i);
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
    if (count > world_handles_limit - world_handles)
        return false;
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
    return 0;
}

void environment_relax(void)
{
    CHECK(!"nobody copies on another CPU here");
}

void environment_retire(struct object *object)
{
    if (object->class->destroy != NULL)
        object->class->destroy(object);
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

struct capability thing_create(int *alive, ts_rights_t rights)
{
    struct thing *thing = calloc(1, sizeof *thing);
    object_init(&thing->object, &thing_class);
    thing->alive = alive;
    (*alive)++;
    struct capability capability = object_capability_get(&thing->object, rights);
    object_put(&thing->object);
    return capability;
}
