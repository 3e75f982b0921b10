// SPDX-License-Identifier: MIT
// One place of a character on the screen.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CELL_UNDERLINE (1u << 24)
#define CELL_STRIKE    (1u << 25)
#define CELL_REST      (1u << 26) // the second half of the wide character on its left

#define CELL_CODE 0x1fffffu // of `code`
#define CELL_RGB  0xffffffu // of `ink` and `paper`

struct cell {
    uint32_t code;  // the character, and CELL_* marks
    uint32_t ink;   // 0xRRGGBB
    uint32_t paper; // the same
};

static inline bool cell_same(const struct cell *a, const struct cell *b)
{
    return a->code == b->code && a->ink == b->ink && a->paper == b->paper;
}
