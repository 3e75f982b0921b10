// SPDX-License-Identifier: MIT
// A line is runs of cells of the same colours, between two copies of its length, so that the ring
// can be walked from both ends:
//
//   u32 length | run … | u32 length        run: u32 ink, u32 paper, u16 marks, u16 count, u16 code
//   …
#include "history.h"

#include <string.h>

#define MASK      (HISTORY_BYTES - 1)
#define RUN_HEAD  12u
#define RUN_MAX   0xffffu
#define CODE_LAST 0xffffu // what is above is kept as U+FFFD
#define UNKNOWN   0xfffdu

static void put(struct history *h, const void *from, size_t length)
{
    size_t start = h->end & MASK, first = HISTORY_BYTES - start;
    first = first < length ? first : length;
    memcpy(h->bytes + start, from, first);
    memcpy(h->bytes, (const uint8_t *)from + first, length - first);
    h->end += length;
}

static void get(const struct history *h, uint64_t at, void *to, size_t length)
{
    size_t start = at & MASK, first = HISTORY_BYTES - start;
    first = first < length ? first : length;
    memcpy(to, h->bytes + start, first);
    memcpy((uint8_t *)to + first, h->bytes, length - first);
}

static uint32_t marks_of(const struct cell *cell)
{
    return cell->code & ~CELL_CODE;
}

static bool same_run(const struct cell *a, const struct cell *b)
{
    return a->ink == b->ink && a->paper == b->paper && marks_of(a) == marks_of(b);
}

static uint32_t run_length(const struct cell *cells, uint32_t count)
{
    uint32_t n = 1;
    while (n < count && n < RUN_MAX && same_run(&cells[n], &cells[0])) {
        n++;
    }
    return n;
}

static uint32_t length_of(const struct cell *cells, uint32_t count)
{
    uint32_t length = 0;
    for (uint32_t at = 0, n; at < count; at += n) {
        n = run_length(cells + at, count - at);
        length += RUN_HEAD + 2 * n;
    }
    return length;
}

static void drop_oldest(struct history *h)
{
    uint32_t length;
    get(h, h->begin, &length, sizeof(length));
    h->begin += length + 2 * sizeof(length);
    h->lines--;
}

static void put_run(struct history *h, const struct cell *cells, uint32_t count)
{
    uint16_t head[2] = {(uint16_t)(marks_of(&cells[0]) >> 16), (uint16_t)count};
    put(h, &cells[0].ink, sizeof(cells[0].ink));
    put(h, &cells[0].paper, sizeof(cells[0].paper));
    put(h, head, sizeof(head));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t code = cells[i].code & CELL_CODE;
        uint16_t kept = (uint16_t)(code <= CODE_LAST ? code : UNKNOWN);
        put(h, &kept, sizeof(kept));
    }
}

void history_add(struct history *h, const struct cell *cells, uint32_t columns)
{
    if (h->bytes == NULL) {
        return;
    }
    uint32_t count = columns;
    while (count > 0 && cell_same(&cells[count - 1], &cells[columns - 1]) &&
           (cells[count - 1].code == 0 || cells[count - 1].code == ' ')) {
        count--;
    }
    uint32_t length = length_of(cells, count), whole = length + 2 * (uint32_t)sizeof(length);
    if (whole > HISTORY_BYTES) {
        return;
    }
    while (h->end + whole - h->begin > HISTORY_BYTES) {
        drop_oldest(h);
    }
    put(h, &length, sizeof(length));
    for (uint32_t at = 0, n; at < count; at += n) {
        n = run_length(cells + at, count - at);
        put_run(h, cells + at, n);
    }
    put(h, &length, sizeof(length));
    h->lines++;
    h->added++;
}

static uint32_t get_run(const struct history *h, uint64_t *at, struct cell *cells, uint32_t room)
{
    struct cell cell;
    uint16_t head[2], code;
    get(h, *at, &cell.ink, sizeof(cell.ink));
    get(h, *at + 4, &cell.paper, sizeof(cell.paper));
    get(h, *at + 8, head, sizeof(head));
    *at += RUN_HEAD;
    uint32_t count = head[1] < room ? head[1] : room;
    for (uint32_t i = 0; i < count; i++) {
        get(h, *at + 2 * i, &code, sizeof(code));
        cell.code = code | (uint32_t)head[0] << 16;
        cells[i] = cell;
    }
    *at += 2u * head[1];
    return count;
}

bool history_get(const struct history *h, uint32_t back, struct cell *cells, uint32_t columns,
                 struct cell blank)
{
    if (back == 0 || back > h->lines) {
        return false;
    }
    uint64_t at = h->end;
    uint32_t length = 0;
    for (uint32_t i = 0; i < back; i++) {
        get(h, at - sizeof(length), &length, sizeof(length));
        at -= length + 2 * sizeof(length);
    }
    uint64_t end = at + sizeof(length) + length;
    at += sizeof(length);
    uint32_t filled = 0;
    while (at < end) {
        filled += get_run(h, &at, cells + filled, columns - filled);
    }
    for (; filled < columns; filled++) {
        cells[filled] = blank;
    }
    return true;
}
