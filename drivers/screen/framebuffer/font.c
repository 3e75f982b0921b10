// SPDX-License-Identifier: MIT
#include "font.h"

const struct font *font_choose(uint32_t width)
{
    const struct font *best = &fonts[0];
    for (uint32_t i = 1; i < font_count; i++) {
        if (width / fonts[i].width >= FONT_COLUMNS) {
            best = &fonts[i];
        }
    }
    return best;
}

// Where it is in font_characters; their count: nowhere.
static uint32_t find(uint32_t character)
{
    uint32_t low = 0, high = font_character_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (font_characters[middle] < character) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < font_character_count && font_characters[low] == character ? low
                                                                           : font_character_count;
}

const uint8_t *font_glyph(const struct font *font, uint32_t character)
{
    uint32_t index = find(character);
    if (index == font_character_count) {
        index = find(FONT_UNKNOWN); // mkfont.py has seen to it that there is one
    }
    return font->glyphs + (uint64_t)font->shown[index] * font->height * font_row_bytes(font);
}
