// SPDX-License-Identifier: MIT
// Which bytes HTTP allows where (RFC 9110 5.5 and 5.6.2).
#pragma once

#include "text.h"

extern const uint32_t syntax_token_bits[8], syntax_unreserved_bits[8], syntax_query_bits[8];

// A byte of a token: of a method's or a field's name.
static inline bool syntax_is_token(char c)
{
    unsigned char byte = (unsigned char)c;
    return (syntax_token_bits[byte / 32] >> byte % 32 & 1) != 0;
}

// A byte that means itself in every part of a URI (RFC 3986 2.3).
static inline bool syntax_is_unreserved(char c)
{
    unsigned char byte = (unsigned char)c;
    return (syntax_unreserved_bits[byte / 32] >> byte % 32 & 1) != 0;
}

// A byte that a URI's query can have, with the % of what is encoded (RFC 3986 3.4).
static inline bool syntax_is_query(char c)
{
    unsigned char byte = (unsigned char)c;
    return (syntax_query_bits[byte / 32] >> byte % 32 & 1) != 0;
}

// A byte that is text: not a control character, but for the tab.
static inline bool syntax_is_text(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

bool syntax_token(struct text text); // not empty

// How many bytes at the front are text, tabs included.
size_t syntax_text_length(const char *data, size_t length);
