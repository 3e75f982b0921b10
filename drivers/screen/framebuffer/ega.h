// SPDX-License-Identifier: MIT
// A cell of the text mode that every PC's display adapter has.
#pragma once

#include <stdint.h>

#define EGA_BYTES 2u // a cell

// The character, or '?' if the adapter's font lacks it, and the nearest colours that it has; ink
// and paper: 0xRRGGBB.
uint32_t ega_word(uint32_t character, uint32_t ink, uint32_t paper);
