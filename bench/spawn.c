// SPDX-License-Identifier: MIT
// Starting /bin/true, an ordinary program with the POSIX layer, and waiting for its end.
#include "measure.h"

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>

// By its path, as a shell does, so that opening and mapping the file are part of it.
static ts_status_t spawn_wait(void *context)
{
    (void)context;
    ts_handle_t child;
    struct ts_process_report report;
    struct ts_spawn spawn = {.name = "true"};
    ts_status_t status = ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), "bin/true", &child);
    if (status != TS_OK) {
        return status;
    }
    status = ts_process_wait(child, TS_DEADLINE_NONE, &report);
    ts_close(child);
    bool well = report.reason == TS_EXIT_STATUS && report.status == 0;
    return status != TS_OK || well ? status : TS_ERR_CORRUPT;
}

int main(int argc, char **argv)
{
    measure_begin(argc, argv);
    measure("spawn_wait", 1, NULL, spawn_wait, NULL);
    return 0;
}
