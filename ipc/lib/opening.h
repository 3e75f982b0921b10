// SPDX-License-Identifier: MIT
// An open by a program that waits for nothing but its loop: what ts_open is for others. It goes on
// where it is redirected, and starts again when a server on the way has ended, which a service does
// that is started again.
#pragma once

#include <stddef.h>
#include <tessera/abi/types.h>
#include <tessera/lib/loop.h>
#include <tessera/lib/status.h>

// Zero-initialise; set what is above the line before it is begun. The storage must stay until
// `done`.
struct ts_opening {
    struct ts_loop *loop;
    ts_handle_t root; // stays the caller's
    const char *path; // `length` bytes, which stay as well
    uint32_t length;
    unsigned flags;     // TS_OPEN_*
    ts_rights_t rights; // OPEN is asked with them, since going on takes it
    ts_time_t deadline;
    // On success the handle is the callee's. It may be begun again there.
    void (*done)(struct ts_opening *opening, ts_status_t status, ts_handle_t handle);
    // ---
    struct ts_async async;
    ts_handle_t at; // where a redirect leads; 0: the root
    uint32_t consumed, steps;
};

// `done` comes later, or before this returns when the ring is full (TS_ERR_AGAIN).
void ts_opening_begin(struct ts_opening *opening);

static inline bool ts_opening_busy(const struct ts_opening *opening)
{
    return opening->async.busy;
}
