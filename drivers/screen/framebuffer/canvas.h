// SPDX-License-Identifier: MIT
// Video memory: drawing one cell, at any depth, pitch and order of colours, or as EGA text. It is
// written and never read.
#pragma once

#include <tessera/lib/status.h>
#include "cell.h"
#include "font.h"

struct canvas_colour {
    uint8_t position, size; // bits
};

// As the boot loader described it.
struct canvas_mode {
    bool text;                             // width and height are characters
    uint32_t width, height, pitch;         // pitch: bytes from a line to the next
    uint32_t bits;                         // of a pixel: 15, 16, 24, 32; text: 16
    struct canvas_colour red, green, blue; // text: all zero
};

struct canvas {
    struct canvas_mode mode;
    volatile uint8_t *base;
    const struct font *font; // NULL: text
    uint32_t bytes;          // of a pixel
    uint32_t rows, columns;  // of cells
};

// The bytes of video memory that a mode has; 0: it is none that can be drawn on.
uint64_t canvas_size(const struct canvas_mode *mode);

// The memory is canvas_size() bytes, the caller's. TS_ERR_UNSUPPORTED: such a mode cannot be drawn
// on, or is too small for a single cell.
TS_MUST_USE ts_status_t canvas_init(struct canvas *canvas, const struct canvas_mode *mode,
                                    volatile void *memory);

void canvas_draw(struct canvas *canvas, uint32_t row, uint32_t column, const struct cell *cell);

// Makes black what no cell covers: the right and the lower margin.
void canvas_clear_margins(struct canvas *canvas);
