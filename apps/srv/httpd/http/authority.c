// SPDX-License-Identifier: MIT
#include "authority.h"

#define NAME_MAX_LENGTH 255u

// What a byte of a name is; others are 0. One table, since each request has a Host.
enum { LETTER = 1, DIGIT = 2, DOT = 4 };

static const uint8_t kinds[256] = {
    ['a' ... 'z'] = LETTER, ['A' ... 'Z'] = LETTER, ['0' ... '9'] = DIGIT, ['-'] = LETTER,
    ['_'] = LETTER,         ['~'] = LETTER,         ['.'] = DOT,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Four numbers up to 255, without leading zeros, which some read as octal.
static bool is_ipv4(struct text text)
{
    const char *at = text.data, *end = at + text.length;
    for (unsigned number = 0;; number++) {
        unsigned value = at < end ? (unsigned)*at++ - '0' : 10, digit;
        if (value > 9) {
            return false;
        }
        for (; at < end && (digit = (unsigned)*at - '0') <= 9; at++) {
            if (value == 0 || value > 25) {
                return false;
            }
            value = value * 10 + digit;
        }
        if (value > 255) {
            return false;
        }
        if (at == end || number == 3) {
            return at == end && number == 3;
        }
        if (*at++ != '.') {
            return false;
        }
    }
}

// Up to four hexadecimal digits off the front.
static bool take_group(struct text *text)
{
    size_t length = 0;
    while (length < text->length && length < 4 && is_hex(text->data[length])) {
        length++;
    }
    text->data += length;
    text->length -= length;
    return length > 0;
}

// Eight groups, of which "::" stands for one or more that are zero; the last two may be an IPv4
// address (RFC 4291 2.2). No zone: that is of the machine that wrote it.
static bool is_ipv6(struct text text)
{
    unsigned groups = 0;
    bool gap = false;
    if (text.length >= 2 && text.data[0] == ':' && text.data[1] == ':') {
        gap = true;
        text.data += 2;
        text.length -= 2;
    }
    while (text.length > 0) {
        if (is_ipv4(text)) {
            groups += 2;
            break;
        }
        if (!take_group(&text)) {
            return false;
        }
        groups++;
        if (text.length == 0) {
            break;
        }
        if (!text_take(&text, ':') || text.length == 0) {
            return false;
        }
        if (text.data[0] == ':') {
            if (gap) {
                return false;
            }
            gap = true;
            (void)text_take(&text, ':');
        }
    }
    return gap ? groups < 8 : groups == 8;
}

// Labels of letters, digits and - _ ~, none empty but for the root's after a final dot. The last
// one is no number: that would be an address that is not whole.
static bool is_name(struct text text)
{
    unsigned label = 0, last = 0; // kinds of bytes in this label and in the one before
    if (text.length == 0 || text.length > NAME_MAX_LENGTH) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        unsigned kind = kinds[(unsigned char)text.data[i]];
        if (kind == 0 || (kind == DOT && label == 0)) {
            return false;
        }
        if (kind == DOT) {
            last = label;
            label = 0;
        } else {
            label |= kind;
        }
    }
    return (label != 0 ? label : last) != DIGIT;
}

static size_t host_length(struct text text)
{
    size_t length = 0;
    if (text.data[0] != '[') {
        while (length < text.length && text.data[length] != ':') {
            length++;
        }
        return length;
    }
    while (length < text.length && text.data[length] != ']') {
        length++;
    }
    return length < text.length ? length + 1 : length;
}

bool authority_parse(struct text text, struct authority *out_authority)
{
    if (text.length == 0) {
        return false;
    }
    struct text host = {text.data, host_length(text)};
    struct text rest = {text.data + host.length, text.length - host.length};
    *out_authority = (struct authority){.host = host, .has_port = rest.length > 0};
    bool literal = host.length > 2 && host.data[0] == '[' && host.data[host.length - 1] == ']';
    if (literal ? !is_ipv6((struct text){host.data + 1, host.length - 2})
                : !is_ipv4(host) && !is_name(host)) {
        return false;
    }
    uint64_t port = 0;
    if (rest.length > 0 && !text_take(&rest, ':')) {
        return false;
    }
    if (rest.length > 0 && (!text_take_number(&rest, &port) || rest.length > 0 || port > 65535)) {
        return false;
    }
    out_authority->port = (uint16_t)port;
    return true;
}
