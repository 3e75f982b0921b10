// SPDX-License-Identifier: MIT
// What the files of memory objects share among themselves.
#pragma once

#include <object/memory.h>

#define MEMORY_CHUNK 64u // pages removed per lock hold

ts_status_t memory_operate(struct object *object, struct operation *operation);

// A part of a memory or of a view. TS_ERR_ARGUMENT (alignment, empty), TS_ERR_RANGE, TS_ERR_LIMIT,
// TS_ERR_MEMORY. The account pays for the object.
ts_status_t memory_create_view(struct account *account, struct memory *memory, uint64_t offset,
                               uint64_t length, struct memory **out_view);

// As memory_page_get, but a page that was never touched is not made: *out_page is NULL then.
ts_status_t memory_page_peek(struct memory *memory, uint64_t offset, struct page **out_page);

// Takes at most `most` pages out, from *inout_index on; the caller owns their references. Returns
// how many. Lock held, or the only user.
uint32_t memory_remove_locked(struct memory *memory, uint64_t *inout_index, uint32_t most,
                              struct page **out_pages);
