// SPDX-License-Identifier: MIT
// See measure.h.
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/process.h>
#include <tessera/lib/status.h>

static int argument_count;
static char **arguments;

void measure_begin(int argc, char **argv)
{
    argument_count = argc;
    arguments = argv;
}

bool measure_wanted(const char *row)
{
    bool wanted = argument_count <= 1;
    for (int i = 1; i < argument_count && !wanted; i++) {
        wanted = strcmp(arguments[i], row) == 0;
    }
    return wanted;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t median(uint64_t *samples, uint32_t count)
{
    qsort(samples, count, sizeof(*samples), compare);
    return samples[count / 2];
}

void measure_need(ts_status_t status, const char *what)
{
    if (status == TS_OK) {
        return;
    }
    printf("bench %s failed: %s\n", what, ts_status_name(status));
    exit(1);
}

static uint64_t run_once(const char *row, measure_run_t *prepare, measure_run_t *run, void *context)
{
    if (prepare != NULL) {
        measure_need(prepare(context), row);
    }
    uint64_t begin = ts_machine_counter(); // without `run`: what two looks at it cost
    ts_status_t status = run == NULL ? TS_OK : run(context);
    uint64_t end = ts_machine_counter();
    measure_need(status, row);
    return end - begin;
}

static void statistics(struct ts_system_statistics *out)
{
    // Only a holder of the root job is told; without it the counts are left out.
    *out = (struct ts_system_statistics){0};
    ts_handle_t job = ts_named_handle(MEASURE_SYSTEM);
    if (job != TS_HANDLE_NONE && ts_system_statistics(job, out) != TS_OK) {
        *out = (struct ts_system_statistics){0};
    }
}

static void report(const char *row, uint64_t value, uint32_t batch,
                   const struct ts_system_statistics *before,
                   const struct ts_system_statistics *after)
{
    double count = (double)MEASURE_RUNS * batch;
    uint64_t tenths = value * 10 / batch;
    printf("bench %s %llu.%llu", row, (unsigned long long)tenths / 10,
           (unsigned long long)tenths % 10);
    if (after->uptime_ns != 0) {
        printf(" switches=%.2f copies=%.2f pages=%.2f",
               (double)(after->switches - before->switches) / count,
               (double)(after->copies - before->copies) / count,
               (double)(after->page_allocations - before->page_allocations) / count);
    }
    printf("\n");
    fflush(stdout);
}

void measure(const char *row, uint32_t batch, measure_run_t *prepare, measure_run_t *run,
             void *context)
{
    static uint64_t samples[MEASURE_RUNS];
    struct ts_system_statistics before, after;
    if (!measure_wanted(row)) {
        return;
    }
    for (uint32_t i = 0; i < MEASURE_RUNS; i++) {
        samples[i] = run_once("overhead", NULL, NULL, NULL);
    }
    uint64_t cost = median(samples, MEASURE_RUNS);
    for (uint32_t i = 0; i < MEASURE_WARMUP; i++) {
        (void)run_once(row, prepare, run, context);
    }
    statistics(&before);
    for (uint32_t i = 0; i < MEASURE_RUNS; i++) {
        samples[i] = run_once(row, prepare, run, context);
    }
    statistics(&after);
    uint64_t middle = median(samples, MEASURE_RUNS);
    report(row, middle > cost ? middle - cost : 0, batch, &before, &after);
}
