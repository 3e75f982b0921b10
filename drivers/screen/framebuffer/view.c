// SPDX-License-Identifier: MIT
#include "view.h"

#include <stdlib.h>
#include "palette.h"

#define UNDRAWN UINT32_MAX // no cell has it as its code

ts_status_t view_init(struct view *v, const struct canvas *canvas)
{
    *v = (struct view){.canvas = *canvas};
    size_t count = (size_t)canvas->rows * canvas->columns;
    v->shown = malloc(count * sizeof(*v->shown));
    v->line = malloc(canvas->columns * sizeof(*v->line));
    if (v->shown == NULL || v->line == NULL) {
        free(v->shown);
        free(v->line);
        return TS_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        v->shown[i].code = UNDRAWN;
    }
    return TS_OK;
}

void view_turn(struct view *v, struct terminal *terminal)
{
    v->terminal = terminal;
    v->back = 0;
    grid_damage_all(&terminal->grid);
}

void view_scroll(struct view *v, int32_t lines)
{
    struct grid *grid = &v->terminal->grid;
    uint32_t most = grid->page == &grid->pages[0] ? grid->history.lines : 0;
    int64_t back = (int64_t)v->back + lines;
    back = back < 0 ? 0 : back > most ? most : back;
    if (back != v->back) {
        v->back = (uint32_t)back;
        v->added = grid->history.added;
        grid_damage_all(grid);
    }
}

// Lines that have come meanwhile move what is looked at up in the history; the oldest are gone.
static void stay(struct view *v)
{
    const struct history *history = &v->terminal->grid.history;
    if (v->back > 0) {
        uint64_t back = v->back + (history->added - v->added);
        v->back = back < history->lines ? (uint32_t)back : history->lines;
        v->added = history->added;
    }
}

void view_follow(struct view *v)
{
    view_scroll(v, -(int32_t)v->back);
}

// The cells of a row of the screen.
static const struct cell *row_of(struct view *v, uint32_t row)
{
    const struct grid *grid = &v->terminal->grid;
    const struct cell blank = {' ', palette[PALETTE_INK], palette[PALETTE_PAPER]};
    if (row >= v->back) {
        return grid_row(grid, row - v->back);
    }
    if (!history_get(&grid->history, v->back - row, v->line, grid->columns, blank)) {
        for (uint32_t i = 0; i < grid->columns; i++) {
            v->line[i] = blank;
        }
    }
    return v->line;
}

static struct cell cursor_over(struct cell cell)
{
    if (cell.ink == cell.paper) {
        cell.ink = ~cell.paper & CELL_RGB;
    }
    return (struct cell){cell.code, cell.paper, cell.ink};
}

static uint32_t draw_row(struct view *v, uint32_t row, uint32_t first, uint32_t end)
{
    const struct cell *cells = row_of(v, row);
    struct cell *shown = &v->shown[(size_t)row * v->canvas.columns];
    uint32_t drawn = 0;
    for (uint32_t column = first; column < end; column++) {
        struct cell cell = cells[column];
        if (v->cursor && row == v->cursor_row && column == v->cursor_column) {
            cell = cursor_over(cell);
        }
        if (!cell_same(&cell, &shown[column])) {
            canvas_draw(&v->canvas, row, column, &cell);
            shown[column] = cell;
            drawn++;
        }
    }
    return drawn;
}

// Where the cursor was and where it is now are looked at.
static void move_cursor(struct view *v)
{
    const struct terminal *t = v->terminal;
    bool shown = t->cursor_shown && v->back == 0;
    if (shown == v->cursor && t->cursor_row == v->cursor_row &&
        t->cursor_column == v->cursor_column) {
        return;
    }
    struct grid *grid = &v->terminal->grid;
    grid_damage_cells(grid, (int32_t)v->cursor_row, (int32_t)v->cursor_column,
                      (int32_t)v->cursor_column + 1);
    v->cursor = shown;
    v->cursor_row = t->cursor_row;
    v->cursor_column = t->cursor_column;
    grid_damage_cells(grid, (int32_t)v->cursor_row, (int32_t)v->cursor_column,
                      (int32_t)v->cursor_column + 1);
}

bool view_draw(struct view *v, uint32_t cells)
{
    struct grid *grid = &v->terminal->grid;
    if (v->row == 0) {
        stay(v);
        move_cursor(v);
    }
    uint32_t drawn = 0;
    while (v->row < grid->rows && drawn < cells) {
        // The damage is the grid's: row by row the same as the screen's, unless it shows history.
        struct grid_damage *damage = &grid->damage[v->row];
        uint32_t first = damage->first, end = damage->end;
        *damage = (struct grid_damage){0};
        if (v->back > 0) { // anything may have moved
            first = 0;
            end = grid->columns;
        }
        if (first < end) {
            drawn += draw_row(v, v->row, first, end);
        }
        v->row++;
    }
    if (v->row < grid->rows) {
        return false;
    }
    v->row = 0;
    return true;
}
