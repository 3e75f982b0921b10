// SPDX-License-Identifier: MIT
// The network stack as one: what main.c (or a test) runs.
#pragma once

#include "netd.h"

// Starts lwIP and makes the interfaces and the root object. Packet memory is allocated here.
TS_MUST_USE ts_status_t stack_init(struct ts_loop *loop, struct ts_server *server);

// Work that is done once for a batch of events, before the loop waits: timers of lwIP, segments,
// signals, doorbell. True: the link's driver is to be signalled.
bool stack_batch(void);
