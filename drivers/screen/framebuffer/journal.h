// SPDX-License-Identifier: MIT
// The system's log on the screen, and taking the screen from the kernel once what boots has booted.
#pragma once

#include "screen.h"

struct journal {
    struct screen *screen;
    ts_handle_t log;
    struct ts_timer look;
    ts_time_t latest;      // the screen is taken then at the latest
    uint64_t size;         // of the log, when it was looked at last
    struct ts_async async; // a read of it, or the wait for more
    bool waits;            // it is the wait
    bool failed;           // the screen could not be taken: each line that says so would ask again
    uint64_t cursor;       // what has been read
    char bytes[4096];
};

// `log`: with READ, WAIT, CALL and MANAGE.
void journal_start(struct journal *journal, struct screen *screen, ts_handle_t log);
