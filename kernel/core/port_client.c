// SPDX-License-Identifier: MIT
// Clients of a port: records of them, found by number, and what each may take. See port.h.
#include <core/port.h>
#include <core/port_tables.h>

#define CLIENTS_MIN 16u
#define CLIENTS_MAX 4096u
#define CHAIN_MAX   16u // records in a chain: a client whose chain is full is refused

uint32_t port_client_count(uint32_t requests, uint32_t objects)
{
    uint64_t needed = (uint64_t)requests + PORT_PARKED + objects;
    uint32_t count = CLIENTS_MIN;
    while (count < needed && count < CLIENTS_MAX) {
        count *= 2;
    }
    return count;
}

static bool client_is_idle(const struct port_client *client)
{
    return (client->requests | client->objects) == 0;
}

static uint32_t *chain_of(struct port *port, uint32_t number)
{
    return &port->client_chains[number & (port->client_count - 1)];
}

struct port_client *client_find(struct port *port, uint32_t number)
{
    uint32_t index = *chain_of(port, number);
    while (index != PORT_NONE && port->clients[index].number != number) {
        index = port->clients[index].next;
    }
    return index == PORT_NONE ? NULL : &port->clients[index];
}

static void chain_remove(struct port *port, struct port_client *client)
{
    uint32_t *link = chain_of(port, client->number);
    while (&port->clients[*link] != client) {
        link = &port->clients[*link].next;
    }
    *link = client->next;
}

// A record that nobody needs, in no chain; NULL: there is none. (Most ports have as many as they
// have requests and objects: the first is one, or the next.)
static struct port_client *client_take(struct port *port)
{
    for (uint32_t i = 0; i < port->client_count; i++) {
        struct port_client *client = &port->clients[port->client_cursor];
        port->client_cursor = (port->client_cursor + 1) & (port->client_count - 1);
        if (!client_is_idle(client)) {
            continue;
        }
        if (client->number != PORT_NONE) {
            chain_remove(port, client);
        }
        return client;
    }
    return NULL;
}

struct port_client *client_nobody(struct port *port)
{
    struct port_client *client = client_take(port);
    if (client != NULL) {
        client->number = PORT_NONE;
    }
    return client;
}

struct port_client *client_get(struct port *port, uint32_t number)
{
    struct port_client *idle = NULL;
    uint32_t *chain = chain_of(port, number), length = 0;
    for (uint32_t index = *chain; index != PORT_NONE; index = port->clients[index].next) {
        struct port_client *client = &port->clients[index];
        if (client->number == number) {
            return client;
        }
        if (client_is_idle(client)) {
            idle = client;
        }
        length++;
    }
    if (idle == NULL && length < CHAIN_MAX) {
        idle = client_take(port);
        if (idle != NULL) {
            idle->next = *chain;
            *chain = (uint32_t)(idle - port->clients);
        }
    }
    if (idle != NULL) {
        if (idle->number != number && port->lone == (uint32_t)(idle - port->clients)) {
            port->batch = 1; // the rounds that grew were another client's
        }
        idle->number = number;
    }
    return idle;
}

// ---- Waiting
// A heap of the clients of which requests wait: the one with the fewest is first, and is the first
// one to go on.

static uint32_t has(const struct port *port, uint32_t place)
{
    return port->clients[port->hungry[place]].requests;
}

static void hungry_put(struct port *port, uint32_t place, uint32_t index)
{
    port->hungry[place] = index;
    port->clients[index].place = place;
}

static void hungry_swap(struct port *port, uint32_t a, uint32_t b)
{
    uint32_t index = port->hungry[a];
    hungry_put(port, a, port->hungry[b]);
    hungry_put(port, b, index);
}

// Puts right the place of a client that has fewer or more than before.
static void hungry_settle(struct port *port, uint32_t place)
{
    while (place > 0 && has(port, place) < has(port, (place - 1) / 2)) {
        hungry_swap(port, place, (place - 1) / 2);
        place = (place - 1) / 2;
    }
    for (;;) {
        uint32_t least = place;
        for (uint32_t below = 2 * place + 1; below <= 2 * place + 2; below++) {
            if (below < port->hungry_count && has(port, below) < has(port, least)) {
                least = below;
            }
        }
        if (least == place) {
            return;
        }
        hungry_swap(port, place, least);
        place = least;
    }
}

void client_wait(struct port *port, struct port_client *client, struct request *request)
{
    if (list_empty(&client->waiting)) {
        hungry_put(port, port->hungry_count, (uint32_t)(client - port->clients));
        hungry_settle(port, port->hungry_count++);
    }
    list_push_back(&client->waiting, &request->link);
}

void client_wait_no_more(struct port *port, struct port_client *client, struct request *request)
{
    list_remove(&request->link);
    if (!list_empty(&client->waiting)) {
        return;
    }
    uint32_t place = client->place;
    hungry_put(port, place, port->hungry[--port->hungry_count]);
    if (place < port->hungry_count) {
        hungry_settle(port, place);
    }
}

// Before it was over no client that waits had as few as were left. Now there is one more: for one
// or two of them.
void port_go_on(struct port *port, struct port_client *client)
{
    if (!list_empty(&client->waiting)) {
        hungry_settle(port, client->place);
    }
    while (port->hungry_count != 0 && port_may_take(has(port, 0), port->requests_left)) {
        client = &port->clients[port->hungry[0]];
        struct request *request = list_entry(client->waiting.next, struct request, link);
        client_wait_no_more(port, client, request);
        request_park(port, client, request);
        if (!list_empty(&client->waiting)) {
            hungry_settle(port, 0);
        }
    }
}
