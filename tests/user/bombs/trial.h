// SPDX-License-Identifier: MIT
// A bomb goes off in a job of its own, and is looked at.
#pragma once

#include "bomb.h"

struct trial {
    const struct bomb *bomb;
    bool large;
    ts_handle_t job, process, told_memory;
    struct bomb_told *told;
    ts_time_t begun;
};

// All of these fail the test when something is not as it must be. `above`: the job that the bomb's
// is made in.
void trial_begin(struct trial *trial, const struct bomb *bomb, ts_handle_t above,
                 const struct ts_job_limits *limits);
// True: it has stopped, or was ended since it touched what there was not.
bool trial_is_over(const struct trial *trial);
// Kills it and waits until its job has nothing.
void trial_end(struct trial *trial);

// One of the table, small, with all that is to be looked at.
void trial_run(const struct bomb *bomb);
// The most pages that the machine was without beyond a job's limit, in all of them so far.
int64_t trial_most_beyond(void);
