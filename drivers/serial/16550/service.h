// SPDX-License-Identifier: MIT
// The console that a serial port is: sessions, waiting readers and writers, and the chip.
//
// Input, events and settings belong to the session that has been there longest, until it ends:
// another one beside it reads nothing of what is typed. All may write. A session ends
// with its last handle, or with the process that owns it.
//
// Reads and writes that cannot be answered at once are kept in two lists, in order of arrival; of
// writes clients take turns. A sync comes behind its client's writes.
// serial_poll moves everything that can be moved; it is called after each interrupt, request and
// tick. Ticks come without an interrupt too: a machine that loses interrupts is slow, not deaf.
#pragma once

#include <tessera/lib/request_list.h>
#include "uart.h"

#include <drivers/console/tty.h>

struct serial;

struct session {
    struct ts_object object;
    struct serial *serial;
    struct session *next;
    ts_handle_t owner;     // the process with which it ends; 0: none
    uint32_t events;       // TS_CONSOLE_EVENT_* not told yet
    uint64_t status_flags; // TS_OPEN_NOWAIT
};

struct serial {
    struct ts_loop *loop;
    struct ts_server server;
    struct session root;
    struct session *sessions; // the newest first
    struct session *holder;   // of the terminal: the oldest; NULL: there is none
    struct session *watched;  // whose owner's end is waited for; NULL: nobody's, or it is over
    struct tty tty;
    struct uart uart;
    struct ts_console_window window;
    struct ts_request_list reads, writes, syncs;
    uint32_t last_piece; // tty.out_head when a piece of a write was queued last
    uint32_t turn;       // bytes that the first write's client may still queue before others
    struct ts_async interrupt_wait, owner_wait;
    struct ts_timer tick;
    ts_handle_t ports, interrupt; // interrupt 0: polled alone
    struct ts_console_statistics statistics;
};

#define SERIAL_TURN 512u // bytes of one client, before another's

// Answered once all has left that its client has written until now. What others write later is not
// waited for.
void serial_sync(struct serial *serial, struct ts_request *request);

// Whether a write would be taken now, some of it at least.
bool serial_writable(const struct serial *serial);

// Moves all that can be moved, and sets signals.
void serial_poll(struct serial *serial);

static inline struct session *session_of(const struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct session, object);
}

// session.c: its beginning (open "": a session with these operations) and its end, the method OWN,
// and what is done when the process has ended that owns the holder (owner_wait).
void session_open(struct ts_request *request, const struct ts_operations *operations);
void session_call(struct ts_request *request);
void session_closed(struct ts_object *object);
void session_owner_done(struct ts_async *async, const struct ts_event *event);

// objects.c: operations of sessions, and of the root.
extern const struct ts_operations serial_operations, serial_root_operations;

// chip.c: serves the port on the loop and gives the root. ports: I/O range of UART_PORTS;
// interrupt: 0 or the line's. Both stay the service's. TS_ERR_NOT_FOUND: no UART there.
TS_MUST_USE ts_status_t serial_start(struct serial *serial, struct ts_loop *loop, ts_handle_t ports,
                                     ts_handle_t interrupt, ts_handle_t *out_root);
