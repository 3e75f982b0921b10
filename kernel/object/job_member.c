// SPDX-License-Identifier: MIT
// See job_member.h.
#include <object/job_member.h>

#include <object/job.h>

#define SCAN_PER_HOLD 64u

static struct spinlock tree_lock = SPINLOCK_INIT("job tree");
static struct list processes = {&processes, &processes}; // struct job_member, by id
static uint64_t last_id;

// Whether `job` is `above` or below it.
static bool job_is_below(const struct job *job, const struct job *above)
{
    while (job != NULL && job != above) {
        job = job->parent;
    }
    return job != NULL;
}

ts_status_t job_member_add(struct job_member *member, struct job *job, struct object *process)
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

void job_member_remove(struct job_member *member)
{
    irqflags_t flags = spin_lock(&tree_lock);
    list_remove(&member->link);
    for (struct job *at = member->job; at != NULL; at = at->parent) {
        at->processes--;
    }
    spin_unlock(&tree_lock, flags);
    object_put(&member->job->object);
}

void job_scan_begin(struct job_scan *scan, const struct job *job, uint64_t first, uint64_t last)
{
    *scan = (struct job_scan){.job = job, .first = first};
    irqflags_t flags = spin_lock(&tree_lock);
    scan->last = last < last_id ? last : last_id; // what others make meanwhile is not waited for
    list_push_front(&processes, &scan->place.link);
    spin_unlock(&tree_lock, flags);
}

void job_scan_end(struct job_scan *scan)
{
    irqflags_t flags = spin_lock(&tree_lock);
    list_remove(&scan->place.link);
    spin_unlock(&tree_lock, flags);
}

// Looks at some. True: at *out_member, whose process got a reference, or, with NULL, at all.
static bool scan_some(struct job_scan *scan, const struct job_member **out_member)
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

const struct job_member *job_scan_next(struct job_scan *scan)
{
    const struct job_member *member;
    while (!scan_some(scan, &member)) {
        ;
    }
    return member;
}

struct object *job_member_find(const struct job *job, uint64_t first, uint64_t last,
                               uint64_t *out_id)
{
    struct job_scan scan;
    job_scan_begin(&scan, job, first, last);
    const struct job_member *member = job_scan_next(&scan);
    job_scan_end(&scan);
    if (member == NULL) {
        return NULL;
    }
    *out_id = member->id;
    return member->object;
}

uint64_t job_member_count(const struct job *job)
{
    irqflags_t flags = spin_lock(&tree_lock);
    uint64_t count = job->processes;
    spin_unlock(&tree_lock, flags);
    return count;
}
