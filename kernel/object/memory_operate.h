// SPDX-License-Identifier: MIT
// What the files of memory objects share among themselves.
#pragma once

#include <object/memory.h>

#define MEMORY_CHUNK 64u // pages removed per lock hold, at the most

// What the account of a memory is charged, if it has one. Any context.
TS_MUST_USE ts_status_t memory_charge(struct memory *memory, uint64_t pages);
void memory_uncharge(struct memory *memory, uint64_t pages);

TS_MUST_USE ts_status_t memory_operate(struct object *object, struct operation *operation);

// A part of a memory or of a view. TS_ERR_ARGUMENT (alignment, empty), TS_ERR_RANGE, TS_ERR_LIMIT,
// TS_ERR_MEMORY. The account pays for the object.
TS_MUST_USE ts_status_t memory_create_view(struct account *account, struct memory *memory,
                                           uint64_t offset, uint64_t length,
                                           struct memory **out_view);

// As memory_page_get, but a page that was never touched is not made: *out_page is NULL then.
TS_MUST_USE ts_status_t memory_page_peek(struct memory *memory, uint64_t offset,
                                         struct page **out_page);

// What was taken out of a memory, to be given back without its lock.
struct memory_removed {
    struct page *pages[MEMORY_CHUNK];
    uint32_t count;
    struct radix_node *nodes; // of the tree, linked by slots[0]
};

// Takes pages out from *inout_index on, in a bounded number of steps. True: it is to go on at
// *inout_index. Lock held, or the only user. What comes out is to be given to memory_removed_free.
bool memory_remove_some(struct memory *memory, uint64_t *inout_index,
                        struct memory_removed *out_removed);
void memory_removed_free(struct memory *memory, struct memory_removed *removed);
