// SPDX-License-Identifier: MIT
// What drivers' logic stands on, for tests: a clock that the test sets, and memory for devices. Bus
// addresses are pointers, with bit 60 as the test likes (so that neighbouring pages need not look
// contiguous).
#pragma once

#include <stdbool.h>
#include <tessera/abi/types.h>

#define FAKE_ODD_PAGE (UINT64_C(1) << 60)

// Nanoseconds that ts_clock_now tells. A wait is over at once, and the time is then what it ends
// at.
extern ts_time_t fake_now;

// Whether memory for devices lies below 4 GiB.
extern bool fake_dma_low;
