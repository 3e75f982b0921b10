// SPDX-License-Identifier: MIT
// Allocations that fail on purpose, and a count of those that live: for tests of what the kernel
// does when memory is short. The debug kernel alone; in the other all of this is nothing.
//
// The n-th allocation from now of one process's threads fails, so that the rest of the system is
// not hit: TS_PROPERTY_ALLOCATION_FAILURE of a process. One process at a time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <tessera/abi/status.h>
#include <tessera/abi/types.h>

#if TS_DEBUG

// Asked by each way to get memory (heap_alloc, page_alloc and its like) before it does anything:
// true means that it has to fail. Any context.
bool allocation_refused(void);

// Memory of the heap was given out (1) or taken back (-1).
void allocation_count(int change);

// Objects of the heap in use.
TS_MUST_USE ts_status_t allocation_live(uint64_t *out_count);

// The n-th allocation of the process with this id fails; 0: none. *out_left of allocation_left:
// what is left of n, 0 once one has failed or for a process that is not the one.
TS_MUST_USE ts_status_t allocation_fail(uint64_t process_id, uint64_t n);
TS_MUST_USE ts_status_t allocation_left(uint64_t process_id, uint64_t *out_left);

#else

static inline bool allocation_refused(void)
{
    return false;
}

static inline void allocation_count(int change)
{
    (void)change;
}

static inline ts_status_t allocation_live(uint64_t *out_count)
{
    (void)out_count;
    return TS_ERR_UNSUPPORTED;
}

static inline ts_status_t allocation_fail(uint64_t process_id, uint64_t n)
{
    (void)process_id, (void)n;
    return TS_ERR_UNSUPPORTED;
}

static inline ts_status_t allocation_left(uint64_t process_id, uint64_t *out_left)
{
    (void)process_id, (void)out_left;
    return TS_ERR_UNSUPPORTED;
}

#endif
