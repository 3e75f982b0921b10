// SPDX-License-Identifier: MIT
// The reaper: the kernel thread that takes things apart.
//
// Objects without a reference come to it by reaper_retire() and are destroyed when every CPU
// has been quiescent. Teardown that takes long (a process, a ring, a port, a memory) is work: a
// function that does a chunk of it and says whether there is more. Queueing needs no memory.
// A class's destroy does no more than a chunk, or queues work.
//
// It takes its time from the thread whose act it is the end of: what is retired or queued has the
// priority of the thread that did it (for a process, of the last of its threads), and the reaper
// runs at the highest that it has something of, giving way to others of that priority now and then.
// Only with its first few steps it goes before them, so that the little that mostly comes is done
// at once. And a thread that is refused memory waits a little for what is about to be freed
// (reaper_wait); the reaper goes on with that meanwhile at no less than the thread's priority.
#pragma once

#include <core/work.h>
#include <stdbool.h>
#include <stdint.h>
#include <tessera/abi/status.h>
#include <tessera/abi/types.h>

struct object;
struct thread;

#define REAPER_CHUNK 64u

// A kernel thread that begins with reaper_run(); NULL, for want of memory, is a panic. It is
// launched.
void reaper_init(struct thread *thread);
_Noreturn void reaper_run(void);
// An object that has no reference left. Any context.
void reaper_retire(struct object *object);
// The work must not be queued already. Any context; no lock of a run queue held.
void reaper_queue(struct work *work);
// The same for another thread's end, at that one's priority.
void reaper_queue_at(struct work *work, uint8_t priority);

// The current thread was refused memory by the machine (TS_ERR_MEMORY), or by a job what that has
// too little of: lets the reaper run before it, and waits, not long, until there is nothing left to
// reap. False: there was nothing; else it is worth trying again. Interrupts on, no lock held.
bool reaper_wait_refused(ts_status_t status);
// The same with any status that it was answered with. (Other limits are TS_ERR_LIMIT as well.)
static inline bool reaper_wait(ts_status_t status)
{
    return (status == TS_ERR_LIMIT || status == TS_ERR_MEMORY) && reaper_wait_refused(status);
}
