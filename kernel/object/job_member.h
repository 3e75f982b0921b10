// SPDX-License-Identifier: MIT
// Members of the tree of jobs: the list of all processes, in order of their ids.
//
// One lock (`job tree`) guards the list and the jobs' counts of processes; scans let go of it on
// the way. Lock order: job tree is a leaf, object_try_get excepted.
#pragma once

#include <core/object.h>

struct job;

// A process's place in the tree: embedded in struct process.
struct job_member {
    struct list link;      // all processes, by id
    struct job *job;       // a reference is held while it is a member
    struct object *object; // the process
    uint64_t id;           // from 1, never used again
};

// Enters a process (once its object can be found: object_init done) and gives it an id.
// TS_ERR_GONE: the job was killed. job_member_remove when it has ended (its body may stay).
TS_MUST_USE ts_status_t job_member_add(struct job_member *member, struct job *job,
                                       struct object *process);
void job_member_remove(struct job_member *member);

// The process with the smallest id in [first, last] in or below the job, with a reference; NULL.
struct object *job_member_find(const struct job *job, uint64_t first, uint64_t last,
                               uint64_t *out_id);

// How many processes are in the job and below.
uint64_t job_member_count(const struct job *job);

// A walk over the processes in and below a job, in order of their ids: `place` is in the list
// before what has not been looked at, so that the lock is let go now and then. It has no process.
struct job_scan {
    const struct job *job;
    uint64_t first, last; // ids
    struct job_member place;
};
void job_scan_begin(struct job_scan *scan, const struct job *job, uint64_t first, uint64_t last);
// The next process, with a reference, or NULL. Preemptible.
const struct job_member *job_scan_next(struct job_scan *scan);
void job_scan_end(struct job_scan *scan);
