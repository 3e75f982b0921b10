// SPDX-License-Identifier: MIT
// The clock of core code on the host: the test's own.
#pragma once

#include <tessera/abi/types.h>

ts_time_t clock_now(void);
