// SPDX-License-Identifier: MIT
// Waiting for one of several objects: what select, poll and waitpid are made of.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <tessera/lib/status.h>

struct waitable {
    ts_handle_t handle; // TS_HANDLE_NONE: not looked at
    ts_signals_t mask;
    ts_signals_t ready; // out: those of the mask that are set
    bool waiting;       // wait_any's own
};

// Until at least one has a signal of its mask, or the deadline has passed (TS_ERR_TIMED_OUT; in the
// past: asks once, without waiting). An object that cannot be asked has `ready` = TS_SIGNAL_ERROR.
// The kernel alone is asked; what a server does makes no difference. Any thread may call.
TS_MUST_USE ts_status_t wait_any(struct waitable *items, size_t count, ts_time_t deadline);

// Frees what the calling thread's waits have cached.
void wait_thread_end(void);
