// SPDX-License-Identifier: MIT
// The screen's fonts, made at build time (tools/mkfont.py), and which of them a screen gets.
#pragma once

#include <stdint.h>

#define FONT_UNKNOWN 0xfffdu

struct font {
    uint32_t width, height;
    const uint16_t *shown; // by index of the character: the glyph
    const uint8_t *glyphs; // rows from above, each of whole bytes, the left pixel highest
};

extern const struct font fonts[]; // from the smallest
extern const uint32_t font_count;
extern const uint16_t font_characters[]; // in order, the same for all fonts
extern const uint32_t font_character_count;

#define FONT_COLUMNS 128u // that the screen must have for a font, but for the smallest

// The largest font of which a screen so wide has enough columns.
const struct font *font_choose(uint32_t width);

// A character's rows; those of U+FFFD where the font does not have it.
const uint8_t *font_glyph(const struct font *font, uint32_t character);

static inline uint32_t font_row_bytes(const struct font *font)
{
    return (font->width + 7) / 8;
}
