// SPDX-License-Identifier: MIT
// See port_counts.h.
#include "port_counts.h"

#include <core/port_tables.h>
#include <stdlib.h>

#include "world.h"

static uint32_t length_of(const struct list *list)
{
    uint32_t length = 0;
    for (const struct list *node = list->next; node != list; node = node->next) {
        length++;
    }
    return length;
}

void port_parked_each(const struct port *port, void (*see)(struct request *, void *), void *context)
{
    for (unsigned priority = TS_PRIORITY_IDLE; priority < PRIORITIES; priority++) {
        const struct list *list = &port->parked[priority];
        for (const struct list *node = list->next; node != list; node = node->next) {
            struct request *first = list_entry(node, struct request, link);
            see(first, context);
            if (port->lone != PORT_NONE) {
                continue;
            }
            for (struct list *at = first->behind.next; at != &first->behind; at = at->next) {
                see(list_entry(at, struct request, link), context);
            }
        }
    }
}

// Of several clients each has one head of a priority, which it knows.
static void check_heads(const struct port *port)
{
    uint32_t heads = 0, known = 0;
    for (unsigned priority = TS_PRIORITY_IDLE; priority < PRIORITIES; priority++) {
        const struct list *list = &port->parked[priority];
        CHECK(list_empty(list) == !(port->parked_mask >> priority & 1));
        heads += port->lone == PORT_NONE ? length_of(list) : 0;
    }
    for (uint32_t i = 0; i < port->client_count; i++) {
        uint32_t priorities = 0;
        for (struct request *head = port->clients[i].heads; head != NULL; head = head->next_head) {
            CHECK(head->client == i && !(priorities >> head->priority & 1));
            CHECK(!list_empty(&head->link));
            priorities |= 1u << head->priority;
            known++;
            for (struct list *at = head->behind.next; at != &head->behind; at = at->next) {
                const struct request *other = list_entry(at, struct request, link);
                CHECK(other->client == i && other->priority == head->priority);
            }
        }
    }
    CHECK(heads == known);
}

struct counted {
    const struct port *port;
    uint32_t *requests, parked;
};

static void count_parked(struct request *request, void *context)
{
    struct counted *counted = context;
    uint32_t lone = counted->port->lone;
    CHECK(request->state == REQUEST_PARKED && (lone == PORT_NONE || lone == request->client));
    CHECK((request->served == counted->port->reserve_object) ==
          (request == counted->port->reserve_parked));
    counted->requests[request->client]++;
    counted->parked++;
}

// What the clients have, by their records; the number of parked requests.
static uint32_t count_requests(const struct port *port, uint32_t *requests)
{
    struct counted counted = {port, requests, 0};
    port_parked_each(port, count_parked, &counted);
    for (uint32_t i = 0; i < port->slot_count; i++) {
        if (port->slots[i].state != SLOT_FREE) {
            requests[port->slots[i].client]++;
        }
    }
    return counted.parked;
}

// The number of objects.
static uint32_t count_objects(const struct port *port, uint32_t *objects)
{
    uint32_t all = 0;
    for (uint32_t i = 0; i < port->object_count; i++) {
        const struct served *served = &port->served[i];
        all += served->state != SERVED_FREE;
        if (served->state != SERVED_FREE && served->client != PORT_NONE) {
            objects[served->client]++;
        }
    }
    return all;
}

// The reserve is one object's, and has one request at the most, on its way or there.
static void check_reserve(const struct port *port)
{
    const struct request *parked = port->reserve_parked;
    CHECK(port->reserve_object == NULL || port->reserve != PORT_NONE);
    if (port->reserve == PORT_NONE) {
        CHECK(parked == NULL);
        return;
    }
    const struct port_client *client = &port->clients[port->reserve_client];
    const struct slot *slot = &port->slots[port->reserve];
    CHECK(client->number == PORT_NONE && client->objects == UINT32_MAX);
    CHECK(client->requests == (parked != NULL) + (slot->state != SLOT_FREE));
    CHECK(client->requests <= 1 && list_empty(&client->waiting));
    CHECK(slot->state == SLOT_FREE || slot->client == port->reserve_client);
    for (uint32_t free = port->slot_free; free != PORT_NONE; free = port->slots[free].next_free) {
        CHECK(free != port->reserve);
    }
    if (parked != NULL) {
        CHECK(parked->state == REQUEST_PARKED && parked->served == port->reserve_object);
    }
}

// The clients of which requests wait are in a heap: the one with the fewest is its first.
static void check_hungry(const struct port *port)
{
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < port->client_count; i++) {
        const struct port_client *client = &port->clients[i];
        if (list_empty(&client->waiting)) {
            continue;
        }
        CHECK(client->place < port->hungry_count && port->hungry[client->place] == i);
        waiting++;
    }
    CHECK(waiting == port->hungry_count);
    for (uint32_t place = 1; place < port->hungry_count; place++) {
        CHECK(port->clients[port->hungry[place]].requests >=
              port->clients[port->hungry[(place - 1) / 2]].requests);
    }
}

void port_counts_check(struct port *port)
{
    check_reserve(port);
    uint32_t *requests = calloc(port->client_count, sizeof(*requests));
    uint32_t *objects = calloc(port->client_count, sizeof(*objects)), left;
    check_heads(port);
    uint32_t parked = count_requests(port, requests);
    CHECK(port->queued == parked + length_of(&port->cancels) + length_of(&port->closed));
    CHECK(port->objects_left == port->object_count - count_objects(port, objects));
    left = port->slot_count + PORT_PARKED - (port->reserve != PORT_NONE);
    for (uint32_t i = 0; i < port->client_count; i++) {
        const struct port_client *client = &port->clients[i];
        CHECK(client->number == PORT_NONE || client_find(port, client->number) == client);
        bool nobody = port->reserve != PORT_NONE && i == port->reserve_client;
        CHECK(client->requests == requests[i]);
        CHECK(client->objects == (nobody ? UINT32_MAX : objects[i]));
        CHECK(requests[i] != 0 || list_empty(&client->waiting));
        // One that waits has more than is left: none waits beside room.
        CHECK(port->dead || list_empty(&client->waiting) ||
              !port_may_take(client->requests, port->requests_left));
        left -= nobody ? 0 : requests[i]; // the reserve is apart
    }
    CHECK(port->requests_left == left);
    check_hungry(port);
    free(requests);
    free(objects);
}
