// SPDX-License-Identifier: MIT
// A cell is 8 x 16 pixels: each font row is drawn twice, with a margin around; or a character and
// its colours, where the adapter is in its text mode. The framebuffer is
// never read (that is slow on hardware), so there is no scrolling: after the last line comes the
// first one again, and the line below the newest is kept blank as a mark.
#include <debug/screen.h>

#include <arch/memory.h>
#include <string.h>

#define CELL_WIDTH  8u
#define CELL_HEIGHT 16u

#define TEXT_INK   (7u << 8)    // grey on black
#define TEXT_PANIC (0x4fu << 8) // white on red

static struct {
    volatile uint8_t *base;
    struct boot_framebuffer mode;
    uint32_t bytes; // a pixel
    uint32_t columns, rows, column, row;
    uint32_t ink, paper;
} screen;

static uint32_t component(uint8_t value, uint8_t position, uint8_t size)
{
    return (uint32_t)(value >> (8 - size)) << position;
}

static uint32_t colour(uint8_t red, uint8_t green, uint8_t blue)
{
    const struct boot_framebuffer *m = &screen.mode;
    return component(red, m->red_position, m->red_size) |
           component(green, m->green_position, m->green_size) |
           component(blue, m->blue_position, m->blue_size);
}

static void put_pixel(volatile uint8_t *at, uint32_t value)
{
    if (screen.bytes == 4) {
        *(volatile uint32_t *)at = value;
        return;
    }
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    if (screen.bytes == 3) {
        at[2] = (uint8_t)(value >> 16);
    }
}

// The font's row of a line of pixels; the margin has none.
static uint32_t row_bits(const uint8_t *glyph, uint32_t y)
{
    return y >= 1 && y <= 2 * FONT_ROWS ? glyph[(y - 1) / 2] << 2 : 0;
}

// A line of text is drawn with interrupts off, and most screens have 32 bits a pixel: two pixels at
// a time, and the two lines of a row of the font together. (The first line is in the margin.)
static void draw_cell_of_words(volatile uint8_t *at, const uint8_t *glyph)
{
    const uint64_t ink = screen.ink, paper = screen.paper;
    const uint64_t pairs[4] = {paper | paper << 32, paper | ink << 32, ink | paper << 32,
                               ink | ink << 32};
    const uint32_t pitch = screen.mode.pitch;
    volatile uint64_t *above = (volatile uint64_t *)at;
    volatile uint64_t *below = (volatile uint64_t *)(at + (CELL_HEIGHT - 1) * pitch);
    for (uint32_t x = 0; x < CELL_WIDTH / 2; x++) {
        above[x] = pairs[0];
        below[x] = pairs[0];
    }
    at += pitch;
    for (uint32_t y = 1; y < CELL_HEIGHT - 1; y += 2, at += 2 * pitch) {
        uint32_t bits = row_bits(glyph, y);
        above = (volatile uint64_t *)at;
        below = (volatile uint64_t *)(at + pitch);
        for (uint32_t x = 0; x < CELL_WIDTH / 2; x++) {
            uint64_t two = pairs[bits >> (CELL_WIDTH - 2 - 2 * x) & 3];
            above[x] = two;
            below[x] = two;
        }
    }
}
_Static_assert(2 * FONT_ROWS + 1 < CELL_HEIGHT && CELL_HEIGHT % 2 == 0, "rows are whole");

static void draw_row(volatile uint8_t *at, uint32_t bits)
{
    for (uint32_t x = 0; x < CELL_WIDTH; x++, at += screen.bytes) {
        put_pixel(at, bits >> (CELL_WIDTH - 1 - x) & 1 ? screen.ink : screen.paper);
    }
}

static void draw_text(uint32_t column, uint32_t row, char c)
{
    put_pixel(screen.base + (uint64_t)row * screen.mode.pitch + (uint64_t)column * screen.bytes,
              (uint8_t)(c >= FONT_FIRST && c <= FONT_LAST ? c : ' ') | screen.ink);
}

static void draw_cell(uint32_t column, uint32_t row, char c)
{
    if (screen.mode.text) {
        draw_text(column, row, c);
        return;
    }
    volatile uint8_t *at = screen.base + (uint64_t)row * CELL_HEIGHT * screen.mode.pitch +
                           (uint64_t)column * CELL_WIDTH * screen.bytes;
    const uint8_t *glyph = c >= FONT_FIRST && c <= FONT_LAST ? font[c - FONT_FIRST] : font[0];
    if (screen.bytes == 4) {
        draw_cell_of_words(at, glyph);
        return;
    }
    for (uint32_t y = 0; y < CELL_HEIGHT; y++, at += screen.mode.pitch) {
        draw_row(at, row_bits(glyph, y));
    }
}

static void clear_line(uint32_t row)
{
    for (uint32_t column = 0; screen.mode.text && column < screen.columns; column++) {
        draw_text(column, row, ' ');
    }
    if (screen.mode.text) {
        return;
    }
    volatile uint8_t *at = screen.base + (uint64_t)row * CELL_HEIGHT * screen.mode.pitch;
    for (uint32_t y = 0; y < CELL_HEIGHT; y++, at += screen.mode.pitch) {
        for (uint32_t x = 0; x < screen.mode.width; x++) {
            put_pixel(at + x * screen.bytes, screen.paper);
        }
    }
}

static void new_line(void)
{
    for (; screen.column < screen.columns; screen.column++) {
        draw_cell(screen.column, screen.row, ' ');
    }
    screen.column = 0;
    screen.row = (screen.row + 1) % screen.rows;
}

void screen_init(const struct boot_framebuffer *mode)
{
    screen.mode = *mode;
    screen.bytes = (mode->bits_per_pixel + 7) / 8;
    screen.columns = mode->text ? mode->width : mode->width / CELL_WIDTH;
    screen.rows = mode->text ? mode->height : mode->height / CELL_HEIGHT;
    if (!mode->base || !screen.columns || !screen.rows) {
        return;
    }
    // The loader leaves a blank screen or its menu; lines are blanked as they are reached, which
    // costs less than a whole screen at boot.
    screen.ink = mode->text ? TEXT_INK : colour(0xd0, 0xd0, 0xd0);
    screen.base = arch_device_map(mode->base, (uint64_t)mode->pitch * mode->height, ARCH_PROT_WRITE,
                                  ARCH_CACHE_WRITE_COMBINE);
}

void screen_write(const char *text, size_t length)
{
    for (size_t i = 0; screen.base != NULL && i < length; i++) {
        if (text[i] == '\n') {
            new_line();
            continue;
        }
        if (screen.column == screen.columns) {
            new_line();
        }
        draw_cell(screen.column++, screen.row, text[i]);
    }
}

void screen_panic(void)
{
    screen.ink = screen.mode.text ? TEXT_PANIC : colour(0xff, 0xff, 0xff);
    screen.paper = colour(0x80, 0, 0);
    screen.column = screen.row = 0;
    for (uint32_t row = 0; screen.base != NULL && row < screen.rows; row++) {
        clear_line(row);
    }
}
