// SPDX-License-Identifier: MIT
// Taking submissions out of a ring. Inside kernel/syscall.
#pragma once

#include <object/ring.h>
#include <object/thread.h>

// Takes `most` submissions, which are there (submissions_there()); stops when no record is free.
// The current thread has entered the ring. Returns how many were taken. Interrupts off, but on in
// between where there is much to do.
uint32_t ring_submit(struct ring *ring, struct thread *thread, uint32_t most);

// Takes one, of any kind. The ring's spare record is there. False: it stays, since no record is
// free. Interrupts on.
bool submission_take(struct ring *ring, struct thread *thread, const struct ts_submission *slot);

// Waits in the ring that the thread has entered, with a reference, as its fields say; the results
// are set in its frame. Returns with events, or ends in user mode. Interrupts on.
void ring_wait(struct thread *thread);

// The same if a look has found too few events, and nothing else to collect.
void ring_wait_for_more(struct thread *thread);

// The continuation of a thread that waits in its ring (thread.ring). Interrupts off.
_Noreturn void ring_wait_continue(void);
