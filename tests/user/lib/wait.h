// SPDX-License-Identifier: MIT
// Times for tests. A guest's time goes on while its host does not run it: any thread may stand
// still for a second, at any instruction, and the others of its CPUs run on.
#pragma once

#include <tessera/lib/clock.h>

static inline ts_time_t in_ms(int64_t ms)
{
    return ts_deadline_in(ms * TS_MILLISECOND);
}

// For what must come: it keeps a test that fails from hanging, and no busy machine reaches it.
static inline ts_time_t patience(void)
{
    return ts_deadline_in(20 * TS_SECOND);
}
