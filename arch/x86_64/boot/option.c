// SPDX-License-Identifier: MIT
// The command line: words separated by blanks, `name` or `name=value`.
#include "boot.h"

#include <string.h>

// Moves *at behind the next word and returns its start; NULL at the end.
static const char *word_next(const char **at)
{
    while (**at == ' ') {
        (*at)++;
    }
    const char *word = *at;
    while (**at && **at != ' ') {
        (*at)++;
    }
    return *at > word ? word : NULL;
}

bool boot_option(const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    const char *at = boot_info.command_line, *word;
    while (((word = word_next(&at)) != NULL)) {
        size_t word_length = (size_t)(at - word);
        if (word_length < length || strncmp(word, name, length) != 0 ||
            (word_length > length && word[length] != '=')) {
            continue;
        }
        size_t i = 0;
        for (word += length + 1; word < at && i + 1 < size; word++) {
            out[i++] = *word;
        }
        if (size) {
            out[i] = '\0';
        }
        return true;
    }
    return false;
}

bool boot_option_word(const char *wanted)
{
    size_t length = strlen(wanted);
    const char *at = boot_info.command_line, *word;
    while (((word = word_next(&at)) != NULL)) {
        if ((size_t)(at - word) == length && !strncmp(word, wanted, length)) {
            return true;
        }
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
