// SPDX-License-Identifier: MIT
// The served tree's root. When the tree's server dies, the root and all that was opened through it
// are dead; the server's next instance is opened once for all who find that out.
#pragma once

#include <tessera/lib/status.h>

struct root_waiter {
    struct root_waiter *next;
    void (*ready)(struct root_waiter *waiter, ts_status_t status);
};

// Opens httpd.root at PATH of the handle "file". Blocks until its server is there.
TS_MUST_USE ts_status_t root_open(const char *path);

// Opens it anew; `ready` is called later, or before this returns when nothing can be begun.
void root_again(struct root_waiter *waiter);
