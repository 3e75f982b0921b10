// SPDX-License-Identifier: MIT
// The network cards that there are: each driver of the class "net" gets an interface.
#pragma once

#include "nic.h"

#define CARDS_NAME "nics" // the named handle of the class

// Starts to look for drivers, and goes on for as long as the loop runs: there can come more.
// `attached` is called each time that one was found, at first or again after its death. Without the
// named handle there are no cards and nothing happens, TS_OK.
TS_MUST_USE ts_status_t cards_start(struct ts_loop *loop, void (*attached)(struct nic *));

// After a batch: wakes the drivers of these links, and leaves those that broke the rules.
void cards_after_batch(uint32_t signal);
