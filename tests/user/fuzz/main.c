// SPDX-License-Identifier: MIT
// The kernel's fuzzer: docs/testing.md.
//
//   fuzz [SEED [SECONDS [STEPS [ROUNDS]]]]
//
// A round is one hostile program (hostile.h) of STEPS steps, from the seed SEED + its number, in a
// job with limits. It runs beside an honest client and server and a bystander's memory, and is
// killed when it takes too long; when it is gone, everything that it had has to be back. Rounds go
// on for SECONDS, or until there were ROUNDS of them. Its parts are of one program, so that the
// same image serves all.
//
// Each file knows only those above it:
//
//   bystander, devices, honest   what is beside it
//   actor                        what does something at random
//   pool                         what steps have left
//   value                        hostile numbers and addresses
//   lane, method                 rings; methods of objects
//   shape                        the fields of an operation
//   step_call                    with any system call
//   step_device, step_port       with devices, with ports
//   step_process                 steps with processes
//   step                         what is done next
//   hostile                      three threads that do it
//   main                         rounds, and what is back after each
#include "bystander.h"
#include "devices.h"
#include "hostile.h"
#include "honest.h"
#include "job.h"
#include "objects.h"
#include "pair.h"
#include "step.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/random.h>
#include <tessera/lib/spawn.h>

#define LOOK_MS       10 // between two looks: the hostile program has the CPUs meanwhile
#define STILL_LOOKS   20 // without a step, and it is killed: it waits for ever, as it may
#define LOOK_REQUESTS 8  // of the honest client, at each look
#define GONE_MS       20000
#define GIVEN         5u // handles, with none of a device
#define CALLS_A_STEP  64u
#define DIGEST_PRIME  UINT64_C(0x100000001b3)

static struct {
    uint64_t seed, seconds, steps, rounds;
} asked = {.seconds = 8, .steps = 6000, .rounds = UINT64_MAX};

static struct {
    uint64_t rounds, by_itself, steps, calls, requests, digest;
} total;

static struct progress *progress;
static ts_handle_t progress_memory, target;

static ts_handle_t hostile_start(ts_handle_t job, uint64_t seed)
{
    char numbers[2][24];
    ts_format(numbers[0], sizeof(numbers[0]), "%lu", (unsigned long)seed);
    ts_format(numbers[1], sizeof(numbers[1]), "%lu", (unsigned long)asked.steps);
    const char *arguments[] = {"fuzz", "hostile", numbers[0], numbers[1], NULL};
    const ts_rights_t reads = TS_RIGHT_READ | TS_RIGHT_WAIT | TS_RIGHT_CALL | TS_RIGHT_TRANSFER;
    const ts_rights_t runs = TS_RIGHT_READ | TS_RIGHT_OPEN | TS_RIGHT_MAP | TS_RIGHT_EXECUTE |
                             TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER;
    struct ts_spawn_handle handles[GIVEN + DEVICES_HANDLES] = {
        {"target", target, TS_RIGHTS_ALL, false},
        {PROGRESS_NAME, progress_memory,
         TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_MAP | TS_RIGHT_TRANSFER, false},
        {TS_NAME_LOG, ts_named_handle(TS_NAME_LOG), reads, false},
        {TS_NAME_RANDOM, ts_named_handle(TS_NAME_RANDOM), reads, false},
        {TS_NAME_FILE, ts_named_handle(TS_NAME_FILE), runs, false},
    };
    uint32_t count = 0;
    for (uint32_t i = 0; i < GIVEN; i++) {
        if (handles[i].handle != TS_HANDLE_NONE) {
            handles[count++] = handles[i];
        }
    }
    count += devices_give(handles + count);
    const struct ts_spawn spawn = {.job = job,
                                   .name = "hostile",
                                   .arguments = arguments,
                                   .handles = handles,
                                   .handle_count = count,
                                   .give_job = true};
    ts_handle_t process;
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), FUZZ_PROGRAM, &process));
    return process;
}

