// SPDX-License-Identifier: MIT
// The kernel's log as an object: read with a byte cursor as offset, write appends a line.
//
// A line may be logged in any context, under any lock, so it only leaves a mark; READABLE is
// signalled at the next point where nothing is held: kernel_exit_work(), kernel_preempt() and the
// idle loop call log_object_poll().
#pragma once

#include <core/object.h>

extern const struct object_class log_class;

// The one log object (made by log_object_init); a reference for a new handle.
struct object *log_object_get(void);
void log_object_init(void);

// Interrupts off, no lock held. Cheap when nothing was logged.
extern _Atomic bool log_object_news;
void log_object_signal(void);
static inline void log_object_poll(void)
{
    if (atomic_load_explicit(&log_object_news, memory_order_relaxed)) {
        log_object_signal();
    }
}
