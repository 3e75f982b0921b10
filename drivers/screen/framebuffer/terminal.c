// SPDX-License-Identifier: MIT
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <vterm.h>
#include "palette.h"

#define CHUNK 256u  // libvterm keeps the characters of what it is given on its stack
#define STORE 4096u // bytes that libvterm takes, whatever the size, and more than that
#define ALIGN 16u

_Static_assert((int)TERMINAL_ENTER == (int)VTERM_KEY_ENTER &&
                   (int)TERMINAL_PAGE_DOWN == (int)VTERM_KEY_PAGEDOWN &&
                   (int)TERMINAL_F0 == (int)VTERM_KEY_FUNCTION_0,
               "keys have libvterm's numbers");
_Static_assert((int)TERMINAL_SHIFT == (int)VTERM_MOD_SHIFT &&
                   (int)TERMINAL_ALT == (int)VTERM_MOD_ALT &&
                   (int)TERMINAL_CONTROL == (int)VTERM_MOD_CTRL,
               "modifiers have libvterm's bits");

// ---- Colours

static struct cell cell_of(const struct terminal *t, uint32_t code)
{
    const struct terminal_pen *p = &t->pen;
    uint32_t ink = p->bold && p->ink_number >= 0 ? palette[p->ink_number + 8] : p->ink;
    code |= (p->underline ? CELL_UNDERLINE : 0) | (p->strike ? CELL_STRIKE : 0);
    return p->reverse ? (struct cell){code, p->paper, ink} : (struct cell){code, ink, p->paper};
}

// What is erased has the paper's colour.
static struct cell blank_of(const struct terminal *t)
{
    return (struct cell){' ', palette[PALETTE_INK], t->pen.paper};
}

static uint32_t rgb_of(const struct terminal *t, VTermColor colour)
{
    vterm_state_convert_color_to_rgb(t->state, &colour);
    return (uint32_t)colour.rgb.red << 16 | (uint32_t)colour.rgb.green << 8 | colour.rgb.blue;
}

static void set_ink(struct terminal *t, const VTermColor *colour)
{
    t->pen.ink = rgb_of(t, *colour);
    t->pen.ink_number = VTERM_COLOR_IS_DEFAULT_FG(colour) ? (int16_t)PALETTE_INK
                        : VTERM_COLOR_IS_INDEXED(colour) && colour->indexed.idx < 8
                            ? colour->indexed.idx
                            : (int16_t)-1;
}

static int on_pen(VTermAttr attribute, VTermValue *value, void *user)
{
    struct terminal *t = user;
    switch (attribute) {
    case VTERM_ATTR_BOLD: t->pen.bold = value->boolean; break;
    case VTERM_ATTR_UNDERLINE: t->pen.underline = value->number != 0; break;
    case VTERM_ATTR_REVERSE: t->pen.reverse = value->boolean; break;
    case VTERM_ATTR_STRIKE: t->pen.strike = value->boolean; break;
    case VTERM_ATTR_FOREGROUND: set_ink(t, &value->color); break;
    case VTERM_ATTR_BACKGROUND: t->pen.paper = rgb_of(t, value->color); break;
    default: return 0;
    }
    return 1;
}

// ---- Cells

// Of characters that are combined the first is shown. A wide one has a second cell.
static int on_glyph(VTermGlyphInfo *glyph, VTermPos at, void *user)
{
    struct terminal *t = user;
    if (glyph->width <= 0) {
        return 1;
    }
    struct cell cell = cell_of(t, glyph->chars[0] & CELL_CODE);
    grid_put(&t->grid, at.row, at.col, &cell);
    if (glyph->width > 1) {
        cell.code |= CELL_REST;
        grid_put(&t->grid, at.row, at.col + 1, &cell);
    }
    return 1;
}

static struct grid_area area_of(VTermRect rect)
{
    return (struct grid_area){rect.start_row, rect.end_row, rect.start_col, rect.end_col};
}

static int on_erase(VTermRect rect, int selective, void *user)
{
    struct terminal *t = user;
    struct cell blank = blank_of(t);
    (void)selective; // nothing is protected
    grid_fill(&t->grid, area_of(rect), &blank);
    return 1;
}

static int on_move(VTermRect to, VTermRect from, void *user)
{
    struct terminal *t = user;
    grid_copy(&t->grid, area_of(to), area_of(from));
    return 1;
}

// Whole rows alone: of parts of rows libvterm makes moves and erasures.
static int on_scroll(VTermRect rect, int downward, int rightward, void *user)
{
    struct terminal *t = user;
    if (rightward != 0 || rect.start_col != 0 || rect.end_col != (int)t->grid.columns) {
        return 0;
    }
    struct cell blank = blank_of(t);
    grid_scroll(&t->grid, rect.start_row, rect.end_row, downward, &blank);
    return 1;
}

static int on_cursor(VTermPos at, VTermPos before, int shown, void *user)
{
    struct terminal *t = user;
    (void)before, (void)shown;
    t->cursor_row = at.row >= 0 ? (uint32_t)at.row : 0;
    t->cursor_column = at.col >= 0 ? (uint32_t)at.col : 0;
    return 1;
}

