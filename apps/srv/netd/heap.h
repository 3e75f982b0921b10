// SPDX-License-Identifier: MIT
// netd's small memory: size classes with a free list each, taken from memory objects and never
// given back to the system, so that allocation is a few instructions and the sum is bounded. The
// peak of the load is what it keeps.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define HEAP_LIMIT (40u << 20) // bytes, all classes together

// NULL: the limit is reached or the job's is. Aligned to 16.
void *heap_allocate(size_t size);
void *heap_allocate_zeroed(size_t count, size_t size);
void heap_free(void *memory); // NULL is ignored

size_t heap_used(void);               // bytes handed out
size_t heap_size(const void *memory); // of them, what this piece takes
bool heap_was_short(void); // since the last call something was refused for want of memory
