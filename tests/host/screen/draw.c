// SPDX-License-Identifier: MIT
// A cell on video memory of every depth, order of colours, pitch and size: each pixel is the
// glyph's, and no byte outside of the cell is touched.
#include <tests/host/check.h>

#include <canvas.h>
#include <ega.h>
#include <palette.h>
#include <string.h>

#define UNTOUCHED 0x5a

static const struct {
    uint32_t bits;
    struct canvas_colour red, green, blue;
} depths[] = {
    {15, {10, 5}, {5, 5}, {0, 5}},  {16, {11, 5}, {5, 6}, {0, 5}}, {24, {16, 8}, {8, 8}, {0, 8}},
    {24, {0, 8}, {8, 8}, {16, 8}},  {32, {16, 8}, {8, 8}, {0, 8}}, {32, {0, 8}, {8, 8}, {16, 8}},
    {32, {24, 8}, {16, 8}, {8, 8}}, {16, {0, 3}, {3, 3}, {6, 2}},
};

static struct canvas_mode mode_of(uint32_t depth, uint32_t width, uint32_t height, uint32_t more)
{
    return (struct canvas_mode){.width = width,
                                .height = height,
                                .bits = depths[depth].bits,
                                .pitch = width * ((depths[depth].bits + 7) / 8) + more,
                                .red = depths[depth].red,
                                .green = depths[depth].green,
                                .blue = depths[depth].blue};
}

static uint32_t part(uint32_t value, struct canvas_colour colour)
{
    return value >> (8 - colour.size) << colour.position;
}

static uint32_t pixel_of(const struct canvas_mode *mode, uint32_t rgb)
{
    return part(rgb >> 16, mode->red) | part(rgb >> 8 & 0xff, mode->green) |
           part(rgb & 0xff, mode->blue);
}

static uint32_t pixel_at(const struct canvas_mode *mode, const uint8_t *memory, uint32_t x,
                         uint32_t y)
{
    uint32_t value = 0, bytes = (mode->bits + 7) / 8;
    memcpy(&value, memory + (size_t)y * mode->pitch + x * bytes, bytes);
    return value;
}

static bool glyph_has(const struct font *font, const uint8_t *glyph, uint32_t x, uint32_t y)
{
    return glyph[y * ((font->width + 7) / 8) + x / 8] >> (7 - x % 8) & 1;
}

static void check_cell(const struct canvas *c, const uint8_t *memory, uint32_t row, uint32_t column,
                       const struct cell *cell)
{
    const struct font *font = c->font;
    const uint8_t *glyph = font_glyph(font, cell->code & CELL_CODE);
    for (uint32_t y = 0; y < font->height; y++) {
        bool line = ((cell->code & CELL_UNDERLINE) && y == font->height - 2) ||
                    ((cell->code & CELL_STRIKE) && y == font->height / 2);
        for (uint32_t x = 0; x < font->width; x++) {
            bool ink = line || glyph_has(font, glyph, x, y);
            CHECK_EQUAL(
                pixel_at(&c->mode, memory, column * font->width + x, row * font->height + y),
                pixel_of(&c->mode, ink ? cell->ink : cell->paper));
        }
    }
}

// All that the cell does not cover is as it was.
static void check_rest(const struct canvas *c, const uint8_t *memory, uint32_t row, uint32_t column)
{
    uint32_t left = column * c->font->width * c->bytes;
    uint32_t right = left + c->font->width * c->bytes;
    for (uint32_t y = 0; y < c->mode.height; y++) {
        bool in_rows = y / c->font->height == row;
        for (uint32_t x = 0; x < c->mode.pitch; x++) {
            CHECK((in_rows && x >= left && x < right) ||
                  memory[(size_t)y * c->mode.pitch + x] == UNTOUCHED);
        }
    }
}

static void one(const struct canvas_mode *mode)
{
    static const uint32_t codes[] = {'A', 'g', 0xe4, 0x2500, 0x20ac, 0x4e00, 0x10ffff};
    uint64_t size = canvas_size(mode);
    uint8_t *memory = malloc(size); // exactly: one byte more is found
    struct canvas c;
    CHECK(memory != NULL && canvas_init(&c, mode, memory) == TS_OK);
    for (uint32_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        uint32_t row = i == 0 ? c.rows - 1 : (uint32_t)random_below(c.rows);
        uint32_t column = i == 0 ? c.columns - 1 : (uint32_t)random_below(c.columns);
        struct cell cell = {codes[i] | (i & 1 ? CELL_UNDERLINE : 0) | (i & 2 ? CELL_STRIKE : 0),
                            (uint32_t)random_next() & CELL_RGB, (uint32_t)random_next() & CELL_RGB};
        memset(memory, UNTOUCHED, size);
        canvas_draw(&c, row, column, &cell);
        check_cell(&c, memory, row, column, &cell);
        check_rest(&c, memory, row, column);
    }
    free(memory);
}

