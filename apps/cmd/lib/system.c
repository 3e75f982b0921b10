// SPDX-License-Identifier: MIT
#include "system.h"
#include <stdlib.h>
#include <string.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/process.h>
#include "command.h"

// The job of the whole system if the program was given it, else its own.
static ts_handle_t job(void)
{
    ts_handle_t system = ts_named_handle(SYSTEM_NAME);
    return system ? system : ts_named_handle(TS_NAME_JOB);
}

ts_handle_t system_control(void)
{
    ts_handle_t control = ts_named_handle(TS_NAME_CONTROL);
    if (!control) {
        exit(command_status("no handle `control`", TS_ERR_NOT_FOUND));
    }
    return control;
}

int system_steer(uint32_t method, const char *service)
{
    ts_status_t status = ts_call_bytes(system_control(), method, service,
                                       service != NULL ? strlen(service) : 0, NULL, 0, NULL);
    return status == TS_OK ? 0 : command_status(service != NULL ? service : "init", status);
}

ts_status_t system_services(service_each_t each, void *context)
{
    struct ts_init_service services[8];
    uint64_t cookie = 0;
    for (;;) {
        size_t bytes;
        ts_status_t status = ts_list(system_control(), services, sizeof(services), cookie, &bytes);
        if (status != TS_OK || bytes == 0) {
            return status;
        }
        if (bytes % sizeof(services[0]) || bytes > sizeof(services)) {
            return TS_ERR_PROTOCOL;
        }
        for (size_t i = 0; i < bytes / sizeof(services[0]); i++) {
            services[i].name[sizeof(services[i].name) - 1] = '\0';
            services[i].program[sizeof(services[i].program) - 1] = '\0';
            if (!each(&services[i], context)) {
                return TS_OK;
            }
            cookie++;
        }
    }
}

static bool process_visit(const struct ts_file_entry *entry, process_each_t each, void *context)
{
    char name[24];
    ts_handle_t process;
    struct ts_process_statistics statistics;
    if (entry->name_length >= sizeof(name)) {
        return true;
    }
    memcpy(name, entry->name, entry->name_length);
    name[entry->name_length] = '\0';
    const ts_rights_t rights = TS_RIGHTS_SAME;
    if (ts_open(job(), name, 0, rights, &process) != TS_OK) {
        return true; // it has ended since
    }
    bool on = true;
    if (ts_process_statistics(process, &statistics) == TS_OK) {
        on = each(&statistics, process, context);
    }
    ts_close(process);
    return on;
}

ts_status_t system_processes(process_each_t each, void *context)
{
    static _Alignas(8) char buffer[4096];
    uint64_t cookie = 0;
    for (;;) {
        size_t bytes, position = 0;
        ts_status_t status = ts_list(job(), buffer, sizeof(buffer), cookie, &bytes);
        if (status != TS_OK || bytes == 0) {
            return status;
        }
        const struct ts_file_entry *entry;
        while (((entry = ts_listing_next(buffer, bytes, &position, &status)) != NULL)) {
            cookie = entry->next;
            if (!process_visit(entry, each, context)) {
                return TS_OK;
            }
        }
        if (status != TS_OK) {
            return status;
        }
    }
}

struct ts_system_statistics system_statistics(void)
{
    struct ts_system_statistics statistics;
    ts_status_t status = ts_system_statistics(job(), &statistics);
    if (status != TS_OK) {
        exit(command_status("the system's counters", status));
    }
    return statistics;
}
