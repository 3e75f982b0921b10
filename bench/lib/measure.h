// SPDX-License-Identifier: MIT
// Measuring a row of the budget: the median of many runs, less what measuring costs, in units of
// the machine's counter (guest instructions where the emulator counts them), and the kernel's own
// counts beside it.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <tessera/lib/op.h>

#define MEASURE_RUNS   1001u
#define MEASURE_WARMUP 100u

// The named handle that the kernel's counts are read from: the job of the whole system.
#define MEASURE_SYSTEM "system"

// Remembers main's arguments: the rows that are wanted; without any, all are.
void measure_begin(int argc, char **argv);
bool measure_wanted(const char *row);

// One run of `batch` operations; not TS_OK ends the benchmark with a message.
typedef ts_status_t measure_run_t(void *context);

// If the row is wanted, prints "bench ROW VALUE switches=… copies=… pages=…": VALUE is the median
// of MEASURE_RUNS runs divided by `batch`; the counts are the mean of all runs, what measuring them
// costs included. `prepare` runs before each run and is not measured; it may be NULL. A failure
// ends as in measure_need().
void measure(const char *row, uint32_t batch, measure_run_t *prepare, measure_run_t *run,
             void *context);

// Unless status is TS_OK, prints "bench WHAT failed: STATUS" and ends the program with status 1.
void measure_need(ts_status_t status, const char *what);
