// SPDX-License-Identifier: MIT
// The network stack as one: what main.c (or a test) runs.
#pragma once

#include "netd.h"

// Starts lwIP and makes the loopback and the root object. Packet memory is allocated here.
TS_MUST_USE ts_status_t stack_init(struct ts_loop *loop, struct ts_server *server);

// One more card's interface, for good. TS_ERR_LIMIT: there are NETD_CARDS.
TS_MUST_USE ts_status_t stack_add_link(struct link **out_link);

// Work that is done once for a batch of events, before the loop waits: timers of lwIP, segments,
// signals, doorbells. A bit for each link whose driver is to be signalled.
uint32_t stack_batch(void);
