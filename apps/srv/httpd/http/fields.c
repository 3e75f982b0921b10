// SPDX-License-Identifier: MIT
#include "fields.h"

#include <string.h>

#include "syntax.h"

enum lines {
    LIST,  // several lines are one list, in their order
    EQUAL, // one value: a line that says another is refused
    ONCE,  // one line: a second is refused, whatever it says
};

// The one table of what is read. Content-Length is a number, but RFC 9110 8.6 knows it as a list of
// equal ones. Host is ONCE by RFC 9112 3.2.
static const struct {
    struct text name;
    enum lines lines;
} table[HTTP_FIELDS] = {
    [HTTP_HOST] = {TEXT("host"), ONCE},
    [HTTP_CONNECTION] = {TEXT("connection"), LIST},
    [HTTP_RANGE] = {TEXT("range"), EQUAL},
    [HTTP_IF_NONE_MATCH] = {TEXT("if-none-match"), LIST},
    [HTTP_IF_MODIFIED_SINCE] = {TEXT("if-modified-since"), EQUAL},
    [HTTP_IF_RANGE] = {TEXT("if-range"), EQUAL},
    [HTTP_IF_MATCH] = {TEXT("if-match"), LIST},
    [HTTP_IF_UNMODIFIED_SINCE] = {TEXT("if-unmodified-since"), EQUAL},
    [HTTP_CONTENT_LENGTH] = {TEXT("content-length"), LIST},
    [HTTP_TRANSFER_ENCODING] = {TEXT("transfer-encoding"), LIST},
    [HTTP_EXPECT] = {TEXT("expect"), LIST},
    [HTTP_ACCEPT_ENCODING] = {TEXT("accept-encoding"), LIST},
};

// A line is `name ":" value`: no space before the colon, and none before the name, which would fold
// it into the line before (RFC 9112 5.1, 5.2).
static bool split(struct text line, struct text *out_name, struct text *out_value)
{
    size_t length = 0;
    while (length < line.length && syntax_is_token(line.data[length])) {
        length++;
    }
    if (length == 0 || length == line.length || line.data[length] != ':') {
        return false;
    }
    *out_name = (struct text){line.data, length};
    *out_value = text_trim((struct text){line.data + length + 1, line.length - length - 1});
    return true;
}

bool http_fields_take(struct http_fields *fields, struct text line)
{
    struct text name, value;
    if (!split(line, &name, &value)) {
        return false;
    }
    for (unsigned i = 0; i < HTTP_FIELDS; i++) {
        if (!text_equal_fold(name, table[i].name)) {
            continue;
        }
        if (fields->lines[i]++ == 0) {
            fields->values[i] = value;
            return true;
        }
        return table[i].lines == LIST ||
               (table[i].lines == EQUAL && text_equal(value, fields->values[i]));
    }
    return true;
}

struct http_list http_list(const struct http_fields *fields, enum http_field field)
{
    struct http_list list = {.line = fields->values[field], .name = table[field].name};
    if (fields->lines[field] > 1) {
        const char *end = list.line.data + list.line.length;
        list.after = (struct text){end, (size_t)(fields->head.data + fields->head.length - end)};
    }
    return list;
}

// Goes to the next line of this name. Every line of the head ends in CR LF, the last one is empty.
static bool next_line(struct http_list *list)
{
    while (list->after.length > 0) {
        const char *end = memchr(list->after.data, '\n', list->after.length);
        if (end == NULL) {
            return false;
        }
        list->after.length -= (size_t)(end + 1 - list->after.data);
        list->after.data = end + 1;
        const char *cr = memchr(end + 1, '\r', list->after.length);
        struct text line = {end + 1, cr != NULL ? (size_t)(cr - end - 1) : 0}, name, value;
        if (split(line, &name, &value) && text_equal_fold(name, list->name)) {
            list->line = value;
            return true;
        }
    }
    return false;
}

bool http_list_next(struct http_list *list, struct text *out_element)
{
    while (!text_list_next(&list->line, out_element)) {
        if (!next_line(list)) {
            return false;
        }
    }
    return true;
}

bool http_list_has(const struct http_fields *fields, enum http_field field, struct text token)
{
    struct text element;
    if (!http_fields_has(fields, field)) {
        return false;
    }
    for (struct http_list list = http_list(fields, field); http_list_next(&list, &element);) {
        if (text_equal_fold(element, token)) {
            return true;
        }
    }
    return false;
}
