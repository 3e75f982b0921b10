// SPDX-License-Identifier: MIT
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <tessera/format/text.h>

struct output {
    char *at, *end; // end: the last byte, kept for the NUL
};

struct directive {
    bool left, zero, alternate;
    int width, precision; // precision -1: none
    unsigned longs;
};

static void put(struct output *out, char c)
{
    if (out->at < out->end) {
        *out->at++ = c;
    }
}

static void put_padded(struct output *out, const struct directive *d, const char *text,
                       size_t length)
{
    int pad = d->width - (int)length;
    for (; !d->left && pad > 0; pad--) {
        put(out, ' ');
    }
    for (size_t i = 0; i < length; i++) {
        put(out, text[i]);
    }
    for (; pad > 0; pad--) {
        put(out, ' ');
    }
}

static void put_number(struct output *out, const struct directive *d, uint64_t value, unsigned base,
                       const char *prefix, bool upper)
{
    char text[72];
    char *at = text + sizeof(text);
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    do {
        *--at = digits[value % base];
        value /= base;
    } while (value);
    size_t prefix_length = strlen(prefix);
    int zeros = d->zero && !d->left ? d->width - (int)prefix_length : 0;
    zeros = zeros > 64 ? 64 : zeros;
    while (text + sizeof(text) - at < zeros) {
        *--at = '0';
    }
    for (size_t i = prefix_length; i > 0; i--) {
        *--at = prefix[i - 1];
    }
    put_padded(out, d, at, (size_t)(text + sizeof(text) - at));
}

static void put_string(struct output *out, const struct directive *d, const char *text)
{
    text = text != NULL ? text : "(null)";
    size_t length = 0;
    while ((d->precision < 0 || length < (size_t)d->precision) && text[length]) {
        length++;
    }
    put_padded(out, d, text, length);
}

static int read_number(const char **format, va_list *arguments)
{
    if (**format == '*') {
        (*format)++;
        return va_arg(*arguments, int);
    }
    int value = 0;
    for (; **format >= '0' && **format <= '9' && value < 1000; (*format)++) {
        value = value * 10 + (**format - '0');
    }
    return value;
}

static struct directive read_directive(const char **format, va_list *arguments)
{
    struct directive d = {.precision = -1};
    for (;; (*format)++) {
        if (**format == '-') {
            d.left = true;
        } else if (**format == '0') {
            d.zero = true;
        } else if (**format == '#') {
            d.alternate = true;
        } else {
            break;
        }
    }
    d.width = read_number(format, arguments);
    if (**format == '.') {
        (*format)++;
        d.precision = read_number(format, arguments);
    }
    for (; **format == 'l' || **format == 'z'; (*format)++) {
        d.longs++;
    }
    return d;
}

static void convert(struct output *out, const struct directive *d, char conversion,
                    va_list *arguments)
{
    switch (conversion) {
    case 'd':
    case 'i': {
        int64_t value = d->longs ? va_arg(*arguments, long) : va_arg(*arguments, int);
        uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
        put_number(out, d, magnitude, 10, value < 0 ? "-" : "", false);
        break;
    }
    case 'u':
    case 'x':
    case 'X': {
        uint64_t value =
            d->longs ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned);
        put_number(out, d, value, conversion == 'u' ? 10 : 16, d->alternate ? "0x" : "",
                   conversion == 'X');
        break;
    }
    case 'p': put_number(out, d, (uint64_t)va_arg(*arguments, void *), 16, "0x", false); break;
    case 's': put_string(out, d, va_arg(*arguments, const char *)); break;
    case 'c': {
        char c = (char)va_arg(*arguments, int);
        put_padded(out, d, &c, 1);
        break;
    }
    default: put(out, conversion);
    }
}

size_t ts_format_v(char *out, size_t capacity, const char *format, va_list list)
{
    if (capacity == 0) {
        return 0;
    }
    struct output output = {out, out + capacity - 1};
    va_list arguments; // a copy of our own, since a parameter of this type has no usable address
    va_copy(arguments, list);
    while (*format) {
        char c = *format++;
        if (c != '%') {
            put(&output, c);
            continue;
        }
        struct directive d = read_directive(&format, &arguments);
        if (!*format) {
            break;
        }
        convert(&output, &d, *format++, &arguments);
    }
    va_end(arguments);
    *output.at = '\0';
    return (size_t)(output.at - out);
}

size_t ts_format(char *out, size_t capacity, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t length = ts_format_v(out, capacity, format, arguments);
    va_end(arguments);
    return length;
}