// Waits for the end of a round and looks at the others meanwhile. False: it had to be killed.
static bool hostile_watch(ts_handle_t process)
{
    ts_status_t status = TS_ERR_TIMED_OUT;
    uint64_t steps = 0;
    for (unsigned still = 0; status == TS_ERR_TIMED_OUT && still < STILL_LOOKS; still++) {
        total.requests += honest_ask(LOOK_REQUESTS);
        honest_wake();
        bystander_check(BYSTANDER_PAGES / 64);
        status = ts_process_wait(process, in_ms(LOOK_MS), NULL);
        if (progress->steps != steps) {
            still = 0;
        }
        steps = progress->steps;
    }
    CHECK(status == TS_OK || status == TS_ERR_TIMED_OUT);
    return status == TS_OK;
}

static void round_count(ts_handle_t process, bool by_itself)
{
    struct ts_process_report report = {0};
    CHECK_OK(ts_process_wait(process, in_ms(GONE_MS), &report));
    total.rounds++;
    total.by_itself += by_itself && report.reason == TS_EXIT_STATUS;
    if (progress->calls < asked.steps * CALLS_A_STEP) { // else it wrote over what it tells
        total.steps += progress->steps;
        total.calls += progress->calls;
    }
    total.digest = (total.digest ^ progress->digest) * DIGEST_PRIME;
    total.digest = (total.digest ^ report.reason) * DIGEST_PRIME;
}

static void round_run(uint64_t seed)
{
    static const struct ts_job_limits limits = {.pages = 3000, .handles = 500, .threads = 24};
    ts_handle_t job;
    memset(progress, 0, sizeof(*progress));
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &limits, &job));
    ts_handle_t process = hostile_start(job, seed);
    bool by_itself = hostile_watch(process);
    CHECK_OK(ts_job_kill(job)); // and what it may have started
    round_count(process, by_itself);
    ts_close(process); // what it says of its end is charged while somebody can ask for it
    devices_take();
    job_check_empty(job);
    ts_close(job);
    bystander_check(BYSTANDER_PAGES);
}

static uint64_t kernel_pages(void)
{
    struct ts_system_statistics system = {0};
    (void)ts_system_statistics(ts_named_handle("system"), &system);
    return system.pages_kernel;
}

static void nobody_notices_the_hostile_program(void)
{
    void *at;
    tap_note("seed %lu", (unsigned long)asked.seed);
    CHECK_OK(ts_memory_allocate(TS_PAGE_SIZE, 0, &progress_memory, &at));
    progress = at;
    bool counted = false; // the debug kernel alone does
    bystander_begin();
    honest_begin(&target);
    devices_begin();
    ts_time_t until = in_ms((int64_t)asked.seconds * 1000);
    uint64_t pages = 0, objects = 0;
    for (uint64_t i = 0; i < asked.rounds && ts_clock_now() < until; i++) {
        if (i == 1) { // what the kernel keeps for later, it has now
            pages = kernel_pages();
            counted = objects_count(&objects);
        }
        tap_note("round seed %lu", (unsigned long)(asked.seed + i));
        round_run(asked.seed + i);
        CHECK(!counted || objects_are_back(objects, patience()));
    }
    tap_note("%lu rounds, %lu to their end; %lu steps, %lu calls, %lu honest requests",
             (unsigned long)total.rounds, (unsigned long)total.by_itself,
             (unsigned long)total.steps, (unsigned long)total.calls, (unsigned long)total.requests);
    tap_note("digest %016lx", (unsigned long)total.digest);
    tap_note("pages of the kernel: %lu after the first round, %lu after the last",
             (unsigned long)pages, (unsigned long)kernel_pages());
    CHECK(total.requests >= total.rounds);
    CHECK(total.steps > total.rounds && total.calls > total.steps / 2); // it did do something
    honest_end();
    bystander_end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {TAP(nobody_notices_the_hostile_program)};
    if (argc > 3 && strcmp(argv[1], "hostile") == 0) {
        return hostile_run(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    }
    if (argc > 1) {
        asked.seed = strtoull(argv[1], NULL, 10);
    } else if (ts_random_bytes(&asked.seed, sizeof(asked.seed)) != TS_OK) {
        asked.seed = (uint64_t)ts_clock_now();
    }
    asked.seconds = argc > 2 ? strtoull(argv[2], NULL, 10) : asked.seconds;
    asked.steps = argc > 3 ? strtoull(argv[3], NULL, 10) : asked.steps;
    asked.rounds = argc > 4 ? strtoull(argv[4], NULL, 10) : asked.rounds;
    return TAP_RUN(tests);
}
