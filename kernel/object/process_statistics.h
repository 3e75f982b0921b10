// SPDX-License-Identifier: MIT
// What is known of a process, in figures.
#pragma once

#include <core/request.h>

struct process;

// The property PROCESS_STATISTICS. It goes through the process's threads, some at a time.
TS_MUST_USE ts_status_t process_statistics_get(struct process *process,
                                               struct operation *operation);
