// SPDX-License-Identifier: MIT
// The clock page: read-only memory that every process may map to read the time without a call.
//
//   do { s = sequence (acquire); ns = base_ns + ((counter - base_counter) * multiplier >> shift) }
//   while (s odd or sequence changed)
// `counter` is the machine's time stamp counter. Realtime = monotonic + realtime_offset + what of
// `slew` has been made good by then: ts_clock_slewed().
#pragma once

#include <tessera/abi/types.h>

#define TS_CLOCK_VERSION    2u
#define TS_CLOCK_SLEW_SHIFT 8 // a slew changes realtime's rate by 2^-8 at the most

struct ts_clock {
    uint32_t version;
    uint32_t sequence; // odd while the kernel changes it
    uint64_t base_counter;
    uint64_t base_ns;
    uint64_t multiplier;
    uint32_t shift; // below 64
    uint32_t reserved;
    int64_t realtime_offset; // ns since 1970-01-01 UTC at monotonic 0
    int64_t slew_begin;      // monotonic
    int64_t slew;            // ns that realtime is moved by from then on, little by little
};

// What of a slew is made good at a monotonic time. Realtime goes on meanwhile, whatever the sign.
static inline int64_t ts_clock_slewed(int64_t begin, int64_t slew, int64_t now)
{
    uint64_t whole = slew < 0 ? -(uint64_t)slew : (uint64_t)slew;
    uint64_t part = now > begin ? ((uint64_t)now - (uint64_t)begin) >> TS_CLOCK_SLEW_SHIFT : 0;
    part = part < whole ? part : whole;
    return slew < 0 ? -(int64_t)part : (int64_t)part;
}
