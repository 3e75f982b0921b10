// SPDX-License-Identifier: MIT
// The other process of a benchmark between two: the program itself, started again with handles
// that tell it so.
#pragma once

#include <tessera/lib/spawn.h>

// Starts bench/NAME with main's arguments, the `count` handles (given away or copied, as they say;
// at most PAIR_HANDLES) and this process's standard streams, clock and MEASURE_SYSTEM. A failure
// ends as in measure_need().
#define PAIR_HANDLES 8u

ts_handle_t pair_start(const char *name, char **argv, const struct ts_spawn_handle *handles,
                       uint32_t count);

// Waits for its end; the status for this process to end with: 0, or 1 if it did not end well.
int pair_end(ts_handle_t child);
