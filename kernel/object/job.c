// SPDX-License-Identifier: MIT
// Jobs: the tree, charging, and the list of processes. See job.h; job_operate.c has what programs
// ask of them.
#include <mm/page.h>
#include <object/body.h>
#include <object/job.h>
#include <object/job_operate.h>
#include <panic.h>
#include <sched/sched.h>

#define SCAN_PER_HOLD 64u
#define CLIENT_LAST   (UINT32_MAX - 1) // the next one is PORT_NONE

static void job_destroy(struct object *object);

const struct object_class job_class = {
    .kind = TS_KIND_JOB,
    .name = "job",
    .rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_OPEN | TS_RIGHT_CALL | TS_RIGHT_WAIT |
              TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE,
    .destroy = job_destroy,
    .operate = job_operate,
};

struct job *job_root;

static struct spinlock tree_lock = SPINLOCK_INIT("job tree");
static struct list processes = {&processes, &processes}; // struct job_member, by id
static uint64_t last_id;
static atomic_uint last_client;

static struct job *job_make(struct account *account, struct job *parent,
                            const uint64_t limits[JOB_RESOURCES], ts_status_t *out_status)
{
    struct job *job = body_create(account, sizeof(*job), &job_class, out_status);
    if (job == NULL) {
        return NULL;
    }
    job->parent = parent;
    job->level = parent != NULL ? parent->level + 1 : 1;
    for (unsigned i = 0; i < JOB_RESOURCES; i++) {
        atomic_init(&job->limit[i], limits[i]);
    }
    if (parent != NULL) {
        object_get(&parent->object);
    }
    return job;
}

