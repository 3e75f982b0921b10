// SPDX-License-Identifier: MIT
// Events and interrupts: a count which one waiter takes, and the signal READABLE while it is not 0.
#pragma once

#include <tessera/lib/op.h>

TS_MUST_USE ts_status_t ts_event_create(uint64_t count, ts_handle_t *out_event);

// Adds to the count and wakes one waiter.
TS_MUST_USE ts_status_t ts_event_signal(ts_handle_t event, uint64_t add);

// Until the count is not 0; takes the whole count. Interrupts alike.
TS_MUST_USE ts_status_t ts_event_wait(ts_handle_t event, ts_time_t deadline, uint64_t *out_count);

// Re-arms an interrupt once its cause is dealt with.
TS_MUST_USE ts_status_t ts_interrupt_acknowledge(ts_handle_t interrupt);
