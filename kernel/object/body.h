// SPDX-License-Identifier: MIT
// The memory of a kernel object: a structure that begins with its struct object, at the expense of
// an account to which the object keeps a reference.
#pragma once

#include <core/object.h>
#include <mm/paid.h>

// A zeroed body with one reference and no handle. `payer` may be NULL: the kernel's own expense.
// NULL: *out_status is TS_ERR_LIMIT or TS_ERR_MEMORY. Any context if `size` is small for the heap.
void *body_create(struct account *payer, size_t size, const struct object_class *class,
                  ts_status_t *out_status);

// The same with so many bytes more behind it, which are not zeroed.
void *body_create_with(struct account *payer, size_t size, size_t more,
                       const struct object_class *class, ts_status_t *out_status);

// Gives the body back, of the whole size: in the class's destroy, or before anybody else knew it.
void body_destroy(struct object *object, size_t size);