// A number that no job had before; when they are used up a job is its parent's client.
static void client_choose(struct job *job, bool own)
{
    const struct job *parent = job->parent;
    unsigned last = atomic_load_explicit(&last_client, memory_order_relaxed);
    job->client = parent->client;
    job->shared = true;
    if (!own || parent->shared) {
        return;
    }
    do {
        if (last == CLIENT_LAST) {
            return;
        }
    } while (!atomic_compare_exchange_weak_explicit(&last_client, &last, last + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    job->client = last + 1;
    job->shared = false;
}

void job_init(void)
{
    struct page_statistics pages;
    page_statistics_get(&pages);
    const uint64_t limits[JOB_RESOURCES] = {[JOB_PAGES] = pages.total,
                                            [JOB_HANDLES] = JOB_HANDLES_MAX,
                                            [JOB_THREADS] = JOB_THREADS_MAX};
    ts_status_t status;
    job_root = job_make(NULL, NULL, limits, &status);
    KREQUIRE(job_root != NULL);
}

static bool job_is_killed(const struct job *job)
{
    for (; job != NULL; job = job->parent) {
        if (atomic_load_explicit(&job->killed, memory_order_acquire)) {
            return true;
        }
    }
    return false;
}

ts_status_t job_create(struct account *account, struct job *parent,
                       const struct ts_job_limits *limits, bool client, struct job **out_job)
{
    const uint64_t asked[JOB_RESOURCES] = {limits->pages, limits->handles, limits->threads};
    uint64_t chosen[JOB_RESOURCES];
    if (job_is_killed(parent)) {
        return TS_ERR_GONE;
    }
    if (parent->level == TS_JOB_LEVELS) {
        return TS_ERR_LIMIT;
    }
    for (unsigned i = 0; i < JOB_RESOURCES; i++) {
        chosen[i] = asked[i] != 0 ? asked[i] : atomic_load(&parent->limit[i]);
    }
    ts_status_t status;
    struct job *job = job_make(account, parent, chosen, &status);
    if (job == NULL) {
        return status;
    }
    client_choose(job, client);
    *out_job = job;
    return TS_OK;
}

static void job_destroy(struct object *object)
{
    struct job *job = job_of(object);
    KASSERT(job->processes == 0);
    if (job->parent != NULL) {
        object_put(&job->parent->object);
    }
    body_destroy(object, sizeof(*job));
}

// Adds to one level. False: over its limit.
static bool level_charge(struct job *job, enum job_resource resource, uint64_t count)
{
    uint64_t limit = atomic_load_explicit(&job->limit[resource], memory_order_relaxed);
    uint64_t used = atomic_load_explicit(&job->used[resource], memory_order_relaxed);
    do {
        if (used > limit || count > limit - used) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&job->used[resource], &used, used + count,
                                                    memory_order_relaxed, memory_order_relaxed));
    used += count;
    uint64_t peak = atomic_load_explicit(&job->peak[resource], memory_order_relaxed);
    while (peak < used &&
           !atomic_compare_exchange_weak_explicit(&job->peak[resource], &peak, used,
                                                  memory_order_relaxed, memory_order_relaxed)) {
        ;
    }
    return true;
}

bool job_charge_spare(struct job *job, enum job_resource resource, uint64_t count)
{
    struct job *at = job;
    while (at != NULL && level_charge(at, resource, count)) {
        at = at->parent;
    }
    if (at == NULL) {
        return true;
    }
    for (; job != at; job = job->parent) {
        atomic_fetch_sub_explicit(&job->used[resource], count, memory_order_relaxed);
    }
    return false;
}

ts_status_t job_charge(struct job *job, enum job_resource resource, uint64_t count)
{
    if (job_charge_spare(job, resource, count)) {
        return TS_OK;
    }
    if (thread_current() != NULL) {
        thread_current()->refused_by_job = true;
    }
    return TS_ERR_LIMIT;
}

void job_uncharge(struct job *job, enum job_resource resource, uint64_t count)
{
    for (; job != NULL; job = job->parent) {
        atomic_fetch_sub_explicit(&job->used[resource], count, memory_order_relaxed);
    }
}

uint64_t job_limit(const struct job *job, enum job_resource resource)
{
    uint64_t limit = UINT64_MAX;
    for (; job != NULL; job = job->parent) {
        uint64_t level = atomic_load_explicit(&job->limit[resource], memory_order_relaxed);
        limit = level < limit ? level : limit;
    }
    return limit;
}

// Whether `job` is `above` or below it.
static bool job_is_below(const struct job *job, const struct job *above)
{
    while (job != NULL && job != above) {
        job = job->parent;
    }
    return job != NULL;
}

ts_status_t job_process_add(struct job *job, struct job_member *member, struct object *process)
{
    member->job = job;
    member->object = process;
    list_init(&member->link);
    irqflags_t flags = spin_lock(&tree_lock);
    // Under the lock: job_kill() sets `killed` and then looks at the list under it.
    bool killed = job_is_killed(job);
    if (!killed) {
        object_get(&job->object);
        member->id = ++last_id;
        list_push_back(&processes, &member->link);
        for (struct job *at = job; at != NULL; at = at->parent) {
            at->processes++;
        }
    }
    spin_unlock(&tree_lock, flags);
    return killed ? TS_ERR_GONE : TS_OK;
}

void job_process_remove(struct job_member *member)
{
    irqflags_t flags = spin_lock(&tree_lock);
    list_remove(&member->link);
    for (struct job *at = member->job; at != NULL; at = at->parent) {
        at->processes--;
    }
    spin_unlock(&tree_lock, flags);
    object_put(&member->job->object);
}

// A walk over the processes in and below a job, in order of their ids: `place` is in the list
// before what has not been looked at, so that the lock is let go now and then. It has no process.
struct scan {
    const struct job *job;
    uint64_t first, last; // ids
    struct job_member place;
};

static void scan_begin(struct scan *scan, const struct job *job, uint64_t first, uint64_t last)
{
    *scan = (struct scan){.job = job, .first = first};
    irqflags_t flags = spin_lock(&tree_lock);
    scan->last = last < last_id ? last : last_id; // what others make meanwhile is not waited for
    list_push_front(&processes, &scan->place.link);
    spin_unlock(&tree_lock, flags);
}

static void scan_end(struct scan *scan)
{
    irqflags_t flags = spin_lock(&tree_lock);
    list_remove(&scan->place.link);
    spin_unlock(&tree_lock, flags);
}

// Looks at some. True: at *out_member, whose process got a reference, or, with NULL, at all.
static bool scan_some(struct scan *scan, const struct job_member **out_member)
{
    *out_member = NULL;
    irqflags_t flags = spin_lock(&tree_lock);
    struct list *node = scan->place.link.next;
    unsigned looked = 0;
    for (; node != &processes && looked < SCAN_PER_HOLD && *out_member == NULL; looked++) {
        const struct job_member *member = list_entry(node, struct job_member, link);
        node = node->next;
        if (member->object == NULL) {
            continue; // another scan's place
        }
        if (member->id > scan->last) {
            node = &processes;
        } else if (member->id >= scan->first && job_is_below(member->job, scan->job) &&
                   object_try_get(member->object)) {
            *out_member = member;
        }
    }
    list_remove(&scan->place.link);
    list_push_back(node, &scan->place.link); // before it
    spin_unlock(&tree_lock, flags);
    return *out_member != NULL || node == &processes;
}

// The next process, with a reference, or NULL.
static const struct job_member *scan_next(struct scan *scan)
{
    const struct job_member *member;
    while (!scan_some(scan, &member)) {
        ;
    }
    return member;
}

struct object *job_process_find(const struct job *job, uint64_t first, uint64_t last,
                                uint64_t *out_id)
{
    struct scan scan;
    scan_begin(&scan, job, first, last);
    const struct job_member *member = scan_next(&scan);
    scan_end(&scan);
    if (member == NULL) {
        return NULL;
    }
    *out_id = member->id;
    return member->object;
}

uint64_t job_process_count(const struct job *job)
{
    irqflags_t flags = spin_lock(&tree_lock);
    uint64_t count = job->processes;
    spin_unlock(&tree_lock, flags);
    return count;
}

void job_kill(struct job *job)
{
    // Before the scan: what is added from now on is refused, what was is found.
    atomic_store_explicit(&job->killed, true, memory_order_release);
    struct scan scan;
    const struct job_member *member;
    scan_begin(&scan, job, 0, UINT64_MAX);
    while ((member = scan_next(&scan)) != NULL) {
        struct object *process = member->object;
        process_kill(process_of_object(process));
        object_put(process);
    }
    scan_end(&scan);
}
