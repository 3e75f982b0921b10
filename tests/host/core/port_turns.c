// SPDX-License-Identifier: MIT
// See port_turns.h.
#include "port_turns.h"

#include "port_counts.h"
#include "world.h"

#include <string.h>

// Still the same one, and parked.
static bool waits_on(const struct port_turns *turns, uint32_t client, uint8_t priority)
{
    const struct request *first = turns->waits[client][priority / 8].first;
    return first != NULL && first->state == REQUEST_PARKED &&
           first->offset == turns->waits[client][priority / 8].offset;
}

static void delivered(struct port_turns *turns, struct turn turn)
{
    for (uint32_t client = 0; client < TURN_CLIENTS; client++) {
        if (client == turn.client) {
            memset(turns->waits[client][turn.priority / 8].passed, 0, TURN_CLIENTS);
        } else if (waits_on(turns, client, turn.priority)) {
            uint8_t passed = ++turns->waits[client][turn.priority / 8].passed[turn.client];
            CHECK(passed <= 1);
        }
    }
}

static void note_first(struct request *request, void *context)
{
    struct port_turns *turns = context;
    uint32_t client = request->requester->client;
    if (request->served != request->port->reserve_object &&
        turns->waits[client][request->priority / 8].first == NULL) {
        turns->waits[client][request->priority / 8].first = request;
        turns->waits[client][request->priority / 8].offset = request->offset;
    }
}

void port_turns_look(struct port_turns *turns, const struct port *port, const struct ring *ring,
                     struct turn (*turn_of)(const struct ts_event *event))
{
    for (; turns->tail != ring->event_tail; turns->tail++) {
        const struct ts_event *event = &ring->events[turns->tail & (ring->event_count - 1)];
        struct turn turn = {TURN_CLIENTS, 0};
        if (event->kind == TS_EVENT_REQUEST) {
            turn = turn_of(event);
        }
        if (turn.client != TURN_CLIENTS) {
            delivered(turns, turn);
        }
    }
    for (uint32_t client = 0; client < TURN_CLIENTS; client++) {
        for (uint8_t priority = TS_PRIORITY_IDLE; priority < 8 * TURN_PRIORITIES; priority += 8) {
            if (!waits_on(turns, client, priority)) {
                memset(&turns->waits[client][priority / 8], 0,
                       sizeof(turns->waits[client][priority / 8]));
            }
        }
    }
    port_parked_each(port, note_first, turns);
}
