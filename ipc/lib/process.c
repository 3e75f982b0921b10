// SPDX-License-Identifier: MIT
#include <string.h>
#include <tessera/lib/process.h>

ts_status_t ts_process_create(ts_handle_t job, const char *name, ts_handle_t *out_process)
{
    size_t length = strlen(name);
    if (length > TS_NAME_MAX) {
        length = TS_NAME_MAX;
    }
    struct ts_result result =
        ts_sys_create(ts_create_word(TS_KIND_PROCESS, 0, job), (uintptr_t)name, length, 0);
    if (result.status == TS_OK) {
        *out_process = (ts_handle_t)result.value;
    }
    return (ts_status_t)result.status;
}

ts_status_t ts_process_give(ts_handle_t process, ts_handle_t handle, ts_handle_t *out_there)
{
    struct ts_call call = {.in_handles = 1, .in_handle = {handle}};
    uint64_t value;
    ts_status_t status = ts_call(process, TS_PROCESS_GIVE, &call, TS_DEADLINE_NONE, &value);
    if (status == TS_OK) {
        *out_there = (ts_handle_t)value;
    }
    return status;
}

ts_status_t ts_process_memory_create(ts_handle_t process, uint64_t size, unsigned flags,
                                     ts_handle_t *out_memory)
{
    struct ts_result result =
        ts_sys_create(ts_create_word(TS_KIND_MEMORY, flags, process), size, 0, 0);
    if (result.status == TS_OK) {
        *out_memory = (ts_handle_t)result.value;
    }
    return (ts_status_t)result.status;
}

ts_status_t ts_process_map(ts_handle_t process, ts_handle_t memory, uint64_t address,
                           uint64_t length, uint64_t offset, unsigned flags, uint64_t *out_address)
{
    struct ts_result result = ts_sys_map(ts_pair(process, memory), address, length, offset, flags);
    if (result.status == TS_OK) {
        *out_address = result.value;
    }
    return (ts_status_t)result.status;
}

ts_status_t ts_process_unmap(ts_handle_t process, uint64_t address, uint64_t length)
{
    return (ts_status_t)ts_sys_unmap(process, address, length).status;
}

ts_status_t ts_process_protect(ts_handle_t process, uint64_t address, uint64_t length,
                               unsigned flags)
{
    return (ts_status_t)ts_sys_protect(process, address, length, flags).status;
}

ts_status_t ts_process_kill(ts_handle_t process)
{
    return ts_call_bytes(process, TS_PROCESS_KILL, NULL, 0, NULL, 0, NULL);
}

// A property that is a structure of exactly that size.
static ts_status_t get_structure(ts_handle_t handle, unsigned property, void *out, size_t size)
{
    size_t bytes;
    ts_status_t status = ts_get(handle, property, out, size, &bytes);
    if (status == TS_OK && bytes != size) {
        status = TS_ERR_VERSION;
    }
    return status;
}

ts_status_t ts_process_wait(ts_handle_t process, ts_time_t deadline,
                            struct ts_process_report *out_report)
{
    ts_status_t status = ts_wait(process, TS_SIGNAL_EXITED, deadline, NULL);
    if (status != TS_OK || out_report == NULL) {
        return status;
    }
    return ts_process_report(process, out_report);
}

ts_status_t ts_process_report(ts_handle_t process, struct ts_process_report *out_report)
{
    return get_structure(process, TS_PROPERTY_PROCESS_REPORT, out_report, sizeof(*out_report));
}

ts_status_t ts_process_statistics(ts_handle_t process, struct ts_process_statistics *out_statistics)
{
    return get_structure(process, TS_PROPERTY_PROCESS_STATISTICS, out_statistics,
                         sizeof(*out_statistics));
}

_Noreturn void ts_process_exit(int32_t status)
{
    ts_sys_process_exit((uint32_t)status);
}

ts_status_t ts_job_create(ts_handle_t parent, const struct ts_job_limits *limits,
                          ts_handle_t *out_job)
{
    struct ts_job_limits all = limits != NULL ? *limits : (struct ts_job_limits){0};
    struct ts_result result =
        ts_sys_create(ts_create_word(TS_KIND_JOB, 0, parent), all.pages, all.handles, all.threads);
    if (result.status == TS_OK) {
        *out_job = (ts_handle_t)result.value;
    }
    return (ts_status_t)result.status;
}

ts_status_t ts_job_kill(ts_handle_t job)
{
    return ts_call_bytes(job, TS_JOB_KILL, NULL, 0, NULL, 0, NULL);
}

ts_status_t ts_job_statistics(ts_handle_t job, struct ts_job_statistics *out_statistics)
{
    return get_structure(job, TS_PROPERTY_JOB_STATISTICS, out_statistics, sizeof(*out_statistics));
}

ts_status_t ts_system_statistics(ts_handle_t root_job, struct ts_system_statistics *out_statistics)
{
    return get_structure(root_job, TS_PROPERTY_SYSTEM_STATISTICS, out_statistics,
                         sizeof(*out_statistics));
}
