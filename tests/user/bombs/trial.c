// SPDX-License-Identifier: MIT
// See trial.h.
#include "trial.h"

#include "folder.h"
#include "job.h"
#include "objects.h"
#include "pair.h"
#include "servers.h"
#include "tap.h"
#include "witness.h"

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>

#define LOOK_NS    (5 * TS_MILLISECOND)
#define GOES_OFF_S 60
#define GONE_MS    60000
#define BACK_MS    2000
#define TRIES      6u // what is lost is lost each time; others may keep something for a while

static int64_t most_beyond = INT64_MIN;

int64_t trial_most_beyond(void)
{
    return most_beyond;
}

static int64_t pages_free(void)
{
    struct ts_system_statistics system;
    CHECK_OK(ts_system_statistics(ts_named_handle("system"), &system));
    return (int64_t)system.pages_free;
}

void trial_begin(struct trial *trial, const struct bomb *bomb, ts_handle_t above,
                 const struct ts_job_limits *limits)
{
    void *at;
    trial->bomb = bomb;
    trial->begun = ts_clock_now();
    CHECK_OK(ts_memory_allocate(BOMB_PAGE, 0, &trial->told_memory, &at));
    trial->told = at;
    CHECK_OK(ts_job_create(above, limits, &trial->job));
    ts_status_t status =
        bomb_start(bomb, trial->large, trial->job, trial->told_memory, &trial->process);
    if (status != TS_OK) {
        tap_note("%s does not start", bomb->name);
    }
    CHECK_OK(status);
}

bool trial_is_over(const struct trial *trial)
{
    return trial->told->stopped != 0 ||
           ts_process_wait(trial->process, ts_deadline_in(1), NULL) == TS_OK;
}

// It ended as the table says.
static void trial_check(const struct trial *trial)
{
    const struct bomb *bomb = trial->bomb;
    struct ts_process_report report = {0};
    bool ended =
        ts_process_report(trial->process, &report) == TS_OK && report.reason != TS_EXIT_NONE;
    tap_note("%s: %lu made, then %d%s; %ld ms", bomb->name, (unsigned long)trial->told->made,
             trial->told->status, ended ? ", ended" : "",
             (long)((ts_clock_now() - trial->begun) / TS_MILLISECOND));
    if (ended && bomb->touches) {
        CHECK_EQUAL(report.reason, TS_EXIT_LIMIT);
    } else {
        CHECK(!ended);
        CHECK_EQUAL(trial->told->status, bomb->status);
    }
    CHECK(trial->told->made > 0 || bomb->most == 0);
}

void trial_end(struct trial *trial)
{
    CHECK_OK(ts_job_kill(trial->job));
    CHECK_OK(ts_process_wait(trial->process, in_ms(GONE_MS), NULL));
    ts_close(trial->process); // what it says of its end is charged while somebody can ask for it
    job_check_empty(trial->job);
    ts_close(trial->job);
    CHECK_OK(ts_memory_unmap(trial->told, BOMB_PAGE));
    ts_close(trial->told_memory);
    trial->job = TS_HANDLE_NONE;
}

// The bomb has what it can get: the machine is without no more than that.
static void check_pages(const struct bomb *bomb, int64_t before)
{
    int64_t beyond = before - pages_free() - (int64_t)bomb->limits.pages;
    if (!bomb->serves && beyond > most_beyond) {
        most_beyond = beyond;
    }
}

// Whether everything was back afterwards.
static bool run_once(const struct bomb *bomb)
{
    static struct trial trial;
    if (trial.job != TS_HANDLE_NONE) { // of one that failed
        (void)ts_job_kill(trial.job);
    }
    trial = (struct trial){0};
    int64_t worst = 0, before = pages_free();
    uint64_t objects = 0, handles = servers_handles();
    bool counted = objects_count(&objects); // the debug kernel alone does
    ts_time_t until = ts_deadline_in(GOES_OFF_S * TS_SECOND);
    folder_begin();
    trial_begin(&trial, bomb, ts_named_handle(TS_NAME_JOB), &bomb->limits);
    do {
        witness_look(&worst);
        ts_sleep_until(ts_deadline_in(LOOK_NS));
    } while (!trial_is_over(&trial) && ts_clock_now() < until);
    trial_check(&trial);
    check_pages(bomb, before);
    witness_look(&worst);
    trial_end(&trial);
    folder_end();
    witness_look(&worst);
    tap_note("%s: those beside it waited %ld ms at the longest", bomb->name,
             (long)(worst / TS_MILLISECOND));
    return servers_are_back(handles) && (!counted || objects_are_back(objects, in_ms(BACK_MS)));
}

void trial_run(const struct bomb *bomb)
{
    bool back = false;
    for (unsigned i = 0; i < TRIES && !back; i++) {
        back = run_once(bomb);
    }
    CHECK(back);
}
