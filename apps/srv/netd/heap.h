// SPDX-License-Identifier: MIT
// netd's small memory: a pool for each class of sizes (drivers/service/pool.h), so that allocation
// is a few instructions, the sum is bounded, and what a peak took is given back.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define HEAP_LIMIT (40u << 20) // bytes, all classes together

struct ts_loop;

// Before the first piece. On this loop, what is empty is given back.
void heap_start(struct ts_loop *loop);

// NULL: the limit is reached or the job's is. Aligned to 16.
void *heap_allocate(size_t size);
void *heap_allocate_zeroed(size_t count, size_t size);
void heap_free(void *memory); // NULL is ignored

size_t heap_used(void);               // bytes handed out
size_t heap_size(const void *memory); // of them, what this piece takes
bool heap_was_short(void); // since the last call something was refused for want of memory
