// SPDX-License-Identifier: MIT
// The kernel's log as an object: read with a byte cursor as offset, write appends a line.
//
// A line may be logged in any context, under any lock, so it only leaves a mark; READABLE is
// signalled at the next point where nothing is held (sched/deferred.h).
#pragma once

#include <core/object.h>

// The one log object (made by log_object_init); a reference for a new handle.
struct object *log_object_get(void);
void log_object_init(void);
