// SPDX-License-Identifier: MIT
// Who pays for pages: a process's account with its job.
//
// A process has one account; its address space and the memory objects that it makes keep a
// reference, so that what outlives the process (memory that was sent to others) stays charged to
// its job until it is freed. Pages are taken from the job in batches of ACCOUNT_BATCH, so that a
// page fault touches the job tree once in 32 times; a job's limit is exact within these batches.
#pragma once

#include <stdatomic.h>

#include <tessera/abi/status.h>
#include <tessera/abi/types.h>

struct job;

#define ACCOUNT_BATCH 32u

struct account {
    atomic_uint references;
    struct job *job;         // a reference is held
    _Atomic uint64_t credit; // pages taken from the job and not used
    _Atomic uint64_t used;   // pages charged here
};

// With one reference. NULL: no memory. Takes a reference to the job.
struct account *account_create(struct job *job);
void account_get(struct account *account);
// Any context. The last put gives the credit back.
void account_put(struct account *account);

// TS_ERR_LIMIT: the job or one above it has reached its limit; nothing is charged. Any context;
// lock-free.
ts_status_t account_charge(struct account *account, uint64_t pages);
void account_uncharge(struct account *account, uint64_t pages);

// Gives the unused credit back: at the end of the process.
void account_trim(struct account *account);

// Pages charged now (for TS_PROPERTY_PROCESS_STATISTICS).
static inline uint64_t account_used(const struct account *account)
{
    return atomic_load_explicit(&account->used, memory_order_relaxed);
}