// Margins are black, and nothing else is.
static void test_margins(void)
{
    struct canvas_mode mode = mode_of(4, 643, 491, 12);
    uint8_t *memory = malloc(canvas_size(&mode));
    struct canvas c;
    CHECK(memory != NULL && canvas_init(&c, &mode, memory) == TS_OK);
    memset(memory, UNTOUCHED, canvas_size(&mode));
    canvas_clear_margins(&c);
    for (uint32_t y = 0; y < mode.height; y++) {
        for (uint32_t x = 0; x < mode.width; x++) {
            bool margin = x >= c.columns * c.font->width || y >= c.rows * c.font->height;
            CHECK_EQUAL(pixel_at(&mode, memory, x, y), margin ? 0 : 0x5a5a5a5au);
        }
    }
    free(memory);
}

static void test_fonts(void)
{
    CHECK_EQUAL(font_choose(640)->height, 16);
    CHECK_EQUAL(font_choose(1024)->height, 16);
    CHECK_EQUAL(font_choose(1920)->height, 24);
    CHECK_EQUAL(font_choose(3840)->height, 32);
    const uint8_t *unknown = font_glyph(&fonts[0], FONT_UNKNOWN);
    CHECK(font_glyph(&fonts[0], 0x4e00) == unknown && font_glyph(&fonts[0], 0) == unknown);
    CHECK(font_glyph(&fonts[0], 0x2551) != unknown && font_glyph(&fonts[2], 0xf1) != unknown);
}

static void test_hostile_modes(void)
{
    struct canvas_mode good = mode_of(4, 640, 480, 0), bad;
    struct canvas c;
    CHECK(canvas_size(&good) == 640 * 480 * 4);
    bad = good, bad.pitch = 640 * 4 - 1;
    CHECK(canvas_size(&bad) == 0);
    bad = good, bad.width = UINT32_MAX, bad.pitch = UINT32_MAX;
    CHECK(canvas_size(&bad) == 0);
    bad = good, bad.height = 1u << 31;
    CHECK(canvas_size(&bad) == 0);
    bad = good, bad.bits = 8;
    CHECK(canvas_size(&bad) == 0 && canvas_init(&c, &bad, NULL) == TS_ERR_UNSUPPORTED);
    bad = good, bad.red.position = 25;
    CHECK(canvas_size(&bad) == 0);
    bad = good, bad.green.size = 0;
    CHECK(canvas_size(&bad) == 0);
    bad = mode_of(4, 7, 480, 0); // not a single column
    CHECK(canvas_init(&c, &bad, NULL) == TS_ERR_UNSUPPORTED);
}

static void test_text(void)
{
    uint8_t memory[80 * 25 * 2];
    struct canvas_mode mode = {.text = true, .width = 80, .height = 25, .pitch = 160, .bits = 16};
    struct canvas c;
    CHECK(canvas_size(&mode) == sizeof(memory) && canvas_init(&c, &mode, memory) == TS_OK);
    CHECK(c.rows == 25 && c.columns == 80);
    memset(memory, UNTOUCHED, sizeof(memory));
    canvas_draw(&c, 24, 79, &(struct cell){0x2588, palette[12], palette[1]});
    CHECK(memory[sizeof(memory) - 2] == 0xdb && memory[sizeof(memory) - 1] == 0x49);
    CHECK(memory[sizeof(memory) - 3] == UNTOUCHED);
    for (uint32_t i = 0; i < PALETTE_COLOURS; i++) { // all sixteen are told apart
        for (uint32_t j = 0; j < i; j++) {
            CHECK(ega_word('x', palette[i], 0) != ega_word('x', palette[j], 0));
        }
    }
    CHECK((ega_word(0x4e00, 0, 0) & 0xff) == '?' && (ega_word(0xfc, 0, 0) & 0xff) == 0x81);
}

int main(void)
{
    static const uint32_t sizes[][2] = {{640, 480}, {801, 333}, {1920, 120}, {3840, 70}};
    for (uint32_t depth = 0; depth < sizeof(depths) / sizeof(depths[0]); depth++) {
        for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            struct canvas_mode mode =
                mode_of(depth, sizes[i][0], sizes[i][1], (uint32_t)random_below(3) * 7);
            one(&mode);
        }
    }
    test_margins();
    test_fonts();
    test_hostile_modes();
    test_text();
    return 0;
}
