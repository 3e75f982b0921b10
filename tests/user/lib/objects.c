// SPDX-License-Identifier: MIT
#include "objects.h"

#include "tap.h"
#include "wait.h"

#include <tessera/abi/object.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include <tessera/lib/process.h>
#include <tessera/lib/thread.h>

bool objects_count(uint64_t *out_count)
{
    return ts_get_u64(ts_named_handle("system"), TS_PROPERTY_KERNEL_OBJECTS, out_count) == TS_OK;
}

bool objects_are_back(uint64_t most, ts_time_t until)
{
    uint64_t count = 0;
    CHECK(objects_count(&count));
    while (count > most && ts_clock_now() < until) { // the reaper is at it
        ts_sleep_until(in_ms(1));
        CHECK(objects_count(&count));
    }
    if (count > most) {
        tap_note("%lu objects of the kernel are too many", (unsigned long)(count - most));
    }
    return count <= most;
}

static int64_t pages_unexplained(void)
{
    struct ts_system_statistics s;
    CHECK_OK(ts_system_statistics(ts_named_handle("system"), &s));
    return (int64_t)(s.pages_total - s.pages_free) -
           (int64_t)(s.pages_charged - s.pages_shares + s.pages_heap + s.pages_own);
}

bool pages_are_explained(void)
{
    ts_time_t until = patience();
    int64_t left;
    while ((left = pages_unexplained()) != 0 && ts_clock_now() < until) {
        ts_thread_yield();
    }
    if (left != 0) {
        tap_note("%ld pages are not explained", (long)left);
    }
    return left == 0;
}
