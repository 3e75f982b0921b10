// SPDX-License-Identifier: MIT
// What a program does while an allocation of the kernel fails. Each workload is done once with the
// failure, and then once without, in the same process: what failed has left nothing in the way.
#pragma once

#include <stdint.h>
#include <tessera/abi/types.h>

struct workload {
    const char *name;
    void (*prepare)(void);    // before the failure is armed; may be NULL
    ts_status_t (*run)(void); // the first error, with everything undone; WORKLOAD_WRONG
};

// A call succeeded and did not do what it said.
#define WORKLOAD_WRONG 1

extern const struct workload workloads[];
extern const unsigned workload_count;

// What the program tells its parent, in memory that both map.
struct verdict {
    uint64_t armed;        // it got so far
    uint64_t left;         // of the allocations up to the one that fails: 0 = it was reached
    int64_t first, second; // of the two runs
};
#define VERDICT_NAME "verdict"

// In the program: workload `number` with its n-th allocation failing.
int workload_child(unsigned number, uint64_t n);
