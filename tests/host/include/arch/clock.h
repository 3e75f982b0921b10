// SPDX-License-Identifier: MIT
// Clock and timer of kernel code on the host: the test's own.
#pragma once

#include <tessera/abi/types.h>

ts_time_t clock_now(void);
void timer_arm(ts_time_t deadline);
uint64_t arch_clock_frequency(void);
