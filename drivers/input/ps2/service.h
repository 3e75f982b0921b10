// SPDX-License-Identifier: MIT
// The driver's process: the controller, its two ports, and when to look. Interrupts are hints: a
// tick looks as well, so that a machine which loses some is slow, not deaf.
#pragma once

#include "controller.h"
#include "port.h"

#include <drivers/service/interrupt.h>

struct ps2 {
    struct ts_loop *loop;
    struct controller controller;
    struct port ports[CONTROLLER_PORTS];
    struct input input;
    ts_handle_t data, command; // I/O ranges of one port each
    struct service_interrupt interrupts[CONTROLLER_PORTS];
    struct ts_timer tick;
};

// Starts the controller, and makes the root. TS_ERR_NOT_FOUND, TS_ERR_IO as controller_start: there
// is nothing to serve. The handles stay the service's; an interrupt may be 0.
TS_MUST_USE ts_status_t ps2_start(struct ps2 *ps2, struct ts_loop *loop, ts_handle_t data,
                                  ts_handle_t command, const ts_handle_t interrupts[],
                                  ts_handle_t *out_root);
