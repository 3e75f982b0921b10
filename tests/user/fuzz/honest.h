// SPDX-License-Identifier: MIT
// An honest client and server beside the hostile program, which has a session with the server and
// may ask it what it likes; the honest client must not notice.
#pragma once

#include <tessera/abi/types.h>

// `out_target` is an object for the hostile program, and stays of this.
void honest_begin(ts_handle_t *out_target);
// Asks so many times and checks the answers; returns how many they were.
uint64_t honest_ask(unsigned count);
// Wakes waiters on memory that is new: there may be none, whatever the hostile program left behind.
void honest_wake(void);
void honest_end(void);
