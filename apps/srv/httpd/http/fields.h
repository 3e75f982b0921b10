// SPDX-License-Identifier: MIT
// The fields of a request that this server reads. fields.c has the table of them, and of what it
// means when one comes in several lines (RFC 9110 5.3).
#pragma once

#include "text.h"

enum http_field {
    HTTP_HOST,
    HTTP_CONNECTION,
    HTTP_RANGE,
    HTTP_IF_NONE_MATCH,
    HTTP_IF_MODIFIED_SINCE,
    HTTP_IF_RANGE,
    HTTP_IF_MATCH,
    HTTP_IF_UNMODIFIED_SINCE,
    HTTP_CONTENT_LENGTH,
    HTTP_TRANSFER_ENCODING,
    HTTP_EXPECT,
    HTTP_ACCEPT_ENCODING,
    HTTP_FIELDS,
};

// Texts point into the head.
struct http_fields {
    struct text values[HTTP_FIELDS]; // of the first line, trimmed
    uint8_t lines[HTTP_FIELDS];      // 0: the field is not there, which an empty one is
    struct text head;                // where further lines are found, once it is whole
};

// Takes a line of the head. False: it is no field, or repeats what there is only one of.
bool http_fields_take(struct http_fields *fields, struct text line);

static inline bool http_fields_has(const struct http_fields *fields, enum http_field field)
{
    return fields->lines[field] > 0;
}

// The elements of a list field, of all its lines in their order, as if they were joined by commas.
struct http_list {
    struct text line, after, name;
};

struct http_list http_list(const struct http_fields *fields, enum http_field field);
bool http_list_next(struct http_list *list, struct text *out_element); // false: the end

// Whether the list has this token, of either case.
bool http_list_has(const struct http_fields *fields, enum http_field field, struct text token);
