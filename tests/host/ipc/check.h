// SPDX-License-Identifier: MIT
// The smallest test harness: CHECK ends the program with where and what.
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)

#define CHECK_EQUAL(a, b)                                                                   \
    do {                                                                                    \
        long long left_ = (long long)(a), right_ = (long long)(b);                          \
        if (left_ != right_) {                                                              \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #a, left_, \
                    right_);                                                                \
            exit(1);                                                                        \
        }                                                                                   \
    } while (0)

// A repeatable random sequence: xorshift64*.
static inline unsigned long long check_random(unsigned long long *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}
