// SPDX-License-Identifier: MIT
// A console (tessera/proto/console.h) over whatever shows and types: sessions, waiting readers and
// writers, and the line discipline between them and a device.
//
// Input, events and settings belong to the session that has been there longest, until it ends:
// another one beside it reads nothing of what is typed. All may write. A session ends
// with its last handle, or with the process that owns it.
//
// Reads and writes that cannot be answered at once are kept in two lists, in order of arrival; of
// writes clients take turns. A sync comes behind its client's writes. What clients ask calls the
// device's poll, which calls console_move.
#pragma once

#include <tessera/lib/request_list.h>
#include <drivers/console/tty.h>

struct console;

struct console_session {
    struct ts_object object;
    struct console *console;
    struct console_session *next;
    ts_handle_t owner;     // the process with which it ends; 0: none
    uint32_t events;       // TS_CONSOLE_EVENT_* not told yet
    uint64_t status_flags; // TS_OPEN_NOWAIT
};

struct console_device {
    // Moves all that can be moved: input to console->tty, then console_move. Called after each
    // request, and by the device itself.
    void (*poll)(struct console *console);
    // Takes what is queued in console->tty; false: not all of it.
    bool (*transmit)(struct console *console);
    // Whether all that it took has left the machine.
    bool (*drained)(const struct console *console);
    uint32_t holds; // bytes that it may have taken and that have not left, at most
};

struct console {
    struct ts_loop *loop;
    const struct console_device *device;
    struct console_session *sessions; // the newest first
    struct console_session *holder;   // of the terminal: the oldest; NULL: there is none
    struct console_session *watched;  // whose owner's end is waited for; NULL: nobody's, or over
    struct tty tty;
    struct ts_console_window window;
    struct ts_request_list reads, writes, syncs;
    uint32_t last_piece; // tty.out_head when a piece of a write was queued last
    uint32_t turn;       // bytes that the first write's client may still queue before others
    struct ts_async owner_wait;
    struct ts_console_statistics statistics;
};

#define CONSOLE_TURN 512u // bytes of one client, before another's

void console_init(struct console *console, struct ts_loop *loop,
                  const struct console_device *device);

// Answers a request to open a root's console, whose path the root has looked at, with a session.
void console_open(struct console *console, struct ts_request *request);

// Answers what can be answered, gives the device what it takes, and sets signals. Whether there is
// something that goes on without being asked: output that the device has not taken, syncs.
bool console_move(struct console *console);

// ---- For the files of this library

static inline struct console_session *session_of(const struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct console_session, object);
}

// console.c: a sync is answered once all has left that its client has written until now. What
// others write later is not waited for.
void console_sync(struct console *console, struct ts_request *request);

// console.c: whether a write would be taken now, some of it at least.
bool console_writable(const struct console *console);

// session.c: a session's beginning and end, the method OWN, and what is done when the process has
// ended that owns the holder (owner_wait).
void session_open(struct console *console, struct ts_request *request,
                  const struct ts_operations *operations);
void session_call(struct ts_request *request);
void session_closed(struct ts_object *object);
void session_owner_done(struct ts_async *async, const struct ts_event *event);
