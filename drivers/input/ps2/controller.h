// SPDX-License-Identifier: MIT
// The i8042, the controller of two PS/2 ports: finding out whether it is there and works, and bytes
// from and to its ports. It may be anything: absent, slow, or a liar; each wait has an end, and
// sleeps between two looks.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <tessera/lib/status.h>

#define CONTROLLER_PORTS 2u // 0: the keyboard's by habit, 1: the mouse's

// How its two registers are reached. A failed read gives 0xff.
struct controller {
    uint8_t (*read)(void *context, bool data);
    void (*write)(void *context, bool data, uint8_t value);
    void (*pause)(void *context); // a millisecond
    void *context;
    bool works[CONTROLLER_PORTS]; // the port is there, and passed its test
    bool translates;              // the first port's codes come as set 1
};

// Tests the controller and its ports, and switches those that work on, with interrupts. Blocks for
// at most some 4 s, a working one for some milliseconds. TS_ERR_NOT_FOUND: there is none.
// TS_ERR_IO: it is there, and none of its ports works.
TS_MUST_USE ts_status_t controller_start(struct controller *controller);

// A byte that came, and from which port; bad: not whole. False: there is none.
bool controller_take(struct controller *controller, unsigned *out_port, uint8_t *out_byte,
                     bool *out_bad);

// Hands a byte to a port's device. False: the controller is busy with another.
bool controller_give(struct controller *controller, unsigned port, uint8_t byte);
