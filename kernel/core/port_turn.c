// SPDX-License-Identifier: MIT
// Turns: whose parked request is next. See port.h.
//
// What is parked is mostly one client's: then each priority's list has its requests. When another
// client comes the lists get heads instead, the first request of each client; the others of that
// client and priority are behind it, and one of them takes its place. A head that has had its turn
// leaves the end of the list to its next, so that all others come before.
#include <core/port.h>
#include <core/port_tables.h>

// What names a client's head of a priority: NULL if there is none. (A step a priority.)
static struct request **head_of(struct port_client *client, uint8_t priority)
{
    struct request **head = &client->heads;
    while (*head != NULL && (*head)->priority != priority) {
        head = &(*head)->next_head;
    }
    return head;
}

// The last of its priority. (What is behind it is set.)
static void head_add(struct port *port, struct request *request)
{
    struct port_client *client = &port->clients[request->client];
    request->next_head = client->heads;
    client->heads = request;
    parked_add(port, request);
}

// All that is parked is one client's, and more is to come.
static void turns_begin(struct port *port)
{
    port->lone = PORT_NONE;
    for (uint32_t left = port->parked_mask; left != 0; left &= left - 1) {
        struct list *list = &port->parked[__builtin_ctz(left)];
        struct request *head = list_entry(list_pop_front(list), struct request, link);
        list_init(&head->behind);
        list_splice_back(&head->behind, list);
        head_add(port, head);
    }
}

// The one client of which there are heads, or PORT_NONE.
static uint32_t only_one(const struct port *port)
{
    uint32_t client = PORT_NONE;
    for (uint32_t left = port->parked_mask; left != 0; left &= left - 1) {
        const struct list *list = &port->parked[__builtin_ctz(left)];
        const struct request *head = list_entry(list->next, struct request, link);
        if (list->next->next != list || (client != PORT_NONE && client != head->client)) {
            return PORT_NONE;
        }
        client = head->client;
    }
    return client;
}

void turns_end(struct port *port)
{
    uint32_t client = only_one(port);
    if (client == PORT_NONE) {
        return;
    }
    for (uint32_t left = port->parked_mask; left != 0; left &= left - 1) {
        struct list *list = &port->parked[__builtin_ctz(left)];
        list_splice_back(list, &list_entry(list->next, struct request, link)->behind);
    }
    port->clients[client].heads = NULL;
    port->lone = client;
}

void turn_wait(struct port *port, struct request *request)
{
    if (port->parked_mask == 0) {
        port->lone = request->client;
        port->batch = 1;
        parked_add(port, request);
        return;
    }
    if (port->lone != PORT_NONE) {
        turns_begin(port);
    }
    struct request *head = *head_of(&port->clients[request->client], request->priority);
    if (head != NULL) {
        list_push_back(&head->behind, &request->link);
    } else {
        port->batch = 1;
        list_init(&request->behind);
        head_add(port, request);
    }
}

void turn_leave(struct port *port, struct request *request, bool had_turn)
{
    struct port_client *client = &port->clients[request->client];
    struct list *list = &port->parked[request->priority & (PRIORITIES - 1)],
                *before = request->link.next;
    struct request **head = head_of(client, request->priority);
    list_remove(&request->link);
    if (*head != request) {
        return;
    }
    if (had_turn) {
        client->round = port->round;
        before = list;
    }
    *head = request->next_head;
    if (!list_empty(&request->behind)) {
        struct request *next = list_entry(list_pop_front(&request->behind), struct request, link);
        list_init(&next->behind);
        list_splice_back(&next->behind, &request->behind);
        next->next_head = client->heads;
        client->heads = next;
        list_push_back(before, &next->link);
    }
    if (list_empty(list)) {
        port->parked_mask &= ~(1u << (request->priority & (PRIORITIES - 1)));
    }
}

bool turn_is_second(const struct port *port)
{
    if (port->lone != PORT_NONE) {
        return true;
    }
    const struct list *first = port->parked[port_urgency(port)].next;
    return port->clients[list_entry(first, struct request, link)->client].round == port->round;
}
