// SPDX-License-Identifier: MIT
// Processes and jobs. spawn.h starts programs; this is what it is made of.
#pragma once

#include <tessera/abi/object.h>
#include <tessera/lib/op.h>

// An empty process in `job`. `name` is for people and cut to TS_NAME_MAX bytes.
TS_MUST_USE ts_status_t ts_process_create(ts_handle_t job, const char *name,
                                          ts_handle_t *out_process);

// Moves `handle` (which needs TRANSFER) into the process; its number there is *out_there.
TS_MUST_USE ts_status_t ts_process_give(ts_handle_t process, ts_handle_t handle,
                                        ts_handle_t *out_there);

// As ts_memory_create, charged to the process, which the caller manages. TS_ERR_GONE: it ends.
TS_MUST_USE ts_status_t ts_process_memory_create(ts_handle_t process, uint64_t size, unsigned flags,
                                                 ts_handle_t *out_memory);

// As ts_memory_map, in a process that the caller manages.
TS_MUST_USE ts_status_t ts_process_map(ts_handle_t process, ts_handle_t memory, uint64_t address,
                                       uint64_t length, uint64_t offset, unsigned flags,
                                       uint64_t *out_address);
TS_MUST_USE ts_status_t ts_process_unmap(ts_handle_t process, uint64_t address, uint64_t length);
TS_MUST_USE ts_status_t ts_process_protect(ts_handle_t process, uint64_t address, uint64_t length,
                                           unsigned flags);

// Ends it; EXITED is signalled when it is gone. TS_OK also when it was already ending.
TS_MUST_USE ts_status_t ts_process_kill(ts_handle_t process);

// Until the process has ended, then how. A NULL report only waits.
TS_MUST_USE ts_status_t ts_process_wait(ts_handle_t process, ts_time_t deadline,
                                        struct ts_process_report *out_report);
TS_MUST_USE ts_status_t ts_process_report(ts_handle_t process,
                                          struct ts_process_report *out_report);
TS_MUST_USE ts_status_t ts_process_statistics(ts_handle_t process,
                                              struct ts_process_statistics *out_statistics);

// Ends the calling process.
_Noreturn void ts_process_exit(int32_t status);

// Ends it by an exception, TS_EXCEPTION_INSTRUCTION, so that the report says where and has `mark`
// in the register TS_REGISTER_MARK. In arch/<machine>/user.
_Noreturn void ts_process_trap(uint64_t mark);

// Where the thread was that a report is about.
static inline uint64_t ts_report_pc(const struct ts_process_report *report)
{
    return report->registers.TS_REGISTER_PC;
}

static inline uint64_t ts_report_mark(const struct ts_process_report *report)
{
    return report->registers.TS_REGISTER_MARK;
}

// limits: 0 = the parent's; NULL: all of them.
TS_MUST_USE ts_status_t ts_job_create(ts_handle_t parent, const struct ts_job_limits *limits,
                                      ts_handle_t *out_job);
TS_MUST_USE ts_status_t ts_job_kill(ts_handle_t job);
TS_MUST_USE ts_status_t ts_job_statistics(ts_handle_t job,
                                          struct ts_job_statistics *out_statistics);
TS_MUST_USE ts_status_t ts_system_statistics(ts_handle_t root_job,
                                             struct ts_system_statistics *out_statistics);
