// SPDX-License-Identifier: MIT
#include <tessera/lib/bootstrap.h>
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

static bool show_service(const struct ts_init_service *service, void *context)
{
    (void)context;
    if (service->process_id) {
        struct row row = {service->process_id, service->pages,  service->handles,
                          service->threads,    service->cpu_ns, service->name};
        show(&row, "service");
    }
    return true;
}

static bool show_process(const struct ts_process_statistics *process, ts_handle_t handle,
                         void *context)
{
    (void)handle, (void)context;
    char name[sizeof process->name + 1];
    snprintf(name, sizeof name, "%.*s", (int)sizeof process->name, process->name);
    struct row row = {process->id,      process->pages,  process->handles,
                      process->threads, process->cpu_ns, name};
    show(&row, process->state ? "ended" : "runs");
    return true;
}

int main(int argc, char **argv)
{
    command_begin(argc, argv,
                  "ps\nShows init's services and the processes of this job: number, "
                  "state, memory, handles, threads,\nprocessor time in seconds.\n");
    printf("%6s %-8s %8s %7s %7s %9s %s\n", "ID", "STATE", "KIB", "HANDLES", "THREADS", "CPU",
           "NAME");
    // A program without the control object still sees its own job.
    ts_status_t status = TS_OK;
    if (ts_named_handle(TS_NAME_CONTROL)) {
        status = system_services(show_service, NULL);
    }
    if (status != TS_OK) {
        command_status("services", status);
    }
    ts_status_t own = system_processes(show_process, NULL);
    if (own != TS_OK) {
        command_status("processes", own);
    }
    return command_end(status != TS_OK || own != TS_OK);
}
