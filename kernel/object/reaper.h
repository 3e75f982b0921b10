// SPDX-License-Identifier: MIT
// The reaper: the kernel thread that takes things apart.
//
// Objects without a reference come to it by environment_retire() and are destroyed when every CPU
// has been quiescent. Teardown that takes long (a process, a ring, a port) is work: a function that
// does a chunk of it and says whether there is more. Queueing needs no memory.
#pragma once

#include <core/list.h>
#include <stdbool.h>

#define REAPER_CHUNK 64u

struct reaper_work {
    struct list link;
    // Does at most a chunk. True: call it again. Once it returned false the work's memory is not
    // touched any more. Preemptible, in the reaper.
    bool (*step)(struct reaper_work *work);
};

void reaper_init(void);
// The work must not be queued already. Any context; no lock of a run queue held.
void reaper_queue(struct reaper_work *work);
