// SPDX-License-Identifier: MIT
// Events: a signal word and a 64-bit count. signal adds to the count and sets READABLE; wait takes
// the whole count and clears it, and of several waiters one wins. Both are core/object.h's.
#pragma once

#include <core/object.h>

extern const struct object_class event_class;

// With one reference and no handle. TS_ERR_LIMIT, TS_ERR_MEMORY.
TS_MUST_USE ts_status_t event_create(struct account *account, uint64_t count,
                                     struct object **out_event);
