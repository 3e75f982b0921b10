// SPDX-License-Identifier: MIT
// Jobs: limits and accounting for a tree of processes.
//
// What a process uses is charged to its job and to all jobs above it; each has limits of its own,
// so a job can give its children more than it has, and they share it. Pages, handles and threads
// are counted by atomic additions on the way up, undone when one level refuses.
//
// Servers share what they have between clients, which are told apart by number (core/port.h).
// Whoever manages a job decides who is one: a job that is made through a handle with
// TS_RIGHT_MANAGE gets a number of its own. One that is made without is part of its parent's
// client, with all below it: no program becomes many by making jobs.
//
// One lock (`job tree`) guards the tree and the list of all processes, which is in order of their
// ids; scans let go of it on the way. Lock order: job tree is a leaf, object_try_get excepted.
#pragma once

#include <core/object.h>
#include <tessera/abi/object.h>

struct account;
struct process;

enum job_resource { JOB_PAGES, JOB_HANDLES, JOB_THREADS, JOB_RESOURCES };

struct job {
    struct object object;
    struct job *parent; // a reference is held; NULL: the root
    unsigned level;     // 1: the root; at most TS_JOB_LEVELS, which bounds every way up
    _Atomic uint64_t used[JOB_RESOURCES];
    _Atomic uint64_t limit[JOB_RESOURCES];
    _Atomic uint64_t peak[JOB_RESOURCES];
    uint64_t processes; // in it and below; job tree lock
    _Atomic bool killed;
    uint32_t client; // the number that servers know its processes by
    bool shared;     // the jobs below have the same
};

// A process's place in the tree: embedded in struct process.
struct job_member {
    struct list link;      // all processes, by id
    struct job *job;       // a reference is held while it is a member
    struct object *object; // the process
    uint64_t id;           // from 1, never used again
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

// Charges a job and all above it. TS_ERR_LIMIT: nothing charged. Any context, lock-free.
TS_MUST_USE ts_status_t job_charge(struct job *job, enum job_resource resource, uint64_t count);
// The same for what is taken in advance: who is refused that does not lack it. False: nothing is
// charged.
bool job_charge_spare(struct job *job, enum job_resource resource, uint64_t count);
void job_uncharge(struct job *job, enum job_resource resource, uint64_t count);

// The smallest limit on the way up, for tables that have one of their own.
uint64_t job_limit(const struct job *job, enum job_resource resource);

// Enters a process (once its object can be found: object_init done) and gives it an id.
// TS_ERR_GONE: the job was killed. job_process_remove when it has ended (its body may stay).
TS_MUST_USE ts_status_t job_process_add(struct job *job, struct job_member *member,
                                        struct object *process);
void job_process_remove(struct job_member *member);

// Kills every process below, and refuses new ones from now on. Preemptible; returns when all have
// been told (process_kill), not when they are gone.
void job_kill(struct job *job);

// The process engine (process.c): ends a process with TS_EXIT_KILLED. Never blocks; may be called
// more than once and for the current process.
void process_kill(struct process *process);
struct process *process_of_object(struct object *object);
