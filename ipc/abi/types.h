// SPDX-License-Identifier: MIT
// The scalar types that kernel and programs share.
#pragma once

#include <stddef.h>
#include <stdint.h>

// A word of plain memory for the functions of <stdatomic.h>: one that another side of a mapping
// writes, or that a lock guards and somebody looks at without it. What is never touched in another
// way is declared _Atomic instead.
#define TS_ATOMIC(pointer) ((_Atomic(__typeof__(((void)0, *(pointer)))) *)(pointer))

// A function that returns a status is TS_MUST_USE: a caller that does not look at it says so by
// (void).
#define TS_MUST_USE __attribute__((warn_unused_result))

typedef int32_t ts_status_t;  // 0 or a negative TS_ERR_*
typedef uint32_t ts_handle_t; // slot 20 bits, generation 12 bits (never 0); 0 names nothing
typedef uint16_t ts_rights_t; // TS_RIGHT_* bits
typedef uint32_t ts_signals_t;
typedef int64_t ts_time_t; // nanoseconds of the shared clock; as a deadline 0 means none

#define TS_HANDLE_NONE ((ts_handle_t)0)

#define TS_DEADLINE_NONE ((ts_time_t)0)
#define TS_DEADLINE_PAST ((ts_time_t)1) // only what can be had at once
#define TS_PAGE_SIZE     4096u
