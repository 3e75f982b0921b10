// SPDX-License-Identifier: MIT
// See account.h.
#include <core/object.h>
#include <core/quota.h>
#include <cpu.h>
#include <mm/account.h>
#include <mm/heap.h>
#include <sched/sched.h>

// Pages charged to accounts, a share per CPU so that page faults do not meet in one word; only the
// sum means something.
static struct share {
    _Atomic uint64_t pages;
} __attribute__((aligned(64))) charged[CPU_MAX];

static _Atomic uint64_t shares, own; // pages, as in struct account_totals

#define BATCH_PARTS 16u // of the room that is left in the job

struct account *account_create(struct quota *quota, struct object *owner, ts_status_t *out_status)
{
    struct account *account = heap_alloc_zeroed(sizeof(*account));
    if (account == NULL) {
        *out_status = TS_ERR_MEMORY;
        return NULL;
    }
    atomic_init(&account->references, 1);
    account->quota = quota;
    account->owner = owner;
    *out_status = account_charge_bytes(account, heap_price(sizeof(*account)));
    if (*out_status != TS_OK) {
        heap_free(account, sizeof(*account));
        return NULL;
    }
    object_get(owner);
    return account;
}

void account_get(struct account *account)
{
    if (account != NULL) {
        atomic_fetch_add_explicit(&account->references, 1, memory_order_relaxed);
    }
}

void account_put(struct account *account)
{
    if (account == NULL ||
        atomic_fetch_sub_explicit(&account->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    account_uncharge_bytes(account, heap_price(sizeof(*account)));
    account_close(account);
    object_put(account->owner);
    heap_free(account, sizeof(*account));
}

static bool credit_take(struct account *account, uint64_t pages)
{
    uint64_t credit = atomic_load_explicit(&account->credit, memory_order_relaxed);
    while (credit >= pages) {
        if (atomic_compare_exchange_weak_explicit(&account->credit, &credit, credit - pages,
                                                  memory_order_relaxed, memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

// What may be taken in advance: less the nearer the job is to its limit, so that many small
// processes do not keep its pages from each other; nothing after the end of the process.
static uint64_t batch_of(const struct account *account)
{
    uint64_t part = quota_left(account->quota, QUOTA_PAGES) / BATCH_PARTS;
    if (atomic_load_explicit(&account->closed, memory_order_relaxed)) {
        return 0;
    }
    return part < ACCOUNT_BATCH ? part : ACCOUNT_BATCH;
}

// From the job: a batch on top, or, near the limit, just what is needed.
static ts_status_t quota_take(struct account *account, uint64_t pages)
{
    uint64_t batch = batch_of(account);
    if (batch != 0 && quota_charge(account->quota, QUOTA_PAGES, pages + batch)) {
        atomic_fetch_add_explicit(&account->credit, batch, memory_order_relaxed);
        return TS_OK;
    }
    if (quota_charge(account->quota, QUOTA_PAGES, pages)) {
        return TS_OK;
    }
    thread_note_refusal();
    return TS_ERR_LIMIT;
}

ts_status_t account_charge(struct account *account, uint64_t pages)
{
    if (account == NULL) {
        atomic_fetch_add_explicit(&own, pages, memory_order_relaxed);
        return TS_OK;
    }
    if (!credit_take(account, pages)) {
        ts_status_t status = quota_take(account, pages);
        if (status != TS_OK) {
            return status;
        }
    }
    atomic_fetch_add_explicit(&account->used, pages, memory_order_relaxed);
    atomic_fetch_add_explicit(&charged[cpu_current()->id].pages, pages, memory_order_relaxed);
    return TS_OK;
}

void account_uncharge(struct account *account, uint64_t pages)
{
    if (account == NULL) {
        atomic_fetch_sub_explicit(&own, pages, memory_order_relaxed);
        return;
    }
    atomic_fetch_sub_explicit(&account->used, pages, memory_order_relaxed);
    atomic_fetch_sub_explicit(&charged[cpu_current()->id].pages, pages, memory_order_relaxed);
    uint64_t credit =
        atomic_fetch_add_explicit(&account->credit, pages, memory_order_relaxed) + pages;
    uint64_t keep = batch_of(account);
    if (credit > 2 * keep && credit_take(account, credit - keep)) {
        quota_uncharge(account->quota, QUOTA_PAGES, credit - keep);
    }
}

// Whole pages: what is left of the last one becomes spare.
ts_status_t account_charge_more(struct account *account, uint64_t bytes)
{
    uint64_t pages = (bytes + TS_PAGE_SIZE - 1) / TS_PAGE_SIZE;
    ts_status_t status = account_charge(account, pages);
    if (status != TS_OK) {
        return status;
    }
    atomic_fetch_add_explicit(&shares, pages, memory_order_relaxed);
    atomic_fetch_add_explicit(&account->spare, pages * TS_PAGE_SIZE - bytes, memory_order_relaxed);
    return TS_OK;
}

// Gives whole pages back, but for one as long as the process lives: objects come and go.
void account_spare_give(struct account *account)
{
    uint64_t keep = atomic_load_explicit(&account->closed, memory_order_relaxed) ? 0 : 1, pages;
    uint64_t spare = atomic_load_explicit(&account->spare, memory_order_relaxed);
    do {
        pages = spare / TS_PAGE_SIZE;
        if (pages <= keep) {
            return;
        }
        pages -= keep;
    } while (!atomic_compare_exchange_weak_explicit(&account->spare, &spare,
                                                    spare - pages * TS_PAGE_SIZE,
                                                    memory_order_relaxed, memory_order_relaxed));
    atomic_fetch_sub_explicit(&shares, pages, memory_order_relaxed);
    account_uncharge(account, pages);
}

void account_close(struct account *account)
{
    atomic_store_explicit(&account->closed, true, memory_order_relaxed);
    account_spare_give(account);
    uint64_t credit = atomic_exchange_explicit(&account->credit, 0, memory_order_relaxed);
    if (credit != 0) {
        quota_uncharge(account->quota, QUOTA_PAGES, credit);
    }
}

void account_totals_get(struct account_totals *out_totals)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < CPU_MAX; i++) {
        sum += atomic_load_explicit(&charged[i].pages, memory_order_relaxed);
    }
    *out_totals = (struct account_totals){
        .charged = sum,
        .shares = atomic_load_explicit(&shares, memory_order_relaxed),
        .own = atomic_load_explicit(&own, memory_order_relaxed),
    };
}
