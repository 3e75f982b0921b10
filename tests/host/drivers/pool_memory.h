// SPDX-License-Identifier: MIT
// What pools stand on, for tests: memory that is counted, and a loop whose time the test sets.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <tessera/lib/loop.h>

extern size_t pool_mapped;       // bytes that are had from the system
extern unsigned pool_unmaps;     // how often some were given back
extern bool pool_exhausted;      // the job has no more pages
extern struct ts_loop pool_loop; // of pool_start

// So much later; timers that are due by then have fired, each at its time.
void pool_pass(ts_time_t time);
