// SPDX-License-Identifier: MIT
// What job.c and job_operate.c share.
#pragma once

#include <object/job.h>

// Limits of the root.
#define JOB_HANDLES_MAX (UINT64_C(1) << 22)
#define JOB_THREADS_MAX UINT64_C(65536)

TS_MUST_USE ts_status_t job_operate(struct object *object, struct operation *operation);

// The process below `job` with the smallest id in [first, last], with a reference; NULL: none.
struct object *job_process_find(const struct job *job, uint64_t first, uint64_t last,
                                uint64_t *out_id);
uint64_t job_process_count(const struct job *job);
