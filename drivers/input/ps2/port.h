// SPDX-License-Identifier: MIT
// A port of the controller, and the device that is plugged in there: finding out what it is,
// setting it up, its lights, and what it sends. It never waits: what is sent is a script of bytes,
// each of which the device acknowledges, and port_tick ends what takes too long.
//
//   EMPTY -> RESET -> IDENTIFY -> SETUP -> READY
//     ^--------\----------\---------/        |    a device that says nothing, or nonsense
//     `-> RESET <- it was plugged in <-------'
//
// The device may send anything at any time. Keys are told while lights are set, too.
#pragma once

#include "mouse.h"
#include "scancode.h"

#include <drivers/input/input.h>

#define PORT_SCRIPT_MAX 24u

enum port_state { PORT_EMPTY, PORT_RESET, PORT_IDENTIFY, PORT_SETUP, PORT_READY };
enum port_await { PORT_NOTHING, PORT_ACK, PORT_TESTED, PORT_ID, PORT_ID_REST };

struct port {
    struct input *input;
    uint16_t index; // of the port, and of the device
    bool works;     // the controller's test of it passed
    // Hands a byte to the controller for this port. False: it takes none now.
    bool (*send)(struct port *port, uint8_t byte);
    enum port_state state;
    enum port_await await;
    bool unsent; // the byte at `at` still has to go to the controller
    uint8_t script[PORT_SCRIPT_MAX];
    uint8_t length, at;
    uint8_t tries;      // of this byte
    ts_time_t deadline; // of what is awaited
    ts_time_t probed;   // when it was looked for last
    ts_time_t heard;    // when the last byte came
    bool is_mouse;
    uint8_t leds, leds_sent; // TS_INPUT_LED_*
    struct scancode scancode;
    struct mouse mouse;
    uint8_t buttons; // of the mouse, that are down
};

// Looks for a device; port_tick and port_byte go on.
void port_probe(struct port *port, ts_time_t now);

// A byte came; bad: the controller says that it did not come whole.
void port_byte(struct port *port, ts_time_t now, uint8_t byte, bool bad);

// Goes on with what is to be sent, and ends what takes too long.
void port_tick(struct port *port, ts_time_t now);

void port_set_leds(struct port *port, ts_time_t now, uint32_t leds);

// Whether port_tick wants to be called soon.
static inline bool port_is_busy(const struct port *port)
{
    return port->await != PORT_NOTHING;
}
