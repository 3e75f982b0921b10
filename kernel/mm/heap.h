// SPDX-License-Identifier: MIT
// Memory for the kernel's own objects.
//
// Up to 2 KiB: pages of objects of one size class. More: adjacent pages; if there are none, or for
// more than 64 KiB, single pages mapped in the kernel window. Objects are aligned to 16 bytes,
// those larger than 96 bytes to 64, larger than 2 KiB to a page.
//
// The debug kernel has red bytes behind each object and holds freed ones back for a while, full of
// poison (heap_check.h): it panics when it finds either changed.
#pragma once

#include <tessera/abi/types.h>
#include <mm/range_tree.h>
#include <stddef.h>

#define HEAP_SMALL_MAX 2048u
#define HEAP_UNIT      16u
#define HEAP_LARGE_MAX ((size_t)1 << 30)

// Not zeroed; NULL when there is no memory (or `size` exceeds HEAP_LARGE_MAX). Not charged to
// anyone: what a program can make the kernel hold comes from paid.h. Any context for sizes up to
// HEAP_SMALL_MAX; larger ones: no lock held that the page tables of the kernel need (none of
// kernel/core, kernel/object is).
void *heap_alloc(size_t size) __attribute__((malloc));
void *heap_alloc_zeroed(size_t size) __attribute__((malloc));

// `size` is what was asked for; `pointer` may be NULL. Larger than 64 KiB: interrupts on, since
// other CPUs have to forget the mapping.
void heap_free(void *pointer, size_t size);

// Bytes that heap_alloc(size) costs: a share of a page for small objects; else whole pages, and the
// record of a piece of the kernel window if there may have to be one.
extern uint16_t heap_prices[HEAP_SMALL_MAX / HEAP_UNIT + 1]; // by size in units, rounded up
static inline uint64_t heap_price_small(size_t size)
{
    return heap_prices[(size + HEAP_UNIT - 1) / HEAP_UNIT];
}
static inline uint64_t heap_price(size_t size)
{
    if (size <= HEAP_SMALL_MAX) {
        return heap_price_small(size);
    }
    return ((size + TS_PAGE_SIZE - 1) & ~(uint64_t)(TS_PAGE_SIZE - 1)) +
           (size > TS_PAGE_SIZE ? heap_price_small(sizeof(struct range)) : 0);
}

// Pages that the heap has now, for objects and not yet for any.
uint64_t heap_pages(void);

// After page_init().
void heap_init(void);

#if TS_DEBUG
// Looks at every small object; panics when one was overrun. Freeing looks at those beside the
// object and at some others, so that all have their turn.
void heap_check(void);
#endif
