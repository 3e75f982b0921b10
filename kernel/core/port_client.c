// SPDX-License-Identifier: MIT
// Who asks a port: records of clients, found by number, and what each may take. See port.h.
#include <core/port.h>
#include <core/port_tables.h>

#define CLIENTS_MIN   16u
#define CLIENTS_MAX   4096u
#define CHAIN_MAX     16u // records in a chain: a client whose chain is full is refused
#define MOVED_AT_ONCE 4u  // requests that one which is over lets on
#define HUNGRY_LOOKS  16u // other clients that it looks at

uint32_t port_client_count(uint32_t requests, uint32_t objects)
{
    uint64_t needed = (uint64_t)requests + PORT_PARKED + objects;
    uint32_t count = CLIENTS_MIN;
    while (count < needed && count < CLIENTS_MAX)
        count *= 2;
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
    while (index != PORT_NONE && port->clients[index].number != number)
        index = port->clients[index].next;
    return index == PORT_NONE ? NULL : &port->clients[index];
}

static void chain_remove(struct port *port, struct port_client *client)
{
    uint32_t *link = chain_of(port, client->number);
    while (&port->clients[*link] != client)
        link = &port->clients[*link].next;
    *link = client->next;
}

// A record that nobody needs, in no chain; NULL: there is none. (Most ports have as many as they
// have requests and objects: the first is one, or the next.)
static struct port_client *client_take(struct port *port)
{
    for (uint32_t i = 0; i < port->client_count; i++) {
        struct port_client *client = &port->clients[port->client_cursor];
        port->client_cursor = (port->client_cursor + 1) & (port->client_count - 1);
        if (!client_is_idle(client))
            continue;
        if (client->number != PORT_NONE)
            chain_remove(port, client);
        return client;
    }
    return NULL;
}

struct port_client *client_get(struct port *port, uint32_t number)
{
    struct port_client *idle = NULL;
    uint32_t *chain = chain_of(port, number), length = 0;
    for (uint32_t index = *chain; index != PORT_NONE; index = port->clients[index].next) {
        struct port_client *client = &port->clients[index];
        if (client->number == number)
            return client;
        if (client_is_idle(client))
            idle = client;
        length++;
    }
    if (idle == NULL && length < CHAIN_MAX) {
        idle = client_take(port);
        if (idle != NULL) {
            idle->next = *chain;
            *chain = (uint32_t)(idle - port->clients);
        }
    }
    if (idle != NULL)
        idle->number = number;
    return idle;
}

void client_wait(struct port *port, struct port_client *client, struct request *request)
{
    if (list_empty(&client->waiting))
        list_push_back(&port->hungry, &client->hungry);
    list_push_back(&client->waiting, &request->link);
}

void client_wait_no_more(struct port_client *client, struct request *request)
{
    list_remove(&request->link);
    if (list_empty(&client->waiting))
        list_remove(&client->hungry);
}

// True: it was let on.
static bool client_move(struct port *port, struct port_client *client)
{
    if (list_empty(&client->waiting) || !port_may_take(client->requests, port->requests_left))
        return false;
    struct request *request = list_entry(client->waiting.next, struct request, link);
    client_wait_no_more(client, request);
    request_park(port, request);
    return true;
}

void client_go_on(struct port *port, struct port_client *client)
{
    for (unsigned i = 0; i < MOVED_AT_ONCE && client_move(port, client); i++)
        ;
}

// Its own first. Of the others, which take turns, some are looked at: those that may not go on have
// more than is left, so 16 of them have nearly all that the port has.
void port_go_on(struct port *port, struct port_client *client)
{
    client_go_on(port, client);
    unsigned moved = 0;
    for (unsigned i = 0; i < HUNGRY_LOOKS && moved < MOVED_AT_ONCE && port->requests_left != 0 &&
                         !list_empty(&port->hungry);
         i++) {
        struct port_client *next =
            list_entry(list_pop_front(&port->hungry), struct port_client, hungry);
        list_push_back(&port->hungry, &next->hungry);
        moved += client_move(port, next);
    }
}
