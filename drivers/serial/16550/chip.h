// SPDX-License-Identifier: MIT
// The console that a serial port is: the chip below a console (drivers/console/console.h).
//
// serial_poll moves everything that can be moved; it is called after each interrupt, request and
// tick. Ticks come without an interrupt too: a machine that loses interrupts is slow, not deaf.
#pragma once

#include <drivers/console/console.h>
#include "uart.h"

struct serial {
    struct console console;
    struct ts_server server;
    struct ts_object root;
    struct uart uart;
    uint32_t paced; // bytes that the chip was given before pace_end
    ts_time_t pace_end;
    struct ts_async interrupt_wait;
    struct ts_timer tick;
    ts_handle_t ports, interrupt; // interrupt 0: polled alone
};

// Moves all that can be moved, and sets signals.
void serial_poll(struct serial *serial);

// Serves the port on the loop and gives the root. ports: I/O range of UART_PORTS; interrupt: 0 or
// the line's. Both stay the service's. TS_ERR_NOT_FOUND: no UART there.
TS_MUST_USE ts_status_t serial_start(struct serial *serial, struct ts_loop *loop, ts_handle_t ports,
                                     ts_handle_t interrupt, ts_handle_t *out_root);
