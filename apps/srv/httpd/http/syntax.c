// SPDX-License-Identifier: MIT
#include "syntax.h"

#include <string.h>

// The set of token bytes: digits, letters, and ! # $ % & ' * + - . ^ _ ` | ~
const uint32_t syntax_token_bits[8] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff, 0, 0, 0, 0};
// Digits, letters, and - . _ ~
const uint32_t syntax_unreserved_bits[8] = {0, 0x03ff6000, 0x87fffffe, 0x47fffffe, 0, 0, 0, 0};
// Those, ! $ & ' ( ) * + , ; = and : @ / ? %
const uint32_t syntax_query_bits[8] = {0, 0xaffffff2, 0x87ffffff, 0x47fffffe, 0, 0, 0, 0};

bool syntax_token(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!syntax_is_token(text.data[i])) {
            return false;
        }
    }
    return text.length > 0;
}

// How many of eight bytes are before the first that is below space, or DEL. What a subtraction
// borrows makes only bytes behind that one look like it.
static size_t eight_text(const char *data)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t word;
    memcpy(&word, data, sizeof(word));
    uint64_t below = (word - ones * ' ') & ~word;
    uint64_t deleted = word ^ ones * 0x7f;
    uint64_t found = (below | ((deleted - ones) & ~deleted)) & high;
    return found != 0 ? (size_t)__builtin_ctzll(found) / 8 : 8;
}

size_t syntax_text_length(const char *data, size_t length)
{
    size_t at = 0;
    while (length - at >= 8) {
        size_t text = eight_text(data + at);
        at += text;
        if (text == 8) {
            continue;
        }
        if (data[at] != '\t') {
            return at;
        }
        at++;
    }
    while (at < length && syntax_is_text(data[at])) {
        at++;
    }
    return at;
}
