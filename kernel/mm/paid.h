// SPDX-License-Identifier: MIT
// The kernel's objects, tables and records, at the expense of the process whose act makes them.
//
// A small one costs its share of the heap's page (heap_price), a large one its pages. So what a
// program can make the kernel hold is bounded by its job's limit of pages, whatever it is made of.
#pragma once

#include <mm/account.h>
#include <stddef.h>

// `size` bytes charged to the account (NULL: the kernel's own expense). NULL: *out_status is
// TS_ERR_LIMIT or TS_ERR_MEMORY, and nothing is charged. Contexts as heap_alloc().
void *paid_alloc(struct account *account, size_t size, ts_status_t *out_status);
void *paid_alloc_zeroed(struct account *account, size_t size, ts_status_t *out_status);

// `account` and `size` are what was given; `pointer` may be NULL. Contexts as heap_free().
void paid_free(struct account *account, void *pointer, size_t size);
