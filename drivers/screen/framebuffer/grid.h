// SPDX-License-Identifier: MIT
// What a terminal shows: rows of cells, which of them have changed since they were drawn last, and
// what has left at the top. All positions are checked here: what asks comes from what a program has
// written.
#pragma once

#include <tessera/lib/status.h>
#include "cell.h"
#include "history.h"

// Columns of a row that have changed: from `first` to before `end`; first >= end: none.
struct grid_damage {
    uint16_t first, end;
};

// Rows move by their numbers here; the cells of a row stay where they are.
struct grid_page {
    struct cell *cells; // rows * columns
    uint16_t *lines;    // of each row: which line of `cells` it is
};

struct grid {
    uint32_t rows, columns;
    struct grid_page pages[2]; // the second is made when a program first wants it
    struct grid_page *page;    // the one that is shown
    struct grid_damage *damage;
    struct history history; // of the first page
};

// All blank, all damaged. The history's memory is the caller's. TS_ERR_MEMORY.
TS_MUST_USE ts_status_t grid_init(struct grid *grid, uint32_t rows, uint32_t columns,
                                  void *history_bytes);
void grid_fini(struct grid *grid);

const struct cell *grid_row(const struct grid *grid, uint32_t row);

struct grid_area {
    int32_t top, bottom, left, right; // bottom and right are behind it
};

void grid_put(struct grid *grid, int32_t row, int32_t column, const struct cell *cell);
void grid_fill(struct grid *grid, struct grid_area area, const struct cell *cell);

// Copies cells, which may overlap.
void grid_copy(struct grid *grid, struct grid_area to, struct grid_area from);

// Moves whole rows up (down, if negative) within [top, bottom) and fills those that have come. What
// leaves the first page at its top goes to the history.
void grid_scroll(struct grid *grid, int32_t top, int32_t bottom, int32_t up,
                 const struct cell *blank);

// Shows the first page or the second. TS_ERR_MEMORY: there is no second.
TS_MUST_USE ts_status_t grid_turn(struct grid *grid, bool second);

void grid_damage_all(struct grid *grid);
void grid_damage_cells(struct grid *grid, int32_t row, int32_t first, int32_t end);
