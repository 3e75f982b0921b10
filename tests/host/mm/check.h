// SPDX-License-Identifier: MIT
// A check that holds in every build, and repeatable random numbers.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static inline uint64_t random_next(void) // xorshift64*
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint64_t random_below(uint64_t limit)
{
    return random_next() % limit;
}
