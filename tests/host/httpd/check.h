// SPDX-License-Identifier: MIT
// Checks of the HTTP tests: a failure is counted and shown, and the program's status tells.
#pragma once

#include <stdio.h>
#include <string.h>

#include "text.h"

static unsigned check_failures, check_count;

#define CHECK(condition)                                                    \
    do {                                                                    \
        check_count++;                                                      \
        if (!(condition)) {                                                 \
            check_failures++;                                               \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
        }                                                                   \
    } while (0)

#define CHECK_TEXT(shown, expected)                                                \
    do {                                                                           \
        struct text checked_ = (shown);                                            \
        check_count++;                                                             \
        if (checked_.length != strlen(expected) ||                                 \
            memcmp(checked_.data, expected, checked_.length) != 0) {               \
            check_failures++;                                                      \
            fprintf(stderr, "%s:%d: \"%.*s\" is not \"%s\"\n", __FILE__, __LINE__, \
                    (int)checked_.length, checked_.data, expected);                \
        }                                                                          \
    } while (0)

static inline struct text text_of(const char *string)
{
    return (struct text){string, strlen(string)};
}

static inline int check_result(void)
{
    printf("%u checks, %u failed\n", check_count, check_failures);
    return check_failures != 0 || check_count == 0;
}
