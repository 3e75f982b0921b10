// SPDX-License-Identifier: MIT
// The command line: words separated by blanks, `name` or `name=value`.
#include "boot.h"

#include <string.h>

bool boot_option(const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    const char *at = boot_info.command_line;
    while (*at) {
        while (*at == ' ') {
            at++;
        }
        const char *end = at;
        while (*end && *end != ' ') {
            end++;
        }
        if ((size_t)(end - at) >= length && !strncmp(at, name, length) &&
            (at + length == end || at[length] == '=')) {
            size_t i = 0;
            for (at += length + (at + length != end); at < end && i + 1 < size; at++) {
                out[i++] = *at;
            }
            if (size) {
                out[i] = '\0';
            }
            return true;
        }
        at = end;
    }
    return false;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

uint64_t boot_option_number(const char *name, uint64_t fallback)
{
    char text[24];
    if (!boot_option(name, text, sizeof(text)) || !text[0]) {
        return fallback;
    }
    bool hexadecimal = text[0] == '0' && text[1] == 'x';
    int base = hexadecimal ? 16 : 10;
    uint64_t value = 0;
    for (const char *at = text + (hexadecimal ? 2 : 0); *at; at++) {
        if (digit(*at) >= base || value > (UINT64_MAX - 15) / 16) {
            return fallback;
        }
        value = value * (unsigned)base + (unsigned)digit(*at);
    }
    return value;
}
