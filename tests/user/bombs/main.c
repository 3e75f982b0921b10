// SPDX-License-Identifier: MIT
// Bombs of all kinds, each in a job with limits (docs/security/bombs.md). For each: what it was
// refused with, that those beside it did not notice, that the machine lost no more than its job may
// have, and that everything is back afterwards.
//
//   bombs                  each of them, small
//   bombs NAME             one of them
//   bombs together         those of the kernel all at once, in one job
//   bombs large NAME       one that grows to the size of the machine, and its death; to be
//                          looked at from outside (`./tessera bench contain`)
//
// Each file knows only those above it:
//
//   folder, servers, witness   what is beside it
//   bomb                       the child that goes off
//   kernel, ring, server       bombs by what keeps what they take
//   trial                      one in a job, and what is left of it
//   table                      all of them
//   large                      one that takes the whole machine
//   main                       which go off
#include "bomb.h"
#include "job.h"
#include "large.h"
#include "objects.h"
#include "pair.h"
#include "tap.h"
#include "trial.h"
#include "witness.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/process.h>

#define SLACK    128 // pages that others may take meanwhile, and the kernel's own tables
#define BOMBS    64u // as many as there may be, and a few more tests
#define PATIENCE (120 * TS_SECOND)

static const struct bomb *const lists[] = {bombs_kernel, bombs_ring, bombs_server};
static const struct bomb *wanted; // by `large`

// One test a bomb: they run in the order of the list.
static struct tap_test tests[BOMBS];
static const struct bomb *order[BOMBS];
static unsigned count, next;

static void run_next(void)
{
    trial_run(order[next++]);
}

static void add(const struct bomb *bomb)
{
    if (count == BOMBS - 3) {
        return; // its test is missed then: expected.txt has it
    }
    order[count] = bomb;
    tests[count++] = (struct tap_test){bomb->name, run_next};
}

static void rule_m09_what_a_job_makes_is_within_its_limit(void)
{
    int64_t most = trial_most_beyond();
    tap_note("%ld pages beyond a job's limit at the most", (long)most);
    CHECK(most <= SLACK);
}

static void rule_m10_after_all_of_that_too(void)
{
    CHECK(pages_are_explained());
}

static void all_at_once(void)
{
    static const struct ts_job_limits above = {0};
    static struct trial trials[BOMBS];
    unsigned number = 0, over = 0;
    int64_t worst = 0;
    ts_handle_t job;
    ts_time_t until = ts_deadline_in(PATIENCE);
    witness_begin();
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &above, &job));
    for (unsigned i = 0; i < 2; i++) { // those of servers would take away what they need
        for (const struct bomb *bomb = lists[i]; bomb->name != NULL; bomb++) {
            trial_begin(&trials[number++], bomb, job, &bomb->limits);
        }
    }
    while (over < number && ts_clock_now() < until) {
        over = 0;
        for (unsigned i = 0; i < number; i++) {
            over += trial_is_over(&trials[i]);
        }
        witness_look(&worst);
        ts_sleep_until(ts_deadline_in(20 * TS_MILLISECOND));
    }
    tap_note("%u of %u at their limit; those beside them waited %ld ms at the longest", over,
             number, (long)(worst / TS_MILLISECOND));
    CHECK_OK(ts_job_kill(job));
    for (unsigned i = 0; i < number; i++) {
        trial_end(&trials[i]);
    }
    job_check_empty(job);
    ts_close(job);
    witness_look(&worst);
    witness_end();
}

static void begin(void)
{
    witness_begin();
}

static void end(void)
{
    witness_end();
}

static void grow_and_die(void)
{
    large_run(wanted);
}

static int run_small(const char *only)
{
    static const struct tap_test first = TAP(begin), last = TAP(end),
                                 limits = TAP(rule_m09_what_a_job_makes_is_within_its_limit),
                                 sum = TAP(rule_m10_after_all_of_that_too);
    tests[count++] = first;
    next = count;
    for (unsigned i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        for (const struct bomb *bomb = lists[i]; bomb->name != NULL; bomb++) {
            if (only == NULL || strcmp(only, bomb->name) == 0) {
                add(bomb);
            }
        }
    }
    tests[count++] = limits;
    tests[count++] = sum;
    tests[count++] = last;
    return tap_run(tests, count);
}

int main(int argc, char **argv)
{
    static const struct tap_test together = TAP(all_at_once), large = TAP(grow_and_die);
    const char *word = argc > 1 ? argv[1] : "", *name = argc > 2 ? argv[2] : "";
    wanted = bomb_find(name);
    if (strcmp(word, "child") == 0 && wanted != NULL) {
        bomb_explode(wanted, false);
    }
    if (strcmp(word, "child-large") == 0 && wanted != NULL) {
        bomb_explode(wanted, true);
    }
    if (strcmp(word, "large") == 0 && wanted != NULL) {
        return tap_run(&large, 1);
    }
    if (strcmp(word, "together") == 0) {
        return tap_run(&together, 1);
    }
    return run_small(argc > 1 ? word : NULL);
}
