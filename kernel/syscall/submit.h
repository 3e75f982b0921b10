// SPDX-License-Identifier: MIT
// Taking submissions out of a ring. Inside kernel/syscall.
#pragma once

#include <object/ring.h>
#include <object/thread.h>

// Takes at most `most` submissions; stops when the user has none left or no record is free. The
// current thread has entered the ring. Returns how many were taken.
uint32_t ring_submit(struct ring *ring, struct thread *thread, uint32_t most);

// Takes one, of any kind. The ring's spare record is there. False: it stays, since no record is
// free. Interrupts on.
bool submission_take(struct ring *ring, struct thread *thread, const struct ts_submission *slot);

// The continuation of a thread that waits in its ring (thread.ring). Interrupts off.
_Noreturn void ring_wait_continue(void);
