// SPDX-License-Identifier: MIT
// Ports as objects: core's struct port with its tables and inbox, and what its holder does with it.
//
// References: one for each handle, one for each object slot in use (clients' handles keep the
// tables readable), one by the teardown. A port counts as a user of its process until its teardown
// is over; its tables and their charge stay until the last client has closed.
#pragma once

#include <core/port.h>
#include <object/memory.h>
#include <object/reaper.h>

extern const struct object_class port_class;

static inline struct port *port_of(struct object *object)
{
    return list_entry(object, struct port, object);
}

// `inbox` (NULL with inbox_size 0) holds requests * inbox_size bytes. One reference, no handle.
// TS_ERR_ARGUMENT: sizes; TS_ERR_RANGE: the inbox is too small; TS_ERR_BUSY: its size is changing;
// TS_ERR_LIMIT, TS_ERR_MEMORY.
TS_MUST_USE ts_status_t port_create(struct process *process, uint64_t requests, uint64_t objects,
                                    struct memory *inbox, uint64_t inbox_size,
                                    struct port **out_port);
