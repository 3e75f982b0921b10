// SPDX-License-Identifier: MIT
// See measure.h.
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/process.h>
#include <tessera/lib/status.h>

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t median(uint64_t *samples, uint32_t count)
{
    qsort(samples, count, sizeof *samples, compare);
    return samples[count / 2];
}

void measure_need(ts_status_t status, const char *what)
{
    if (status == TS_OK)
        return;
    printf("bench %s failed: %s\n", what, ts_status_name(status));
    exit(1);
}

static uint64_t run_once(const char *row, measure_run_t *prepare, measure_run_t *run, void *context)
{
    if (prepare != NULL)
        measure_need(prepare(context), row);
    uint64_t begin = ts_machine_counter();
    ts_status_t status = run == NULL ? TS_OK : run(context);
    uint64_t end = ts_machine_counter();
    measure_need(status, row);
    return end - begin;
}

// What two looks at the counter cost by themselves.
static uint64_t overhead(uint64_t *samples, uint32_t runs)
{
    for (uint32_t i = 0; i < runs; i++)
        samples[i] = run_once("overhead", NULL, NULL, NULL);
    return median(samples, runs);
}

static void statistics(struct ts_system_statistics *out)
{
    // Only who holds the root job is told; without it the counts are left out.
    *out = (struct ts_system_statistics){0};
    ts_handle_t job = ts_named_handle(MEASURE_SYSTEM);
    if (job != TS_HANDLE_NONE && ts_system_statistics(job, out) != TS_OK)
        *out = (struct ts_system_statistics){0};
}

void measure_runs(const char *row, uint32_t runs, uint32_t batch, measure_run_t *prepare,
                  measure_run_t *run, void *context)
{
    static uint64_t samples[MEASURE_RUNS];
    struct ts_system_statistics before, after;
    uint64_t cost = overhead(samples, runs);
    for (uint32_t i = 0; i < MEASURE_WARMUP && i < runs; i++)
        (void)run_once(row, prepare, run, context);
    statistics(&before);
    for (uint32_t i = 0; i < runs; i++)
        samples[i] = run_once(row, prepare, run, context);
    statistics(&after);
    uint64_t middle = median(samples, runs);
    uint64_t value = (middle > cost ? middle - cost : 0) * 10 / batch;
    printf("bench %s %llu.%llu", row, (unsigned long long)value / 10,
           (unsigned long long)value % 10);
    if (after.uptime_ns != 0)
        printf(" switches=%.2f copies=%.2f pages=%.2f",
               (double)(after.switches - before.switches) / runs / batch,
               (double)(after.copies - before.copies) / runs / batch,
               (double)(after.page_allocations - before.page_allocations) / runs / batch);
    printf("\n");
    fflush(stdout);
}

void measure(const char *row, uint32_t batch, measure_run_t *prepare, measure_run_t *run,
             void *context)
{
    measure_runs(row, MEASURE_RUNS, batch, prepare, run, context);
}
