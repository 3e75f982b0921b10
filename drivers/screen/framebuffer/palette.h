// SPDX-License-Identifier: MIT
// The sixteen colours that programs name by number, as PC consoles have always shown them.
#pragma once

#include <stdint.h>

#define PALETTE_COLOURS 16u
#define PALETTE_INK     7u // of what nobody has coloured
#define PALETTE_PAPER   0u

extern const uint32_t palette[PALETTE_COLOURS]; // 0xRRGGBB: black, red, green, yellow, blue, …
