// SPDX-License-Identifier: MIT
// Memory objects and the calling process's address space (process.h: another's).
#pragma once

#include <tessera/abi/object.h>
#include <tessera/lib/op.h>

// Zero-filled on first touch. `size` is rounded up to pages; flags: TS_MEMORY_CONTIGUOUS, _PRIVATE.
// TS_ERR_LIMIT: over the job's limit; TS_ERR_MEMORY.
TS_MUST_USE ts_status_t ts_memory_create(uint64_t size, unsigned flags, ts_handle_t *out_memory);

// Maps [offset, offset + length), page-aligned. `address` NULL = the kernel chooses; else a wish,
// or with TS_MAP_FIXED an order (TS_ERR_EXISTS). flags: TS_MAP_*. The mapping keeps the pages,
// whatever becomes of the handle.
TS_MUST_USE ts_status_t ts_memory_map(ts_handle_t memory, void *address, size_t length,
                                      uint64_t offset, unsigned flags, void **out_address);
TS_MUST_USE ts_status_t ts_memory_unmap(void *address, size_t length);
TS_MUST_USE ts_status_t ts_memory_protect(void *address, size_t length, unsigned flags);

// Creates and maps read-write in one; *out_memory may be NULL when only the mapping is wanted.
TS_MUST_USE ts_status_t ts_memory_allocate(size_t size, unsigned flags, ts_handle_t *out_memory,
                                           void **out_address);

// The same with all its pages and page tables, which go with the mapping: it fails here, and no
// touch does later. TS_ERR_LIMIT, TS_ERR_MEMORY.
TS_MUST_USE ts_status_t ts_memory_allocate_now(size_t size, void **out_address);

// Allocates the pages of a range now, charged to the caller's job.
TS_MUST_USE ts_status_t ts_memory_commit(ts_handle_t memory, uint64_t offset, uint64_t length);

// A handle to that page-aligned part alone, with the rights of `memory`.
TS_MUST_USE ts_status_t ts_memory_view(ts_handle_t memory, uint64_t offset, uint64_t length,
                                       ts_handle_t *out_view);

#define TS_PAGE_ROUND(size) (((size) + TS_PAGE_SIZE - 1) & ~(uint64_t)(TS_PAGE_SIZE - 1))
