// SPDX-License-Identifier: MIT
// The clock page: read-only memory that every process may map to read the time without a call.
//
//   do { s = sequence (acquire); ns = base_ns + ((counter - base_counter) * multiplier >> shift) }
//   while (s odd or sequence changed)
// `counter` is the machine's time stamp counter. Realtime = monotonic + realtime_offset.
#pragma once

#include <tessera/abi/types.h>

#define TS_CLOCK_VERSION 1u

struct ts_clock {
    uint32_t version;
    uint32_t sequence; // odd while the kernel changes it
    uint64_t base_counter;
    uint64_t base_ns;
    uint64_t multiplier;
    uint32_t shift; // below 64
    uint32_t reserved;
    int64_t realtime_offset; // ns since 1970-01-01 UTC at monotonic 0
};
