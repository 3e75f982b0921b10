// SPDX-License-Identifier: MIT
// The four accesses to indices shared between two sides, named for what they do. Each use says at
// its place which access of the other side it pairs with.
#pragma once

#include <stdint.h>

// Reads an index of the other side; what that side wrote before storing it is visible afterwards.
static inline uint32_t ts_load_acquire(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

// Publishes an own index; all that was written before is visible to who acquires it.
static inline void ts_store_release(uint32_t *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

// An own index, or one whose value is only a hint.
static inline uint32_t ts_load_relaxed(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_RELAXED);
}

// Orders a store before a later load ("I will sleep" before "is there work"): the one reordering
// that x86 does. The other side has the same fence between its store of work and its load of the
// sleeping flag.
static inline void ts_fence_full(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
