// SPDX-License-Identifier: MIT
// The consoles of one screen. Each is a terminal with a console (drivers/console/console.h) above
// it; a last terminal shows the system's log. One of them is in front: it is drawn, and gets what
// is typed.
//
// A console begins when somebody first looks at it: until then its memory is not taken and sessions
// of it wait. The first begins when the screen is taken over from the kernel, which is once the log
// has been quiet for a moment: what boots has the machine for itself, and its lines stand above the
// first prompt.
//
// Output never waits for drawing. What changes is drawn a while later, in slices between which all
// else is answered, and pictures come no faster than they leave most of the time to others.
#pragma once

#include <drivers/console/console.h>
#include "view.h"

#define SCREEN_CONSOLES 4u

struct screen;

struct screen_console {
    struct console console;
    struct terminal terminal;
    struct screen *screen;
    struct ts_request_list opens; // of sessions, until it begins
    struct ts_timer again;        // goes on with what others came between
    ts_time_t round, take_end;    // when it took bytes last; until when it does in that round
    bool begun;
    bool typing; // what its terminal says comes from the keyboard
};

struct screen {
    struct ts_loop *loop;
    struct ts_server server;
    struct ts_object root;
    struct canvas canvas;
    struct view view;
    bool taken; // the screen is ours
    struct screen_console consoles[SCREEN_CONSOLES];
    struct terminal log;
    uint32_t front; // SCREEN_CONSOLES: the log
    // The next picture.
    struct ts_timer frame;
    ts_time_t frame_cost, frame_next; // of the one that is drawn; when one may begin
    bool changed;                     // since this one began
};

// Begins to serve, and gives the root. The screen's memory, canvas->base, is not touched yet.
TS_MUST_USE ts_status_t screen_start(struct screen *screen, struct ts_loop *loop,
                                     const struct canvas *canvas, ts_handle_t *out_root);

// From now on the screen is drawn: nobody else does. TS_ERR_MEMORY.
TS_MUST_USE ts_status_t screen_take(struct screen *screen);

// Puts a console, or the log, in front; it begins if it has not. TS_ERR_MEMORY.
TS_MUST_USE ts_status_t screen_turn(struct screen *screen, uint32_t front);

// More of the system's log. The first console shows it, too, until it begins.
void screen_log(struct screen *screen, const char *text, size_t length);

// Typed to the console in front (terminal.h), which then shows its end.
void screen_type(struct screen *screen, uint32_t character, unsigned modifiers);
void screen_press(struct screen *screen, unsigned key, unsigned modifiers);

// Half a screen back in what has left it at the top, or forth.
void screen_leaf(struct screen *screen, bool back);

static inline struct terminal *screen_front(struct screen *screen)
{
    return screen->front < SCREEN_CONSOLES ? &screen->consoles[screen->front].terminal
                                           : &screen->log;
}
