// SPDX-License-Identifier: MIT
// The timers of each CPU: core/timer.h over the machine's one timer per CPU.
#pragma once

#include <core/timer.h>

// Makes the calling CPU's queue. Before any timer is armed on it. TS_ERR_MEMORY.
TS_MUST_USE ts_status_t timer_queue_init(void);
