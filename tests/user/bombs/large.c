// SPDX-License-Identifier: MIT
// See large.h.
#include "large.h"

#include "pair.h"
#include "tap.h"
#include "trial.h"

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/process.h>

#define SPARED  8192u // pages that the rest of the system keeps
#define GROW_S  300
#define GONE_S  120
#define STILL   (200 * TS_MILLISECOND) // for which most of the time nobody runs
#define LOOK_NS (2 * TS_MILLISECOND)

static bool job_is_empty(ts_handle_t job)
{
    struct ts_job_statistics statistics;
    CHECK_OK(ts_job_statistics(job, &statistics));
    return statistics.used.pages + statistics.used.handles + statistics.used.threads +
               statistics.processes ==
           0;
}

static struct ts_job_limits limits_of_the_machine(void)
{
    struct ts_system_statistics system;
    CHECK_OK(ts_system_statistics(ts_named_handle("system"), &system));
    CHECK(system.pages_free > 2 * SPARED);
    return (struct ts_job_limits){.pages = system.pages_free - SPARED};
}

static void say_armed(const struct trial *trial)
{
    struct ts_job_statistics job;
    CHECK_OK(ts_job_statistics(trial->job, &job));
    tap_note("bomb %s armed made=%lu status=%d pages=%lu handles=%lu threads=%lu processes=%lu",
             trial->bomb->name, (unsigned long)trial->told->made, trial->told->status,
             (unsigned long)job.used.pages, (unsigned long)job.used.handles,
             (unsigned long)job.used.threads, (unsigned long)job.processes);
}

static uint64_t idle_ns(void)
{
    struct ts_system_statistics system;
    CHECK_OK(ts_system_statistics(ts_named_handle("system"), &system));
    return system.idle_ns;
}

// What others of the bomb's programs still do is no part of its death.
static bool is_still(void)
{
    uint64_t before = idle_ns();
    ts_sleep_until(ts_deadline_in(STILL));
    return idle_ns() - before > STILL / 2;
}

static int64_t ms_since(ts_time_t time)
{
    return (ts_clock_now() - time) / TS_MILLISECOND;
}

void large_run(const struct bomb *bomb)
{
    const struct ts_job_limits limits = limits_of_the_machine();
    struct trial trial = {.large = true};
    ts_time_t until = ts_deadline_in(GROW_S * TS_SECOND);
    trial_begin(&trial, bomb, ts_named_handle(TS_NAME_JOB), &limits);
    while (!trial_is_over(&trial) && ts_clock_now() < until) {
        ts_sleep_until(ts_deadline_in(100 * TS_MILLISECOND));
    }
    say_armed(&trial);
    while (!is_still() && ts_clock_now() < until) {
        continue;
    }
    tap_note("bomb %s dies", bomb->name);
    ts_time_t killed = ts_clock_now();
    CHECK_OK(ts_job_kill(trial.job));
    CHECK_OK(ts_process_wait(trial.process, ts_deadline_in(GONE_S * TS_SECOND), NULL));
    ts_close(trial.process);
    trial.process = TS_HANDLE_NONE;
    ts_time_t gone = ts_clock_now();
    until = ts_deadline_in(GONE_S * TS_SECOND);
    while (!job_is_empty(trial.job) && ts_clock_now() < until) {
        ts_sleep_until(ts_deadline_in(LOOK_NS));
    }
    struct ts_system_statistics system;
    CHECK_OK(ts_system_statistics(ts_named_handle("system"), &system));
    tap_note("bomb %s gone=%ld back=%ld empty=%d section=%lu", bomb->name,
             (long)((gone - killed) / TS_MILLISECOND), (long)ms_since(gone),
             job_is_empty(trial.job), (unsigned long)system.longest_locked_ns);
}
