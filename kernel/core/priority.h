// SPDX-License-Identifier: MIT
// Priorities of threads and of requests: TS_PRIORITY_* are some, a larger one is more urgent, and 0
// is that of the idle threads. Sets of them are the bits of a word.
#pragma once

#include <stdint.h>
#include <tessera/abi/syscall.h>

#define PRIORITIES (TS_PRIORITY_MAX + 1)

// The most urgent one of a set that is not empty.
static inline uint8_t priority_highest(uint32_t set)
{
    return (uint8_t)(PRIORITIES - 1 - (unsigned)__builtin_clz(set));
}
