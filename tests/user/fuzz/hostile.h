// SPDX-License-Identifier: MIT
// The program that does what it likes. It runs in a job with limits, started by main.c.
#pragma once

#include <stdint.h>

// What it tells of itself, in memory that its parent reads. It may be wrong: the program is
// hostile, and this is mapped in it.
struct progress {
    uint64_t steps, calls, digest;
};
#define PROGRESS_NAME "progress"

int hostile_run(uint64_t seed, uint64_t steps);
