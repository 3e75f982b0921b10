// SPDX-License-Identifier: MIT
#include "grid.h"

#include <stdlib.h>
#include <string.h>

static const struct cell nothing = {.code = ' ', .ink = 0, .paper = 0};

static ts_status_t page_init(struct grid_page *page, uint32_t rows, uint32_t columns)
{
    page->cells = malloc((size_t)rows * columns * sizeof(struct cell));
    page->lines = malloc(rows * sizeof(*page->lines));
    if (page->cells == NULL || page->lines == NULL) {
        free(page->cells);
        free(page->lines);
        *page = (struct grid_page){0};
        return TS_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < rows * columns; i++) {
        page->cells[i] = nothing;
    }
    for (uint32_t row = 0; row < rows; row++) {
        page->lines[row] = (uint16_t)row;
    }
    return TS_OK;
}

ts_status_t grid_init(struct grid *g, uint32_t rows, uint32_t columns, void *history_bytes)
{
    *g = (struct grid){.rows = rows, .columns = columns, .history.bytes = history_bytes};
    g->page = &g->pages[0];
    g->damage = malloc(rows * sizeof(*g->damage));
    if (g->damage == NULL || page_init(g->page, rows, columns) != TS_OK) {
        free(g->damage);
        return TS_ERR_MEMORY;
    }
    grid_damage_all(g);
    return TS_OK;
}

void grid_fini(struct grid *g)
{
    for (unsigned i = 0; i < 2; i++) {
        free(g->pages[i].cells);
        free(g->pages[i].lines);
    }
    free(g->damage);
}

// ---- Damage

void grid_damage_cells(struct grid *g, int32_t row, int32_t first, int32_t end)
{
    if (row < 0 || row >= (int32_t)g->rows) {
        return;
    }
    struct grid_damage *d = &g->damage[row];
    first = first > 0 ? first : 0;
    end = end < (int32_t)g->columns ? end : (int32_t)g->columns;
    if (first >= end) {
        return;
    }
    if (d->first >= d->end) {
        *d = (struct grid_damage){(uint16_t)first, (uint16_t)end};
        return;
    }
    d->first = first < d->first ? (uint16_t)first : d->first;
    d->end = end > d->end ? (uint16_t)end : d->end;
}

static void damage_rows(struct grid *g, uint32_t top, uint32_t bottom)
{
    for (uint32_t row = top; row < bottom; row++) {
        g->damage[row] = (struct grid_damage){0, (uint16_t)g->columns};
    }
}

void grid_damage_all(struct grid *g)
{
    damage_rows(g, 0, g->rows);
}

// ---- Cells

static struct cell *row_cells(const struct grid *g, uint32_t row)
{
    return &g->page->cells[(size_t)g->page->lines[row] * g->columns];
}

const struct cell *grid_row(const struct grid *g, uint32_t row)
{
    return row_cells(g, row);
}

void grid_put(struct grid *g, int32_t row, int32_t column, const struct cell *cell)
{
    if (row < 0 || row >= (int32_t)g->rows || column < 0 || column >= (int32_t)g->columns) {
        return;
    }
    row_cells(g, (uint32_t)row)[column] = *cell;
    grid_damage_cells(g, row, column, column + 1);
}

static int32_t within(int32_t value, uint32_t end)
{
    return value < 0 ? 0 : value < (int32_t)end ? value : (int32_t)end;
}

void grid_fill(struct grid *g, struct grid_area area, const struct cell *cell)
{
    int32_t left = within(area.left, g->columns), right = within(area.right, g->columns);
    int32_t bottom = within(area.bottom, g->rows);
    for (int32_t row = within(area.top, g->rows); row < bottom; row++) {
        struct cell *cells = row_cells(g, (uint32_t)row);
        for (int32_t column = left; column < right; column++) {
            cells[column] = *cell;
        }
        grid_damage_cells(g, row, left, right);
    }
}

static bool inside(const struct grid *g, const struct grid_area *a)
{
    return a->top >= 0 && a->left >= 0 && a->top <= a->bottom && a->left <= a->right &&
           a->bottom <= (int32_t)g->rows && a->right <= (int32_t)g->columns;
}

void grid_copy(struct grid *g, struct grid_area to, struct grid_area from)
{
    int32_t rows = from.bottom - from.top, columns = from.right - from.left;
    if (!inside(g, &to) || !inside(g, &from) || to.bottom - to.top != rows ||
        to.right - to.left != columns) {
        return;
    }
    bool down = to.top > from.top;
    for (int32_t i = 0; i < rows; i++) {
        int32_t row = down ? rows - 1 - i : i;
        memmove(row_cells(g, (uint32_t)(to.top + row)) + to.left,
                row_cells(g, (uint32_t)(from.top + row)) + from.left,
                (size_t)columns * sizeof(struct cell));
        grid_damage_cells(g, to.top + row, to.left, to.right);
    }
}

// ---- Rows

static void fill_row(struct grid *g, uint32_t row, const struct cell *cell)
{
    struct cell *cells = row_cells(g, row);
    for (uint32_t column = 0; column < g->columns; column++) {
        cells[column] = *cell;
    }
}

// The lines of the first `up` of `count` rows come behind the others.
static void turn_lines(uint16_t *lines, uint32_t count, uint32_t up)
{
    for (uint32_t done = 0; done < up; done++) { // most often 1
        uint16_t first = lines[0];
        memmove(lines, lines + 1, (count - 1) * sizeof(*lines));
        lines[count - 1] = first;
    }
}

void grid_scroll(struct grid *g, int32_t top, int32_t bottom, int32_t up, const struct cell *blank)
{
    if (top < 0 || bottom > (int32_t)g->rows || top >= bottom) {
        return;
    }
    uint32_t count = (uint32_t)(bottom - top);
    uint32_t by = (uint32_t)(up < 0 ? -(int64_t)up : up);
    by = by < count ? by : count;
    if (up > 0 && top == 0 && g->page == &g->pages[0]) {
        for (uint32_t row = 0; row < by; row++) {
            history_add(&g->history, row_cells(g, row), g->columns);
        }
    }
    uint16_t *lines = g->page->lines + top;
    turn_lines(lines, count, up > 0 ? by : count - by);
    uint32_t first = up > 0 ? (uint32_t)bottom - by : (uint32_t)top;
    for (uint32_t row = first; row < first + by; row++) {
        fill_row(g, row, blank);
    }
    damage_rows(g, (uint32_t)top, (uint32_t)bottom);
}

ts_status_t grid_turn(struct grid *g, bool second)
{
    struct grid_page *page = &g->pages[second];
    if (page->cells == NULL) {
        ts_status_t status = page_init(page, g->rows, g->columns);
        if (status != TS_OK) {
            return status;
        }
    }
    g->page = page;
    grid_damage_all(g);
    return TS_OK;
}
