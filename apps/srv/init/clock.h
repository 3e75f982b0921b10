// SPDX-License-Identifier: MIT
// The realtime: init alone changes it, by the battery-backed clock and for those who may set it.
#pragma once

#include <tessera/lib/status.h>
#include <tessera/proto/init.h>

// Reads the battery-backed clock from now on.
void clock_begin(void);

// TS_ERR_ARGUMENT: unknown flags; TS_ERR_RANGE: not a time from 1970 to 2099;
// TS_ERR_BUSY: measured before the machine stood still.
TS_MUST_USE ts_status_t clock_adjust(const struct ts_init_clock *wanted);
