// SPDX-License-Identifier: MIT
#include "canvas.h"
#include "ega.h"

#define SIDE_MAX  16384u
#define CELLS_MAX 1024u // rows or columns: what the rest of the program counts on

static bool colour_fits(const struct canvas_colour *colour, uint32_t bits)
{
    return colour->size >= 1 && colour->size <= 8 && colour->position + colour->size <= bits;
}

static bool pixels_fit(const struct canvas_mode *m)
{
    bool depth = m->bits == 15 || m->bits == 16 || m->bits == 24 || m->bits == 32;
    return depth && colour_fits(&m->red, m->bits) && colour_fits(&m->green, m->bits) &&
           colour_fits(&m->blue, m->bits);
}

uint64_t canvas_size(const struct canvas_mode *m)
{
    if (m->width == 0 || m->height == 0 || m->width > SIDE_MAX || m->height > SIDE_MAX ||
        !(m->text || pixels_fit(m))) {
        return 0;
    }
    uint32_t bytes = m->text ? EGA_BYTES : (m->bits + 7) / 8;
    return m->pitch < m->width * bytes ? 0 : (uint64_t)m->pitch * m->height;
}

ts_status_t canvas_init(struct canvas *c, const struct canvas_mode *mode, volatile void *memory)
{
    if (canvas_size(mode) == 0) {
        return TS_ERR_UNSUPPORTED;
    }
    *c = (struct canvas){.mode = *mode, .base = memory, .bytes = (mode->bits + 7) / 8};
    if (mode->text) {
        c->bytes = EGA_BYTES;
        c->rows = mode->height;
        c->columns = mode->width;
    } else {
        c->font = font_choose(mode->width);
        c->rows = mode->height / c->font->height;
        c->columns = mode->width / c->font->width;
    }
    c->rows = c->rows < CELLS_MAX ? c->rows : CELLS_MAX;
    c->columns = c->columns < CELLS_MAX ? c->columns : CELLS_MAX;
    return c->rows == 0 || c->columns == 0 ? TS_ERR_UNSUPPORTED : TS_OK;
}

// ---- Pixels

static uint32_t component(uint32_t value, const struct canvas_colour *colour)
{
    return value >> (8 - colour->size) << colour->position;
}

static uint32_t pixel(const struct canvas *c, uint32_t rgb)
{
    const struct canvas_mode *m = &c->mode;
    return component(rgb >> 16 & 0xff, &m->red) | component(rgb >> 8 & 0xff, &m->green) |
           component(rgb & 0xff, &m->blue);
}

static void put(const struct canvas *c, volatile uint8_t *at, uint32_t value)
{
    for (uint32_t i = 0; i < c->bytes; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

// A row of a glyph as one number, with the lines that marks draw through it.
static uint32_t row_bits(const struct font *font, const uint8_t *glyph, uint32_t y, uint32_t marks)
{
    uint32_t bytes = font_row_bytes(font), bits = 0, all = (1u << font->width) - 1;
    for (uint32_t i = 0; i < bytes; i++) {
        bits = bits << 8 | glyph[y * bytes + i];
    }
    bits >>= bytes * 8 - font->width;
    bool line = ((marks & CELL_UNDERLINE) && y + 2 == font->height) ||
                ((marks & CELL_STRIKE) && y == font->height / 2);
    return line ? all : bits;
}

// The most frequent depth: two pixels at a time, all of them from a table of four.
static void draw_words(const struct canvas *c, volatile uint8_t *at, const uint8_t *glyph,
                       const struct cell *cell)
{
    const uint64_t ink = pixel(c, cell->ink), paper = pixel(c, cell->paper);
    const uint64_t pairs[4] = {paper | paper << 32, paper | ink << 32, ink | paper << 32,
                               ink | ink << 32};
    const uint32_t width = c->font->width;
    for (uint32_t y = 0; y < c->font->height; y++, at += c->mode.pitch) {
        uint32_t bits = row_bits(c->font, glyph, y, cell->code);
        volatile uint64_t *to = (volatile uint64_t *)at;
        for (uint32_t x = 0; x < width; x += 2) {
            *to++ = pairs[bits >> (width - 2 - x) & 3];
        }
    }
}

static void draw_pixels(const struct canvas *c, volatile uint8_t *at, const uint8_t *glyph,
                        const struct cell *cell)
{
    const uint32_t ink = pixel(c, cell->ink), paper = pixel(c, cell->paper);
    const uint32_t width = c->font->width;
    for (uint32_t y = 0; y < c->font->height; y++, at += c->mode.pitch) {
        uint32_t bits = row_bits(c->font, glyph, y, cell->code);
        for (uint32_t x = 0; x < width; x++) {
            put(c, at + x * c->bytes, bits >> (width - 1 - x) & 1 ? ink : paper);
        }
    }
}

// ---- Cells

// What a cell shows. A wide character that is not in the fonts, as none is, is U+FFFD and a blank.
static uint32_t shown_character(const struct cell *cell)
{
    uint32_t character = cell->code & CELL_CODE;
    return character == 0 || (cell->code & CELL_REST) ? ' ' : character;
}

void canvas_draw(struct canvas *c, uint32_t row, uint32_t column, const struct cell *cell)
{
    if (c->mode.text) {
        volatile uint8_t *at = c->base + (uint64_t)row * c->mode.pitch + column * EGA_BYTES;
        put(c, at, ega_word(shown_character(cell), cell->ink, cell->paper));
        return;
    }
    const struct font *font = c->font;
    volatile uint8_t *at = c->base + (uint64_t)row * font->height * c->mode.pitch +
                           (uint64_t)column * font->width * c->bytes;
    const uint8_t *glyph = font_glyph(font, shown_character(cell));
    if (c->bytes == 4 && (((uintptr_t)c->base | c->mode.pitch) & 7) == 0) {
        draw_words(c, at, glyph, cell);
    } else {
        draw_pixels(c, at, glyph, cell);
    }
}

void canvas_clear_margins(struct canvas *c)
{
    if (c->mode.text) {
        return;
    }
    uint32_t used_width = c->columns * c->font->width, used_height = c->rows * c->font->height;
    for (uint32_t y = 0; y < c->mode.height; y++) {
        volatile uint8_t *line = c->base + (uint64_t)y * c->mode.pitch;
        for (uint32_t x = y < used_height ? used_width : 0; x < c->mode.width; x++) {
            put(c, line + x * c->bytes, 0);
        }
    }
}
