// SPDX-License-Identifier: MIT
// Lines that have left the screen at its top, packed into a ring of fixed size: a new one pushes
// out the oldest.
#pragma once

#include <stddef.h>
#include "cell.h"

#define HISTORY_BYTES (256u << 10) // a power of two

struct history {
    uint8_t *bytes;      // HISTORY_BYTES; NULL: nothing is kept
    uint64_t begin, end; // of what is kept: bytes ever written
    uint32_t lines;
    uint64_t added; // lines ever
};

// Blank cells at its end are not kept.
void history_add(struct history *history, const struct cell *cells, uint32_t columns);

// The line that left `back` lines ago (1: the last); the rest of `cells` is `blank`. False: it is
// not there.
bool history_get(const struct history *history, uint32_t back, struct cell *cells, uint32_t columns,
                 struct cell blank);
