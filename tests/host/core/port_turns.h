// SPDX-License-Identifier: MIT
// Whether clients have turns (Q21): between two deliveries of one client each other client of which
// a request of that priority is parked all the time has had one.
#pragma once

#include <core/port.h>

#define TURN_CLIENTS    16u // by number
#define TURN_PRIORITIES 3u

// What was parked after the last look, and what has passed it by since.
struct port_turns {
    uint32_t tail; // of the ring, then
    struct {
        struct request *first; // parked for the client at that priority, with that offset
        uint64_t offset;
        uint8_t passed[TURN_CLIENTS]; // deliveries of another client since its own last one
    } waits[TURN_CLIENTS][TURN_PRIORITIES];
};

// After each step on a port with that one ring. Of priorities there are 0, 8 and 16. TURN_CLIENTS:
// the port's reserve, which has no turns.
struct turn {
    uint32_t client;
    uint8_t priority;
};
void port_turns_look(struct port_turns *turns, const struct port *port, const struct ring *ring,
                     struct turn (*turn_of)(const struct ts_event *event));
