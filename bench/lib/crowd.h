// SPDX-License-Identifier: MIT
// Very many of everything that waits, for the row of longest sections.
#pragma once

#include <tessera/abi/types.h>

// Fills the process with threads, handles, processes, waits, timers and requests to a port of its
// own that it does not answer; some end by themselves, the others with the process. A failure ends
// as in measure_need().
void crowd(void);
