// SPDX-License-Identifier: MIT
// printf's small relative, for programs below or without stdio.
#include <stdbool.h>
#include <string.h>
#include <tessera/lib/log.h>

struct sink {
    char *out;
    size_t capacity, length; // length may run beyond: what did not fit. The end takes a place too
};

static void put(struct sink *sink, char c)
{
    if (sink->length < sink->capacity) {
        sink->out[sink->length] = c;
    }
    sink->length++;
}

struct verb {
    bool zero, left;
    unsigned width;
    int precision; // -1: none
    unsigned longs;
};

static void put_padded(struct sink *sink, const struct verb *verb, const char *text, size_t length,
                       char pad)
{
    size_t padding = verb->width > length ? verb->width - length : 0;
    for (size_t i = 0; !verb->left && i < padding; i++) {
        put(sink, pad);
    }
    for (size_t i = 0; i < length; i++) {
        put(sink, text[i]);
    }
    for (size_t i = 0; verb->left && i < padding; i++) {
        put(sink, ' ');
    }
}

static void put_number(struct sink *sink, struct verb verb, uint64_t number, unsigned base,
                       bool negative)
{
    char digits[24];
    size_t at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    if (negative && verb.zero) {
        put(sink, '-');
        verb.width -= verb.width > 0;
    } else if (negative) {
        digits[--at] = '-';
    }
    put_padded(sink, &verb, digits + at, sizeof(digits) - at, verb.zero && !verb.left ? '0' : ' ');
}

static void put_text(struct sink *sink, const struct verb *verb, const char *text)
{
    size_t length = 0;
    if (text == NULL) {
        text = "(null)";
    }
    while ((verb->precision < 0 || length < (size_t)verb->precision) && text[length]) {
        length++;
    }
    put_padded(sink, verb, text, length, ' ');
}

static const char *parse_verb(const char *format, struct verb *verb, va_list *arguments)
{
    *verb = (struct verb){.precision = -1};
    for (; *format == '0' || *format == '-'; format++) {
        verb->zero |= *format == '0';
        verb->left |= *format == '-';
    }
    for (; *format >= '0' && *format <= '9'; format++) {
        verb->width = verb->width * 10 + (unsigned)(*format - '0');
    }
    if (format[0] == '.' && format[1] == '*') {
        verb->precision = va_arg(*arguments, int);
        format += 2;
    }
    for (; *format == 'l' || *format == 'z'; format++) {
        verb->longs++;
    }
    return format;
}

static void put_verb(struct sink *sink, struct verb verb, char letter, va_list *arguments)
{
    switch (letter) {
    case 'd': {
        int64_t number = verb.longs ? va_arg(*arguments, long long) : va_arg(*arguments, int);
        uint64_t magnitude = number < 0 ? -(uint64_t)number : (uint64_t)number;
        put_number(sink, verb, magnitude, 10, number < 0);
        break;
    }
    case 'u':
    case 'x': {
        uint64_t number =
            verb.longs ? va_arg(*arguments, unsigned long long) : va_arg(*arguments, unsigned);
        put_number(sink, verb, number, letter == 'x' ? 16 : 10, false);
        break;
    }
    case 'p': put_number(sink, verb, (uintptr_t)va_arg(*arguments, void *), 16, false); break;
    case 's': put_text(sink, &verb, va_arg(*arguments, const char *)); break;
    case 'c': put(sink, (char)va_arg(*arguments, int)); break;
    default: put(sink, letter); break; // %% and what is not known
    }
}

size_t ts_format_v(char *out, size_t capacity, const char *format, va_list arguments)
{
    struct sink sink = {out, capacity, 0};
    va_list list;
    va_copy(list, arguments);
    while (*format) {
        char c = *format++;
        if (c != '%') {
            put(&sink, c);
            continue;
        }
        struct verb verb;
        format = parse_verb(format, &verb, &list);
        if (*format) {
            put_verb(&sink, verb, *format++, &list);
        }
    }
    va_end(list);
    if (capacity == 0) {
        return 0;
    }
    size_t written = sink.length < capacity ? sink.length : capacity - 1;
    out[written] = '\0';
    return written;
}

size_t ts_format(char *out, size_t capacity, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t written = ts_format_v(out, capacity, format, arguments);
    va_end(arguments);
    return written;
}
