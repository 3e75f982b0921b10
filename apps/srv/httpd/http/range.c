// SPDX-License-Identifier: MIT
#include "range.h"

// "-N": the last N bytes.
static enum range_kind suffix_range(struct text text, uint64_t size, struct http_range *out_range)
{
    uint64_t length;
    if (!text_take_number(&text, &length) || text.length != 0) {
        return RANGE_NONE;
    }
    if (length == 0) {
        return RANGE_UNSATISFIED;
    }
    if (size == 0) {
        return RANGE_NONE; // the whole, of which no Content-Range can speak
    }
    out_range->length = length < size ? length : size;
    out_range->first = size - out_range->length;
    return RANGE_GOOD;
}

static enum range_kind one_range(struct text text, uint64_t size, struct http_range *out_range)
{
    uint64_t first, last = UINT64_MAX;
    if (text_take(&text, '-')) {
        return suffix_range(text, size, out_range);
    }
    if (!text_take_number(&text, &first) || !text_take(&text, '-')) {
        return RANGE_NONE;
    }
    if (text.length > 0 && (!text_take_number(&text, &last) || text.length != 0 || last < first)) {
        return RANGE_NONE;
    }
    if (first >= size) {
        return RANGE_UNSATISFIED;
    }
    *out_range = (struct http_range){first, (last < size - 1 ? last : size - 1) - first + 1};
    return RANGE_GOOD;
}

static bool touch(const struct http_range *a, const struct http_range *b)
{
    return a->first <= b->first + b->length && b->first <= a->first + a->length;
}

static void join(struct http_range *range, const struct http_range *other)
{
    uint64_t end = range->first + range->length, other_end = other->first + other->length;
    end = end > other_end ? end : other_end;
    range->first = range->first < other->first ? range->first : other->first;
    range->length = end - range->first;
}

// Adds a range at the end; those that touch it, or what it becomes, are taken into it. It
// has the place of the first of them then.
static void add(struct http_range *ranges, unsigned *count, struct http_range range)
{
    unsigned place = *count;
    for (unsigned i = 0; i < *count;) {
        if (!touch(&ranges[i], &range)) {
            i++;
            continue;
        }
        join(&range, &ranges[i]);
        place = i < place ? i : place;
        --*count;
        for (unsigned j = i; j < *count; j++) {
            ranges[j] = ranges[j + 1];
        }
        i = 0; // it has grown
    }
    place = place < *count ? place : *count;
    for (unsigned j = (*count)++; j > place; j--) {
        ranges[j] = ranges[j - 1];
    }
    ranges[place] = range;
}

enum range_kind http_ranges_parse(struct text value, uint64_t size,
                                  struct http_range ranges[HTTP_RANGES_MAX], unsigned *out_count)
{
    static const struct text unit = TEXT("bytes=");
    struct text element;
    unsigned asked = 0;
    *out_count = 0;
    if (value.length < unit.length ||
        !text_equal_fold((struct text){value.data, unit.length}, unit)) {
        return RANGE_NONE;
    }
    struct text list = {value.data + unit.length, value.length - unit.length};
    for (; text_list_next(&list, &element); asked++) {
        struct http_range range;
        enum range_kind kind = one_range(element, size, &range);
        if (kind == RANGE_NONE || asked == HTTP_RANGES_MAX) {
            return RANGE_NONE;
        }
        if (kind == RANGE_GOOD) {
            add(ranges, out_count, range);
        }
    }
    if (asked == 0) {
        return RANGE_NONE;
    }
    return *out_count > 0 ? RANGE_GOOD : RANGE_UNSATISFIED;
}

void http_parts_type(struct writer *writer, struct text boundary)
{
    write_string(writer, "multipart/byteranges; boundary=");
    write_text(writer, boundary);
}

void http_part_head(struct writer *writer, struct text boundary, struct text type,
                    const struct http_range *range, uint64_t size)
{
    write_string(writer, "\r\n--");
    write_text(writer, boundary);
    write_string(writer, "\r\nContent-Type: ");
    write_text(writer, type);
    write_string(writer, "\r\nContent-Range: bytes ");
    write_number(writer, range->first);
    write_string(writer, "-");
    write_number(writer, range->first + range->length - 1);
    write_string(writer, "/");
    write_number(writer, size);
    write_string(writer, "\r\n\r\n");
}

void http_parts_end(struct writer *writer, struct text boundary)
{
    write_string(writer, "\r\n--");
    write_text(writer, boundary);
    write_string(writer, "--\r\n");
}

uint64_t http_parts_length(struct text type, const struct http_range *ranges, unsigned count,
                           uint64_t size)
{
    static const char boundary[HTTP_BOUNDARY_LENGTH];
    const struct text any = {boundary, sizeof(boundary)};
    char buffer[HTTP_PART_HEAD_MAX];
    struct writer writer = writer_make(buffer, sizeof(buffer));
    http_parts_end(&writer, any);
    uint64_t length = writer.length;
    for (unsigned i = 0; i < count; i++) {
        writer = writer_make(buffer, sizeof(buffer));
        http_part_head(&writer, any, type, &ranges[i], size);
        length += writer.length + ranges[i].length;
    }
    return length;
}
