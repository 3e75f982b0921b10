// SPDX-License-Identifier: MIT
// A buddy allocator over struct page. Pure: no lock, no access to the memory itself.
//
// A free block of 2^order frames, aligned to its size, is known by its first page (state FREE,
// order), which is in the list of its order. Pages inside of a block say nothing: they may never
// have been written.
#pragma once

#include <base/list.h>
#include <stdint.h>

struct page;

#define BUDDY_ORDERS 14u // largest block: 2^13 frames, 32 MiB

struct buddy {
    struct list free[BUDDY_ORDERS];
    uint32_t present; // bit per order whose list is not empty
    uint64_t free_count;
};

void buddy_init(struct buddy *buddy);

// Adds frames that were not known before.
void buddy_add(struct buddy *buddy, uint32_t frame, uint64_t count);

// A block of exactly 2^order frames, or NULL. Of the result only the first page's `frame` and
// `state` (USED) are set.
struct page *buddy_take(struct buddy *buddy, unsigned order);

// Gives a block back, merging it with its neighbours. It is the caller's whole; its pages after
// the first need not have been written.
void buddy_give(struct buddy *buddy, uint32_t frame, unsigned order);

// The same for any number of frames, as buddy_take gave them out or part of that.
void buddy_give_range(struct buddy *buddy, uint32_t frame, uint64_t count);

// Of the keeper of the array of pages: the page of a frame, or NULL when the frame is not RAM.
struct page *page_of_frame(uint32_t frame);
