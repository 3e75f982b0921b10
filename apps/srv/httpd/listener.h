// SPDX-License-Identifier: MIT
// The listening socket: opens a session of the network stack, binds, listens, keeps accepts in
// flight; all of it again when the stack was restarted.
#pragma once

// Begins; goes on by itself.
void listener_start(void);

// A connection has ended: what was not accepted for want of a place is.
void listener_place_free(void);
