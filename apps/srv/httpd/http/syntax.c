// SPDX-License-Identifier: MIT
#include "syntax.h"

#include <string.h>

// The set of token bytes: digits, letters, and ! # $ % & ' * + - . ^ _ ` | ~
const uint32_t syntax_token_bits[8] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff, 0, 0, 0, 0};
// Digits, letters, and - . _ ~
const uint32_t syntax_unreserved_bits[8] = {0, 0x03ff6000, 0x87fffffe, 0x47fffffe, 0, 0, 0, 0};

bool syntax_token(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!syntax_is_token(text.data[i]))
            return false;
    }
    return text.length > 0;
}

// Whether one of eight bytes is below space, or DEL. (It may be a tab: those that follow are looked
// at one by one.)
static bool eight_to_look_at(const char *data)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t word;
    memcpy(&word, data, sizeof(word));
    uint64_t below = (word - ones * ' ') & ~word;
    uint64_t deleted = word ^ ones * 0x7f;
    return ((below | ((deleted - ones) & ~deleted)) & high) != 0;
}

size_t syntax_text_length(const char *data, size_t length)
{
    size_t at = 0;
    while (length - at >= 8 && !eight_to_look_at(data + at))
        at += 8;
    while (at < length && syntax_is_text(data[at]))
        at++;
    return at;
}
