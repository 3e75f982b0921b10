// SPDX-License-Identifier: MIT
// The four accesses to indices shared between two sides, named for what they do. Each use says at
// its place which access of the other side it pairs with.
#pragma once

#include <stdatomic.h>
#include <tessera/abi/types.h>

// Reads an index of the other side; what that side wrote before storing it is visible afterwards.
static inline uint32_t ts_load_acquire(const uint32_t *index)
{
    return atomic_load_explicit(TS_ATOMIC(index), memory_order_acquire);
}

// Publishes an own index; all that was written before is visible to the side that acquires it.
static inline void ts_store_release(uint32_t *index, uint32_t value)
{
    atomic_store_explicit(TS_ATOMIC(index), value, memory_order_release);
}

// An own index, or one whose value is only a hint.
static inline uint32_t ts_load_relaxed(const uint32_t *index)
{
    return atomic_load_explicit(TS_ATOMIC(index), memory_order_relaxed);
}
