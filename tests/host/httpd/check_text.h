// SPDX-License-Identifier: MIT
// A check of slices of text.
#pragma once

#include <string.h>

#include "tests/host/check.h"
#include "text.h"

#define CHECK_TEXT(shown, expected)                                                \
    do {                                                                           \
        struct text checked_ = (shown);                                            \
        if (checked_.length != strlen(expected) ||                                 \
            memcmp(checked_.data, expected, checked_.length) != 0) {               \
            fprintf(stderr, "%s:%d: \"%.*s\" is not \"%s\"\n", __FILE__, __LINE__, \
                    (int)checked_.length, checked_.data, expected);                \
            exit(1);                                                               \
        }                                                                          \
    } while (0)

static inline struct text text_of(const char *string)
{
    return (struct text){string, strlen(string)};
}
