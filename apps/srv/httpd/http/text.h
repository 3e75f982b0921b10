// SPDX-License-Identifier: MIT
// Slices of text and a bounded writer: the only ways in which this server handles characters.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bytes that belong to someone else; no final zero.
struct text {
    const char *data;
    size_t length;
};

#define TEXT(literal) ((struct text){literal, sizeof(literal) - 1})

bool text_equal(struct text a, struct text b);
bool text_equal_fold(struct text a, struct text b); // ASCII letters of either case

// text without spaces and tabs at either end.
struct text text_trim(struct text text);

// The next element of a comma-separated list (RFC 9110 5.6.1), trimmed; empty elements are
// skipped; a comma within a quoted string does not separate. False at the end.
bool text_list_next(struct text *rest, struct text *out_element);

// Whether a comma-separated list has this token, ignoring case.
bool text_list_has(struct text list, struct text token);

// Decimal digits only, at least one, at most those that fit. Takes them off the front.
bool text_take_number(struct text *text, uint64_t *out_value);

// Takes one expected character off the front.
bool text_take(struct text *text, char expected);

// A writer into a fixed buffer. What does not fit is not written, and `overflow` stays true.
struct writer {
    char *data;
    size_t size, length;
    bool overflow;
};

static inline struct writer writer_make(void *data, size_t size)
{
    return (struct writer){.data = data, .size = size};
}

void write_text_long(struct writer *writer, struct text text);

// Most of what is written is short and goes by the byte here, without the cost of two calls.
static inline void write_text(struct writer *writer, struct text text)
{
    if (text.length > 8 || text.length > writer->size - writer->length) {
        write_text_long(writer, text);
        return;
    }
    if (writer->overflow) {
        return;
    }
    char *to = writer->data + writer->length;
    for (size_t i = 0; i < text.length; i++) {
        to[i] = text.data[i];
    }
    writer->length += text.length;
}

// A string literal.
#define write_string(writer, literal) write_text((writer), TEXT("" literal))
void write_number(struct writer *writer, uint64_t value);
void write_hex(struct writer *writer, uint64_t value);
void write_digits(struct writer *writer, uint64_t value, unsigned digits); // with leading zeros
void write_html(struct writer *writer, struct text text);                  // & < > " ' escaped
// Percent-encoded for a URI's path: all but unreserved characters and '/'.
void write_path(struct writer *writer, struct text text);
