// SPDX-License-Identifier: MIT
// Memories as objects: making and ending mm's struct memory, and what programs ask of it.
#pragma once

#include <mm/memory.h>

struct device;

extern const struct object_class memory_class;

static inline struct memory *memory_of(struct object *object)
{
    return list_entry(object, struct memory, object);
}

// For the system call create: `bytes` is rounded up to pages; flags: TS_MEMORY_CONTIGUOUS,
// TS_MEMORY_PRIVATE. One reference, no handle. TS_ERR_ARGUMENT (0, unknown flag), TS_ERR_TOO_LARGE,
// TS_ERR_LIMIT, TS_ERR_MEMORY. Preemptible.
TS_MUST_USE ts_status_t memory_create(struct account *account, uint64_t bytes, unsigned flags,
                                      struct memory **out_memory);

// Device memory. The range has been checked (resource.c). The account pays for the object. It has
// a use of `device` of its own, if that is not NULL, as long as somebody maps or has the memory.
TS_MUST_USE ts_status_t memory_create_physical(struct account *account, paddr_t base,
                                               uint64_t bytes, enum arch_cache cache,
                                               struct device *device, struct memory **out_memory);

// RAM that the loader filled; base is page-aligned, bytes are rounded up.
TS_MUST_USE ts_status_t memory_create_boot(paddr_t base, uint64_t bytes,
                                           struct memory **out_memory);

// Zeroed anonymous or contiguous memory with all its pages, mapped by the kernel: rings, the clock
// page. The mapping's reference is the only one. `account` may be NULL. Interrupts on.
TS_MUST_USE ts_status_t memory_create_kernel(struct account *account, uint64_t bytes,
                                             struct kernel_mapping *out_mapping);

// A part of a memory or of a view. TS_ERR_ARGUMENT (alignment, empty), TS_ERR_RANGE, TS_ERR_LIMIT,
// TS_ERR_MEMORY. The account pays for the object.
TS_MUST_USE ts_status_t memory_create_view(struct account *account, struct memory *memory,
                                           uint64_t offset, uint64_t length,
                                           struct memory **out_view);
