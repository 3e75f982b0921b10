// SPDX-License-Identifier: MIT
// The listening socket: opens a session of the network stack, binds, listens, keeps accepts in
// flight; all of it again when the stack was restarted.
#pragma once

// Begins; goes on by itself.
void listener_start(void);
