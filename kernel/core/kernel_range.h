// SPDX-License-Identifier: MIT
// Where the kernel sees memory that programs see too: a ring's, a port's inbox.
//
// A write there goes by what was mapped, never by what the memory's size is said to be: the
// debug kernel checks each write. The range is empty before it is mapped and after it is unmapped.
#pragma once

#include <panic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory;

struct kernel_range {
    void *pointer;
    uint64_t bytes;
};

// What the kernel sees of a memory, by memory_kernel_map(). Nothing else is to be believed of where
// the memory is and how large.
struct kernel_mapping {
    struct memory *memory; // or view; a reference. NULL: nothing is mapped
    struct kernel_range range;
};

static inline bool kernel_range_holds(const struct kernel_range *range, const void *at,
                                      uint64_t length)
{
    uint64_t offset = (uint64_t)((uintptr_t)at - (uintptr_t)range->pointer);
    return offset <= range->bytes && length <= range->bytes - offset;
}

// The address of [offset, offset + length), which the caller knows to be inside.
static inline void *kernel_range_at(const struct kernel_range *range, uint64_t offset,
                                    uint64_t length)
{
    KASSERT(offset <= range->bytes && length <= range->bytes - offset);
    return (char *)range->pointer + offset;
}
