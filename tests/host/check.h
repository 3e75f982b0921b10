// SPDX-License-Identifier: MIT
// What native tests share: checks that end the program with where and what, in every build, and
// random numbers that are the same each time (xorshift64*).
#pragma once

#include <stdint.h>
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

static inline uint64_t check_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

// The same without a state of one's own.
static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static inline uint64_t random_next(void)
{
    return check_random(&random_state);
}

static inline uint64_t random_below(uint64_t limit)
{
    return random_next() % limit;
}
