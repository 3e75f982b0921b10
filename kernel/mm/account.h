// SPDX-License-Identifier: MIT
// The payer of memory: a process's account with its job.
//
// A process has one account. Its address space, the memory objects that it makes and every kernel
// object that its acts make keep a reference, so that what outlives the process (memory that was
// sent to others, say) stays charged to its job until it is freed. Pages are taken from the job in
// batches, ACCOUNT_BATCH at the most, so that a page fault touches the job tree once in 32 times; a
// job's limit is exact within these batches. What is smaller than a page is charged
// by the byte (paid.h): the account takes a page for it and keeps what is left for the next.
//
// Where an account may be NULL that is the kernel's own expense: counted, and without a limit.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include <tessera/abi/status.h>
#include <tessera/abi/types.h>

struct object;
struct quota;

#define ACCOUNT_BATCH 32u

struct account {
    atomic_uint references;
    _Atomic bool closed;     // its process has ended: nothing is taken or kept in advance any more
    struct quota *quota;     // what it takes pages from
    struct object *owner;    // whose that is: a reference is held
    _Atomic uint64_t credit; // pages taken from the job and not used
    _Atomic uint64_t used;   // pages charged here
    _Atomic uint64_t spare;  // bytes of them, for small objects to come
};

// With one reference; it pays for itself. NULL: *out_status says why (TS_ERR_MEMORY,
// TS_ERR_LIMIT). Takes a reference to the owner, a job, whose the quota is.
struct account *account_create(struct quota *quota, struct object *owner, ts_status_t *out_status);
// NULL is fine for these two.
void account_get(struct account *account);
// Any context. The last put gives the credit back.
void account_put(struct account *account);

// TS_ERR_LIMIT: the job or one above it has reached its limit; nothing is charged. Any context;
// lock-free. The account may be NULL.
TS_MUST_USE ts_status_t account_charge(struct account *account, uint64_t pages);
void account_uncharge(struct account *account, uint64_t pages);

// The same for bytes of small objects. (The usual case is inline: every object that comes and goes
// is charged.)
TS_MUST_USE ts_status_t account_charge_more(struct account *account, uint64_t bytes);
void account_spare_give(struct account *account);
static inline TS_MUST_USE ts_status_t account_charge_bytes(struct account *account, uint64_t bytes)
{
    if (account == NULL) {
        return TS_OK;
    }
    uint64_t spare = atomic_load_explicit(&account->spare, memory_order_relaxed);
    while (spare >= bytes) {
        if (atomic_compare_exchange_weak_explicit(&account->spare, &spare, spare - bytes,
                                                  memory_order_relaxed, memory_order_relaxed)) {
            return TS_OK;
        }
    }
    return account_charge_more(account, bytes);
}
static inline void account_uncharge_bytes(struct account *account, uint64_t bytes)
{
    if (account == NULL) {
        return;
    }
    uint64_t spare = atomic_fetch_add_explicit(&account->spare, bytes, memory_order_relaxed);
    if (spare + bytes >= TS_PAGE_SIZE) {
        account_spare_give(account);
    }
}

// Gives the unused credit back: at the end of the process.
void account_close(struct account *account);

// Pages charged now (for TS_PROPERTY_PROCESS_STATISTICS).
static inline uint64_t account_used(const struct account *account)
{
    return atomic_load_explicit(&account->used, memory_order_relaxed);
}

// All accounts together: exact while nobody charges, else a picture.
struct account_totals {
    uint64_t charged; // pages of all accounts, credit left out
    uint64_t shares;  // of these, for bytes of small objects
    uint64_t own;     // pages at the kernel's own expense, those of its small objects left out
};
void account_totals_get(struct account_totals *out_totals);
