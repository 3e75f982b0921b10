// SPDX-License-Identifier: MIT
// A part of the machine's I/O space that has one owner: every access is checked against the range.
#pragma once

#include <core/object.h>

extern const struct object_class io_range_class;

// Addresses [base, base + count). One reference. TS_ERR_LIMIT, TS_ERR_MEMORY.
// `device`: whose it is, of which the object has a use; NULL: no device's.
struct device;
TS_MUST_USE ts_status_t io_range_create(struct account *account, uint32_t base, uint32_t count,
                                        struct device *device, struct object **out_range);
