// SPDX-License-Identifier: MIT
// See account.h.
#include <mm/account.h>
#include <mm/heap.h>
#include <object/job.h>

struct account *account_create(struct job *job)
{
    struct account *account = heap_alloc_zeroed(sizeof(*account));
    if (account == NULL)
        return NULL;
    atomic_init(&account->references, 1);
    account->job = job;
    object_get(&job->object);
    return account;
}

void account_get(struct account *account)
{
    atomic_fetch_add_explicit(&account->references, 1, memory_order_relaxed);
}

void account_put(struct account *account)
{
    if (atomic_fetch_sub_explicit(&account->references, 1, memory_order_acq_rel) != 1)
        return;
    account_trim(account);
    object_put(&account->job->object);
    heap_free(account, sizeof(*account));
}

static bool credit_take(struct account *account, uint64_t pages)
{
    uint64_t credit = atomic_load_explicit(&account->credit, memory_order_relaxed);
    while (credit >= pages) {
        if (atomic_compare_exchange_weak_explicit(&account->credit, &credit, credit - pages,
                                                  memory_order_relaxed, memory_order_relaxed))
            return true;
    }
    return false;
}

ts_status_t account_charge(struct account *account, uint64_t pages)
{
    if (!credit_take(account, pages)) {
        // A batch on top, or, near the limit, just what is needed.
        if (job_charge(account->job, JOB_PAGES, pages + ACCOUNT_BATCH) == TS_OK) {
            atomic_fetch_add_explicit(&account->credit, ACCOUNT_BATCH, memory_order_relaxed);
        } else {
            ts_status_t status = job_charge(account->job, JOB_PAGES, pages);
            if (status != TS_OK)
                return status;
        }
    }
    atomic_fetch_add_explicit(&account->used, pages, memory_order_relaxed);
    return TS_OK;
}

void account_uncharge(struct account *account, uint64_t pages)
{
    atomic_fetch_sub_explicit(&account->used, pages, memory_order_relaxed);
    uint64_t credit =
        atomic_fetch_add_explicit(&account->credit, pages, memory_order_relaxed) + pages;
    if (credit > UINT64_C(2) * ACCOUNT_BATCH && credit_take(account, credit - ACCOUNT_BATCH))
        job_uncharge(account->job, JOB_PAGES, credit - ACCOUNT_BATCH);
}

void account_trim(struct account *account)
{
    uint64_t credit = atomic_exchange_explicit(&account->credit, 0, memory_order_relaxed);
    if (credit != 0)
        job_uncharge(account->job, JOB_PAGES, credit);
}
