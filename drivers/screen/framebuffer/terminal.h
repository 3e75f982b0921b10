// SPDX-License-Identifier: MIT
// A terminal as programs know `xterm` and `linux`: bytes in, cells of a grid and answers out. The
// escape sequences are libvterm's. Its memory is fixed but for the grid's second page.
#pragma once

#include <stddef.h>
#include "grid.h"

struct VTerm;
struct VTermState;

struct terminal_pen {
    uint32_t ink, paper; // 0xRRGGBB
    int16_t ink_number;  // of the first eight colours, which bold makes bright; -1: none of them
    bool bold, reverse, underline, strike;
};

struct terminal {
    struct VTerm *machine;
    struct VTermState *state;
    struct terminal_store {
        char *bytes; // all that libvterm has
        size_t used, size;
    } store;
    struct grid grid;
    struct terminal_pen pen;
    uint32_t cursor_row, cursor_column;
    bool cursor_shown;
    // What it says as if it was typed: keys, and answers to questions of programs.
    void (*say)(struct terminal *terminal, const char *bytes, size_t length);
};

// `history`: HISTORY_BYTES of the caller's, or NULL. TS_ERR_MEMORY.
TS_MUST_USE ts_status_t terminal_init(struct terminal *terminal, uint32_t rows, uint32_t columns,
                                      void *history);
void terminal_fini(struct terminal *terminal);

// Any bytes.
void terminal_write(struct terminal *terminal, const void *bytes, size_t length);

#define TERMINAL_SHIFT   1u
#define TERMINAL_ALT     2u
#define TERMINAL_CONTROL 4u

// A character was typed; CONTROL makes it a control character if it has one, ALT puts ESC before.
void terminal_type(struct terminal *terminal, uint32_t character, unsigned modifiers);

enum terminal_key { // as VTermKey numbers them
    TERMINAL_ENTER = 1,
    TERMINAL_TAB,
    TERMINAL_BACKSPACE,
    TERMINAL_ESCAPE,
    TERMINAL_UP,
    TERMINAL_DOWN,
    TERMINAL_LEFT,
    TERMINAL_RIGHT,
    TERMINAL_INSERT,
    TERMINAL_DELETE,
    TERMINAL_HOME,
    TERMINAL_END,
    TERMINAL_PAGE_UP,
    TERMINAL_PAGE_DOWN,
    TERMINAL_F0 = 256, // F1 is one more
};

// A key that is no character, with modifiers.
void terminal_press(struct terminal *terminal, unsigned key, unsigned modifiers);
