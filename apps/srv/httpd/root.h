// SPDX-License-Identifier: MIT
// The served tree's root. It is opened when it is first needed, and again when the tree's server
// died, which makes the root and all that was opened through it dead: once for all that wait for
// it.
#pragma once

#include <tessera/lib/status.h>

struct root_waiter {
    struct root_waiter *next;
    void (*ready)(struct root_waiter *waiter, ts_status_t status);
};

// It will be at PATH of the handle "file".
void root_init(const char *path);

// TS_HANDLE_NONE: it was not opened yet.
ts_handle_t root_handle(void);

// Opens it (again); `ready` is called later, or before this returns when nothing can be begun.
void root_open(struct root_waiter *waiter);
