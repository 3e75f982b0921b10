// SPDX-License-Identifier: MIT
// A new object's first handle.
#pragma once

#include <core/handle_table.h>

// Puts a new object, whose reference it takes over, into a table with all rights of its kind. On
// failure the object is dropped.
static inline TS_MUST_USE ts_status_t handle_install_new(struct handle_table *table,
                                                         struct object *object,
                                                         ts_handle_t *out_handle)
{
    struct handle held = object_handle_get(object, object->class->rights);
    ts_status_t status = handle_install(table, held, out_handle);
    if (status != TS_OK) {
        object_handle_put(held);
    }
    object_put(object);
    return status;
}
