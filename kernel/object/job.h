// SPDX-License-Identifier: MIT
// Jobs: limits and accounting for a tree of processes.
//
// What a process uses is charged to its job and to all jobs above it (core/quota.h); each has
// limits of its own, so a job can give its children more than it has, and they share it.
//
// Servers share what they have between clients, which are told apart by number (core/port.h).
// A manager of a job decides which are one: a job that is made through a handle with
// TS_RIGHT_MANAGE gets a number of its own. One that is made without is part of its parent's
// client, with all below it: no program becomes many by making jobs.
#pragma once

#include <core/object.h>
#include <core/quota.h>
#include <mm/account.h>
#include <object/job_member.h>
#include <sched/sched.h>
#include <tessera/abi/object.h>

struct process;

struct job {
    struct object object;
    struct job *parent; // a reference is held; NULL: the root
    struct quota quota; // below the parent's; at most TS_JOB_LEVELS of them
    uint64_t processes; // in it and below; job tree lock
    _Atomic bool killed;
    uint32_t client; // the number that servers know its processes by
    bool shared;     // the jobs below have the same
};

extern const struct object_class job_class;

static inline struct job *job_of(struct object *object)
{
    return list_entry(object, struct job, object);
}

// Limits of 0 are the parent's. `client`: it gets a number of its own, if the parent's jobs do. One
// reference, no handle; the account pays for it. TS_ERR_MEMORY,
// TS_ERR_LIMIT (also: the parent is at level TS_JOB_LEVELS), TS_ERR_GONE (the parent was killed).
TS_MUST_USE ts_status_t job_create(struct account *account, struct job *parent,
                                   const struct ts_job_limits *limits, bool client,
                                   struct job **out_job);

// The job above all, made by job_init(); its page limit is what the machine has.
extern struct job *job_root;
void job_init(void);

// Charges a job and all above it. TS_ERR_LIMIT: nothing charged, and the thread remembers which
// refused it (reaper.h). Any context, lock-free.
static inline TS_MUST_USE ts_status_t job_charge(struct job *job, enum quota_resource resource,
                                                 uint64_t count)
{
    if (quota_charge(&job->quota, resource, count)) {
        return TS_OK;
    }
    thread_note_refusal();
    return TS_ERR_LIMIT;
}
static inline void job_uncharge(struct job *job, enum quota_resource resource, uint64_t count)
{
    quota_uncharge(&job->quota, resource, count);
}

// An account with the job, which it keeps. See account_create().
static inline struct account *job_account_create(struct job *job, ts_status_t *out_status)
{
    return account_create(&job->quota, &job->object, out_status);
}

// Whether it, or one above it, was killed.
static inline bool job_is_killed(const struct job *job)
{
    for (; job != NULL; job = job->parent) {
        if (atomic_load_explicit(&job->killed, memory_order_acquire)) {
            return true;
        }
    }
    return false;
}

// Kills every process below, and refuses new ones from now on. Preemptible; returns when all have
// been told (process_kill), not when they are gone.
void job_kill(struct job *job);

// The process engine (process.c): ends a process with TS_EXIT_KILLED. Never blocks; may be called
// more than once and for the current process.
void process_kill(struct process *process);
struct process *process_of_object(struct object *object);
