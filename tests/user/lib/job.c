// SPDX-License-Identifier: MIT
#include "job.h"

#include "tap.h"
#include "wait.h"

#include <tessera/lib/process.h>

void job_check_empty(ts_handle_t job)
{
    struct ts_job_statistics statistics;
    ts_time_t until = patience();
    do {                          // the reaper is at it
        ts_sleep_until(in_ms(1)); // at whatever priority those had
        CHECK_OK(ts_job_statistics(job, &statistics));
    } while (statistics.used.pages + statistics.used.handles + statistics.used.threads +
                     statistics.processes !=
                 0 &&
             ts_clock_now() < until);
    CHECK_EQUAL(statistics.processes, 0);
    CHECK_EQUAL(statistics.used.pages, 0);
    CHECK_EQUAL(statistics.used.handles, 0);
    CHECK_EQUAL(statistics.used.threads, 0);
}
