// SPDX-License-Identifier: MIT
// The sweep: for n = 1, 2, … the n-th allocation of the kernel for a program fails, until the
// program gets to its end without reaching the n-th. Each time it is told by a named error or ended
// with a report, nothing hangs, what it says has succeeded has, and afterwards every page, handle,
// thread and object of the kernel is back. The debug kernel alone can do this (allocation.h there).
//
//   sweep [WORKLOAD [N]]
//
// Each file knows only those above it:
//
//   workload   what a program does meanwhile
//   main       each n in turn
#include "job.h"
#include "objects.h"
#include "pair.h"
#include "tap.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>

#define PROGRAM "test/sweep"
#define END_MS  15000 // a program whose allocation failed comes to an end
#define N_MAX   5000u
#define BACK_MS 2000
#define TRIES   3u

static struct verdict *verdict;
static ts_handle_t verdict_memory;

static ts_handle_t child_start(ts_handle_t job, unsigned number, uint64_t n)
{
    char words[2][24];
    ts_format(words[0], sizeof(words[0]), "%u", number);
    ts_format(words[1], sizeof(words[1]), "%lu", (unsigned long)n);
    const char *arguments[] = {"sweep", "child", words[0], words[1], NULL};
    struct ts_spawn_handle handles[] = {
        {VERDICT_NAME, verdict_memory, TS_RIGHTS_ALL, false},
        {TS_NAME_FILE, ts_named_handle(TS_NAME_FILE), TS_RIGHTS_ALL, false},
    };
    const struct ts_spawn spawn = {.job = job,
                                   .name = "sweep",
                                   .arguments = arguments,
                                   .handles = handles,
                                   .handle_count = 2,
                                   .give_job = true};
    ts_handle_t process;
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &process));
    return process;
}

// The first run has failed by a named error, or could do without; the second one has not.
static bool child_is_right(const struct ts_process_report *report)
{
    if (report->reason == TS_EXIT_LIMIT) { // it touched memory that could not be had
        return verdict->armed == 1;
    }
    bool named = verdict->first == TS_ERR_MEMORY || verdict->first == TS_ERR_LIMIT;
    return report->reason == TS_EXIT_STATUS && report->status == 0 && verdict->armed == 3 &&
           (verdict->first == TS_OK || (named && verdict->left == 0)) && verdict->second == TS_OK;
}

// False: the n-th allocation was not reached.
static bool child_judge(unsigned number, uint64_t n, const struct ts_process_report *report)
{
    bool right = child_is_right(report);
    if (!right) {
        tap_note("%s, allocation %lu: reason %u, status %d, address %lx, state %lu, runs %ld, %ld",
                 workloads[number].name, (unsigned long)n, report->reason, report->status,
                 (unsigned long)report->fault_address, (unsigned long)verdict->armed,
                 (long)verdict->first, (long)verdict->second);
    }
    CHECK(right);
    return report->reason == TS_EXIT_LIMIT || verdict->left == 0;
}

static bool sweep_try(unsigned number, uint64_t n, bool *out_back)
{
    ts_handle_t job;
    struct ts_process_report report;
    uint64_t objects = 0;
    CHECK(objects_count(&objects));
    memset(verdict, 0, sizeof(*verdict));
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &(struct ts_job_limits){0}, &job));
    ts_handle_t process = child_start(job, number, n);
    CHECK_OK(ts_process_wait(process, in_ms(END_MS), &report));
    bool reached = child_judge(number, n, &report);
    CHECK_OK(ts_job_kill(job));
    ts_close(process); // what it says of its end is charged while somebody can ask for it
    job_check_empty(job);
    ts_close(job);
    *out_back = objects_are_back(objects, in_ms(BACK_MS));
    return reached;
}

// The rest of the system has objects too, and may have got some meanwhile; what is lost here is
// lost each time.
static bool sweep_one(unsigned number, uint64_t n)
{
    bool back = false, reached = false;
    for (unsigned i = 0; i < TRIES && !back; i++) {
        reached = sweep_try(number, n, &back);
    }
    if (!back) {
        tap_note("%s, allocation %lu", workloads[number].name, (unsigned long)n);
    }
    CHECK(back);
    return reached;
}

static uint64_t only; // this n alone

static void sweep(unsigned number)
{
    uint64_t objects = 0;
    CHECK(objects_count(&objects)); // only the debug kernel can fail an allocation
    void *at;
    CHECK_OK(ts_memory_allocate(TS_PAGE_SIZE, 0, &verdict_memory, &at));
    verdict = at;
    uint64_t n = only != 0 ? only : 1;
    unsigned errors = 0;
    // What is kept for reuse is there after the first.
    (void)sweep_one(number, N_MAX);
    for (; sweep_one(number, n) && only == 0; n++) {
        errors += verdict->first != TS_OK || verdict->armed == 1;
        CHECK(n < N_MAX);
    }
    tap_note("%s: %lu allocations, %u of them needed", workloads[number].name, (unsigned long)n - 1,
             errors);
    CHECK_OK(ts_memory_unmap(at, TS_PAGE_SIZE));
    ts_close(verdict_memory);
}

#define SWEEP(number, name) \
    static void name(void)  \
    {                       \
        sweep(number);      \
    }
SWEEP(0, memory)
SWEEP(1, page_fault)
SWEEP(2, handles)
SWEEP(3, port_and_rings)
SWEEP(4, handles_sent)
SWEEP(5, thread)
SWEEP(6, process_and_job)
SWEEP(7, open_and_map)
SWEEP(8, spawn)

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(memory),          TAP(page_fault),   TAP(handles),
        TAP(port_and_rings),  TAP(handles_sent), TAP(thread),
        TAP(process_and_job), TAP(open_and_map), TAP(spawn),
    };
    if (argc > 1 && strcmp(argv[1], "nothing") == 0) {
        return 0;
    }
    if (argc > 3 && strcmp(argv[1], "child") == 0) {
        return workload_child((unsigned)strtoul(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    }
    only = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    unsigned first = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    if (argc > 1 && first < workload_count) {
        return tap_run(&tests[first], 1);
    }
    return TAP_RUN(tests);
}
