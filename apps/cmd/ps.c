// SPDX-License-Identifier: MIT
#include "command.h"
#include "system.h"

#define SECOND UINT64_C(1000000000)

struct row {
    uint64_t id, pages, handles, threads, cpu_ns;
    const char *name;
};

static void show(const struct row *row, const char *state)
{
    printf("%6llu %-8s %8llu %7llu %7llu %6llu.%02u %s\n", (unsigned long long)row->id, state,
           (unsigned long long)row->pages * 4, (unsigned long long)row->handles,
           (unsigned long long)row->threads, (unsigned long long)(row->cpu_ns / SECOND),
           (unsigned)(row->cpu_ns % SECOND / (SECOND / 100)), row->name);
}

static bool show_process(const struct ts_process_statistics *process, ts_handle_t handle,
                         void *context)
{
    (void)handle, (void)context;
    char name[sizeof(process->name) + 1];
    snprintf(name, sizeof(name), "%.*s", (int)sizeof(process->name), process->name);
    struct row row = {process->id,      process->pages,  process->handles,
                      process->threads, process->cpu_ns, name};
    show(&row, process->state ? "ended" : "runs");
    return true;
}

int main(int argc, char **argv)
{
    command_begin(argc, argv,
                  "ps\nShows processes: number, state, memory, handles, threads, "
                  "processor time in seconds.\nWithout the handle `system` only those "
                  "of this job.\n");
    command_no_arguments(argc, argv);
    printf("%6s %-8s %8s %7s %7s %9s %s\n", "ID", "STATE", "KIB", "HANDLES", "THREADS", "CPU",
           "NAME");
    ts_status_t status = system_processes(show_process, NULL);
    return command_end(status == TS_OK ? 0 : command_status("processes", status));
}
