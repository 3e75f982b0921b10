// SPDX-License-Identifier: MIT
// See pair.h.
#include "pair.h"

#include "measure.h"

#include <stdio.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/process.h>

static const char *const passed_on[] = {TS_NAME_OUT, TS_NAME_ERR, TS_NAME_RANDOM, MEASURE_SYSTEM};

#define PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

ts_handle_t pair_start(const char *name, char **argv, const struct ts_spawn_handle *handles,
                       uint32_t count)
{
    struct ts_spawn_handle all[PAIR_HANDLES + PASSED_ON];
    char path[32];
    ts_handle_t child;
    for (uint32_t i = 0; i < count; i++) {
        all[i] = handles[i];
    }
    for (uint32_t i = 0; i < PASSED_ON; i++) {
        ts_handle_t handle = ts_named_handle(passed_on[i]);
        if (handle != TS_HANDLE_NONE) {
            all[count++] = (struct ts_spawn_handle){passed_on[i], handle, TS_RIGHTS_ALL, false};
        }
    }
    snprintf(path, sizeof(path), "bench/%s", name);
    struct ts_spawn spawn = {.name = name,
                             .arguments = (const char *const *)argv,
                             .handles = all,
                             .handle_count = count};
    measure_need(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), path, &child), "spawn");
    return child;
}

int pair_end(ts_handle_t child)
{
    struct ts_process_report report;
    measure_need(ts_process_wait(child, TS_DEADLINE_NONE, &report), "wait for the other process");
    return report.reason == TS_EXIT_STATUS ? report.status : 1;
}
