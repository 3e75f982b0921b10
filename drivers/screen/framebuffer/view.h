// SPDX-License-Identifier: MIT
// What the screen shows of a terminal: its grid, or lines of its history, and the cursor. Each cell
// of the screen is remembered, so that only what differs is drawn.
#pragma once

#include "canvas.h"
#include "terminal.h"

struct view {
    struct canvas canvas;
    struct terminal *terminal; // that is shown
    struct cell *shown;        // what each cell of the canvas shows
    struct cell *line;         // a line of the history
    uint32_t back;             // lines of the history above the grid's first that are shown
    uint64_t added;            // history.added when that was so
    uint32_t row;              // the next to be looked at
    uint32_t cursor_row, cursor_column;
    bool cursor; // drawn there
};

// TS_ERR_MEMORY. What the screen shows now is not known: all is drawn.
TS_MUST_USE ts_status_t view_init(struct view *view, const struct canvas *canvas);

// Shows another terminal, from its end.
void view_turn(struct view *view, struct terminal *terminal);

// Goes back in the history by so many lines, or forth if negative.
void view_scroll(struct view *view, int32_t lines);

// To the end again, if it is not there.
void view_follow(struct view *view);

// Draws rows that have changed until `cells` were drawn, or a row more. True: that is all.
bool view_draw(struct view *view, uint32_t cells);
