// SPDX-License-Identifier: MIT
#include <tessera/lib/process.h>
#include "command.h"
#include "system.h"

struct target {
    uint64_t id;
    ts_status_t status;
};

static bool kill_process(const struct ts_process_statistics *process, ts_handle_t handle,
                         void *context)
{
    struct target *target = context;
    if (process->id != target->id) {
        return true;
    }
    target->status = ts_process_kill(handle);
    return false;
}

int main(int argc, char **argv)
{
    int status = 0;
    command_begin(argc, argv,
                  "kill ID…\nEnds processes (see ps). To end a service: `services "
                  "kill NAME`;\na background job of the shell: `kill %NUMBER`.\n");
    if (argc < 2) {
        command_usage();
    }
    for (int i = 1; i < argc; i++) {
        struct target target = {.status = TS_ERR_NOT_FOUND};
        if (!command_number(argv[i], UINT64_MAX, &target.id)) {
            command_usage();
        }
        ts_status_t listed = system_processes(kill_process, &target);
        target.status = listed == TS_OK ? target.status : listed;
        if (target.status != TS_OK) {
            status = command_status(argv[i], target.status);
        }
    }
    return status;
}
