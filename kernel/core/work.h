// SPDX-License-Identifier: MIT
// Work that takes long and is done in steps, in the reaper (kernel/object/reaper.h). It is part of
// what it ends, so that queueing it needs no memory.
#pragma once

#include <base/list.h>
#include <stdbool.h>
#include <stdint.h>

struct work {
    struct list link;
    // Does at most a chunk. True: call it again. Once it returned false the work's memory is not
    // touched any more. Preemptible, in the reaper.
    bool (*step)(struct work *work);
    uint8_t priority;
};
