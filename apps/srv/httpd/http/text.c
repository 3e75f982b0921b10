// SPDX-License-Identifier: MIT
#include "text.h"

#include <string.h>

#include "syntax.h"

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool text_equal(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

bool text_equal_fold(struct text a, struct text b)
{
    if (a.length != b.length) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        if (fold(a.data[i]) != fold(b.data[i])) {
            return false;
        }
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct text text_trim(struct text text)
{
    while (text.length > 0 && is_blank(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && is_blank(text.data[text.length - 1])) {
        text.length--;
    }
    return text;
}

// Length of the list element at the front: up to a comma outside quotes.
static size_t element_length(struct text list)
{
    bool quoted = false;
    for (size_t i = 0; i < list.length; i++) {
        char c = list.data[i];
        if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            return i;
        }
    }
    return list.length;
}

bool text_list_next(struct text *rest, struct text *out_element)
{
    while (rest->length > 0) {
        size_t length = element_length(*rest);
        struct text element = text_trim((struct text){rest->data, length});
        size_t taken = length < rest->length ? length + 1 : length;
        rest->data += taken;
        rest->length -= taken;
        if (element.length > 0) {
            *out_element = element;
            return true;
        }
    }
    return false;
}

bool text_list_has(struct text list, struct text token)
{
    struct text element;
    while (text_list_next(&list, &element)) {
        if (text_equal_fold(element, token)) {
            return true;
        }
    }
    return false;
}

bool text_take_number(struct text *text, uint64_t *out_value)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < text->length && text->data[i] >= '0' && text->data[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(text->data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (i == 0) {
        return false;
    }
    text->data += i;
    text->length -= i;
    *out_value = value;
    return true;
}

bool text_take(struct text *text, char expected)
{
    if (text->length == 0 || text->data[0] != expected) {
        return false;
    }
    text->data++;
    text->length--;
    return true;
}

void write_text_long(struct writer *writer, struct text text)
{
    if (writer->overflow || text.length > writer->size - writer->length) {
        writer->overflow = true;
        return;
    }
    if (text.length > 0) {
        memcpy(writer->data + writer->length, text.data, text.length);
    }
    writer->length += text.length;
}

static void write_base(struct writer *writer, uint64_t value, unsigned base, unsigned least)
{
    char digits[20];
    size_t at = sizeof(digits);
    while (value != 0 || sizeof(digits) - at < least) {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    }
    write_text(writer, (struct text){digits + at, sizeof(digits) - at});
}

void write_number(struct writer *writer, uint64_t value)
{
    write_base(writer, value, 10, 1);
}

void write_hex(struct writer *writer, uint64_t value)
{
    write_base(writer, value, 16, 1);
}

void write_digits(struct writer *writer, uint64_t value, unsigned digits)
{
    write_base(writer, value, 10, digits < 20 ? digits : 20);
}

void write_html(struct writer *writer, struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        switch (text.data[i]) {
        case '&': write_text(writer, TEXT("&amp;")); break;
        case '<': write_text(writer, TEXT("&lt;")); break;
        case '>': write_text(writer, TEXT("&gt;")); break;
        case '"': write_text(writer, TEXT("&quot;")); break;
        case '\'': write_text(writer, TEXT("&#39;")); break;
        default: write_text(writer, (struct text){text.data + i, 1}); break;
        }
    }
}

void write_path(struct writer *writer, struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '/' || syntax_is_unreserved((char)c)) {
            write_text(writer, (struct text){text.data + i, 1});
        } else {
            char coded[3] = {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
            write_text(writer, (struct text){coded, 3});
        }
    }
}
