// SPDX-License-Identifier: MIT
// System resources: ranges from which init, and those to which it gives parts, make objects.
#pragma once

#include <core/object.h>
#include <tessera/abi/object.h>

// For init: the whole of a kind. One reference, no handle. TS_ERR_MEMORY.
// At the kernel's own expense.
TS_MUST_USE ts_status_t resource_create(enum ts_resource_kind kind, struct object **out_resource);
