// SPDX-License-Identifier: MIT
// What kernel/core asks of processes, for their handle tables, and of the reaper. See core/hooks.h.
#include <core/hooks.h>

#include <mm/paid.h>
#include <object/process.h>
#include <object/reaper.h>

// A table is its process's, which is in its job, and has its account, until the table is given
// back.
static struct process *process_of_table(struct handle_table *table)
{
    return list_entry(table, struct process, handles);
}

static struct job *job_of_table(struct handle_table *table)
{
    return process_of_table(table)->member.job;
}

bool environment_handles_charge(struct handle_table *table, uint32_t count)
{
    // More than one: some are in advance, and fewer are asked for if there are not so many.
    if (count > 1) {
        return quota_charge(&job_of_table(table)->quota, QUOTA_HANDLES, count);
    }
    return job_charge(job_of_table(table), QUOTA_HANDLES, count) == TS_OK;
}

void environment_handles_uncharge(struct handle_table *table, uint32_t count)
{
    job_uncharge(job_of_table(table), QUOTA_HANDLES, count);
}

void *environment_page_get(struct handle_table *table, ts_status_t *out_status)
{
    return paid_alloc_zeroed(process_of_table(table)->account, TS_PAGE_SIZE, out_status);
}

void environment_page_put(struct handle_table *table, void *page)
{
    paid_free(process_of_table(table)->account, page, TS_PAGE_SIZE);
}

void environment_retire(struct object *object)
{
    reaper_retire(object);
}
