// SPDX-License-Identifier: MIT
// What the debug kernel's heap writes around its objects, and finds changed.
//
// A slot is what a size class gives one object:
//
//   object, `asked` bytes | red bytes, at least 8 | struct heap_tail
//
// The red bytes begin right behind what was asked for, so that a write one byte too far is found,
// and the tail of the slot before is what a write one byte too low hits. A dead slot is poison up
// to its tail. Panics name the object, its class, the offset, and its allocator or freer.
//
// In the release kernel a slot is the object alone and everything here is nothing.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if TS_DEBUG

struct heap_tail {
    const void *by; // return address of its allocator, or freer
    uint16_t asked; // bytes; of the last object, when dead
    uint16_t state; // of the slot: heap_check.c
    uint32_t red;
};

#define HEAP_RED (8u + (uint32_t)sizeof(struct heap_tail))

// A slot of a new page: dead, freed by nobody.
void heap_slot_make(void *slot, uint32_t size);

// Dead to live, after a look at the poison (but for the free list's link in the first two bytes).
void heap_slot_begin(void *slot, uint32_t size, size_t asked, const void *by);

// Live to dead; looks at the red bytes, and for a slot that is dead already.
void heap_slot_end(void *slot, uint32_t size, size_t asked, const void *by);

// The tail, and a live slot's red bytes, are as they were left.
void heap_slot_check(const void *slot, uint32_t size);

// From this byte on a dead slot is poison still.
void heap_slot_check_poison(const void *slot, uint32_t size, uint32_t from);

// The end of the last page of a large object.
void heap_large_begin(void *object, size_t size);
void heap_large_end(const void *object, size_t size);

#else

#define HEAP_RED 0u

static inline void heap_slot_make(void *slot, uint32_t size)
{
    (void)slot, (void)size;
}

static inline void heap_slot_begin(void *slot, uint32_t size, size_t asked, const void *by)
{
    (void)slot, (void)size, (void)asked, (void)by;
}

static inline void heap_large_begin(void *object, size_t size)
{
    (void)object, (void)size;
}

static inline void heap_large_end(const void *object, size_t size)
{
    (void)object, (void)size;
}

#endif