static int on_property(VTermProp property, VTermValue *value, void *user)
{
    struct terminal *t = user;
    switch (property) {
    case VTERM_PROP_CURSORVISIBLE: t->cursor_shown = value->boolean; return 1;
    case VTERM_PROP_ALTSCREEN: return grid_turn(&t->grid, value->boolean) == TS_OK;
    case VTERM_PROP_CURSORBLINK:
    case VTERM_PROP_CURSORSHAPE: return 1; // it does not blink, and is a block
    default: return 0;
    }
}

// The whole terminal is as at the beginning, and so the first page is shown.
static int on_reset(void *user)
{
    struct terminal *t = user;
    if (t->grid.page != &t->grid.pages[0]) {
        (void)grid_turn(&t->grid, false); // it is there
    }
    return 1;
}

static const VTermStateCallbacks callbacks = {
    .initpen = on_reset,
    .putglyph = on_glyph,
    .movecursor = on_cursor,
    .scrollrect = on_scroll,
    .moverect = on_move,
    .erase = on_erase,
    .setpenattr = on_pen,
    .settermprop = on_property,
};

static void on_output(const char *bytes, size_t length, void *user)
{
    struct terminal *t = user;
    t->say(t, bytes, length);
}

// ---- Beginning and end

// libvterm asks for memory at its beginning alone, and does not expect to be refused.
static void *store_take(size_t size, void *context)
{
    struct terminal_store *store = context;
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (size > store->size - store->used) {
        return NULL;
    }
    void *bytes = store->bytes + store->used;
    store->used += size;
    return memset(bytes, 0, size);
}

static void store_give(void *bytes, void *context)
{
    (void)bytes, (void)context; // all of it goes together
}

static void set_colours(VTermState *state)
{
    VTermColor colours[PALETTE_COLOURS];
    for (uint32_t i = 0; i < PALETTE_COLOURS; i++) {
        vterm_color_rgb(&colours[i], (uint8_t)(palette[i] >> 16), (uint8_t)(palette[i] >> 8),
                        (uint8_t)palette[i]);
        vterm_state_set_palette_color(state, (int)i, &colours[i]);
    }
    vterm_state_set_default_colors(state, &colours[PALETTE_INK], &colours[PALETTE_PAPER]);
}

ts_status_t terminal_init(struct terminal *t, uint32_t rows, uint32_t columns, void *history)
{
    static VTermAllocatorFunctions functions = {.malloc = store_take, .free = store_give};
    void (*say)(struct terminal *, const char *, size_t) = t->say;
    *t = (struct terminal){.say = say};
    t->store.size = STORE + rows * sizeof(VTermLineInfo) + columns;
    t->store.bytes = malloc(t->store.size);
    ts_status_t status = t->store.bytes != NULL ? TS_OK : TS_ERR_MEMORY;
    if (status == TS_OK) {
        status = grid_init(&t->grid, rows, columns, history);
    }
    if (status != TS_OK) {
        free(t->store.bytes);
        return status;
    }
    t->machine = vterm_new_with_allocator((int)rows, (int)columns, &functions, &t->store);
    t->state = vterm_obtain_state(t->machine);
    vterm_set_utf8(t->machine, 1);
    vterm_output_set_callback(t->machine, on_output, t);
    set_colours(t->state);
    vterm_state_set_callbacks(t->state, &callbacks, t);
    vterm_state_reset(t->state, 1);
    return TS_OK;
}

void terminal_fini(struct terminal *t)
{
    grid_fini(&t->grid);
    free(t->store.bytes);
}

void terminal_write(struct terminal *t, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        size_t piece = length < CHUNK ? length : CHUNK;
        (void)vterm_input_write(t->machine, at, piece);
        at += piece;
        length -= piece;
    }
}

// ---- Keys

static uint32_t control_of(uint32_t character)
{
    if (character == ' ' || character == '2') {
        return 0;
    }
    if (character == '/') {
        return 0x1f;
    }
    if (character == '?' || character == '8') {
        return 0x7f;
    }
    if (character >= '3' && character <= '7') {
        return character - '3' + 0x1b;
    }
    bool has = (character >= '@' && character <= '_') || (character >= 'a' && character <= '~');
    return has ? character & 0x1f : character;
}

void terminal_type(struct terminal *t, uint32_t character, unsigned modifiers)
{
    if (modifiers & TERMINAL_CONTROL) {
        character = control_of(character);
    }
    if (modifiers & TERMINAL_ALT) {
        t->say(t, "\x1b", 1);
    }
    vterm_keyboard_unichar(t->machine, character, VTERM_MOD_NONE);
}

void terminal_press(struct terminal *t, unsigned key, unsigned modifiers)
{
    // Shift and Control change nothing of these four, as on other consoles.
    bool plain = key <= TERMINAL_ESCAPE && !(key == TERMINAL_TAB && modifiers == TERMINAL_SHIFT);
    modifiers = plain ? modifiers & TERMINAL_ALT : modifiers;
    vterm_keyboard_key(t->machine, (VTermKey)key, (VTermModifier)modifiers);
}
