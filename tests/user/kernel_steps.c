// SPDX-License-Identifier: MIT
// What is long goes in steps, at the priority of those whose it is, and a thread that waits for the
// reaper lets it run. On one CPU these fail when it does not; on more they look at less. The
// program starts itself again as the one that dies.
#include "lib/job.h"
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/thread.h>

#define PROGRAM "test/kernel_steps"
#define PAGE    4096ul
#define RW      (TS_MAP_READ | TS_MAP_WRITE)

// ---- Children

static void touch(char *at, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++) {
        *(volatile char *)(at + i * PAGE) = 1;
    }
}

static int for_ever(void)
{
    if (ts_event_signal(ts_named_handle("ready"), 1) != TS_OK) {
        return 2;
    }
    for (;;) {
        ts_sleep_until(ts_deadline_in(60 * TS_SECOND));
    }
}

#define HELD_PAGES   6000ul // of both children at once there are not as many
#define HELD_REGIONS 25000u
#define HELD_LIMIT   10000ul

// Memory that goes with the last of many regions.
static int holding(void)
{
    ts_handle_t memory;
    void *at;
    if (ts_memory_create(HELD_PAGES * PAGE, 0, &memory) != TS_OK ||
        ts_memory_commit(memory, 0, HELD_PAGES * PAGE) != TS_OK) {
        return 1;
    }
    for (unsigned i = 0; i < HELD_REGIONS; i++) {
        if (ts_memory_map(memory, NULL, PAGE, 0, TS_MAP_READ, &at) != TS_OK) {
            return 2;
        }
    }
    return for_ever();
}

static int wanting(void)
{
    void *at; // whose pages are made by its touch (malloc makes them at once)
    if (ts_memory_allocate(HELD_PAGES * PAGE, 0, NULL, &at) != TS_OK ||
        ts_event_signal(ts_named_handle("ready"), 1) != TS_OK ||
        ts_wait(ts_named_handle("go"), TS_SIGNAL_READABLE, ts_deadline_in(60 * TS_SECOND), NULL) !=
            TS_OK) {
        return 1;
    }
    touch(at, HELD_PAGES);
    return 0;
}

#define CROWD 400u

static _Atomic uint32_t arrived;

static void arrive(void *argument)
{
    uint32_t word = 0;
    (void)argument;
    atomic_fetch_add(&arrived, 1);
    for (;;) {
        (void)ts_futex_wait(&word, 0, TS_DEADLINE_NONE);
    }
}

// Very many threads that wait.
static int crowding(void)
{
    static char stacks[CROWD][PAGE] __attribute__((aligned(16)));
    static struct ts_thread_control control; // of all of them: they never return
    ts_thread_control_init(&control);
    for (unsigned i = 0; i < CROWD; i++) {
        if (ts_sys_thread_start(0, (uint64_t)(uintptr_t)arrive,
                                (uint64_t)(uintptr_t)&stacks[i][PAGE - 8], 0, control.self,
                                TS_PRIORITY_INHERIT)
                .status < 0) {
            return 1;
        }
    }
    while (atomic_load(&arrived) < CROWD) {
        ts_sleep_until(ts_deadline_in(TS_MILLISECOND));
    }
    return for_ever();
}

static int child_main(const char *how)
{
    if (strcmp(how, "crowding") == 0) {
        return crowding();
    }
    return strcmp(how, "holding") == 0 ? holding() : wanting();
}

static ts_handle_t ready, go;

static ts_handle_t start_child(ts_handle_t job, const char *how, uint8_t priority)
{
    const char *arguments[] = {"kernel_steps", how, NULL};
    struct ts_spawn_handle handles[] = {{"ready", ready, TS_RIGHTS_SAME, false},
                                        {"go", go, TS_RIGHTS_SAME, false}};
    const struct ts_spawn spawn = {.job = job,
                                   .name = how,
                                   .arguments = arguments,
                                   .handles = handles,
                                   .handle_count = 2,
                                   .priority = priority};
    ts_handle_t child;
    uint64_t count;
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &child));
    CHECK_OK(ts_event_wait(ready, patience(), &count));
    return child;
}

static void events_make(void)
{
    CHECK_OK(ts_event_create(0, &ready));
    CHECK_OK(ts_event_create(0, &go));
}

static void events_close(void)
{
    ts_close(ready);
    ts_close(go);
}

static uint64_t own_pages(void)
{
    struct ts_process_statistics statistics;
    CHECK_OK(ts_process_statistics(ts_named_handle(TS_NAME_PROCESS), &statistics));
    return statistics.pages;
}

static struct ts_job_statistics job_now(ts_handle_t job)
{
    struct ts_job_statistics statistics;
    CHECK_OK(ts_job_statistics(job, &statistics));
    return statistics;
}

static uint64_t cpus(void)
{
    struct ts_system_statistics system;
    CHECK_OK(ts_system_statistics(ts_named_handle("system"), &system));
    return system.cpus;
}

// ---- Tests

#define LARGE_PAGES 24576ul

// How often it was seen on its way.
static uint64_t looks_at_a_large_memorys_end(void)
{
    ts_handle_t memory;
    uint64_t before = own_pages(), now, seen = 0;
    CHECK_OK(ts_memory_create(LARGE_PAGES * PAGE, 0, &memory));
    CHECK_OK(ts_memory_commit(memory, 0, LARGE_PAGES * PAGE));
    ts_close(memory);
    ts_time_t until = patience();
    // Never asleep: what is seen is seen while the reaper is at it, in turns with this thread.
    while ((now = own_pages()) > before + LARGE_PAGES / 8 && ts_clock_now() < until) {
        seen += now < before + LARGE_PAGES * 7 / 8;
    }
    CHECK(now <= before + LARGE_PAGES / 8);
    return seen;
}

// On one CPU it is seen the first time; on another the reaper may be through before this thread has
// looked.
static void rule_d06_a_large_memory_goes_in_steps(void)
{
    unsigned tries = cpus() == 1 ? 1 : 20;
    while (looks_at_a_large_memorys_end() == 0) {
        CHECK(--tries > 0);
    }
}

static void who_waits_for_the_reaper_lets_it_run(void)
{
    const struct ts_job_limits limits = {.pages = HELD_LIMIT};
    struct ts_process_report report;
    ts_handle_t job;
    if (cpus() != 1) {
        tap_skip("needs one CPU"); // the reaper may have another one
    }
    events_make();
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &limits, &job));
    ts_handle_t holder = start_child(job, "holding", TS_PRIORITY_NORMAL / 2);
    ts_handle_t wanter = start_child(job, "wanting", TS_PRIORITY_NORMAL);
    CHECK_OK(ts_process_kill(holder));
    ts_time_t until = patience();
    while (job_now(job).used.threads != 1 && ts_clock_now() < until) {
        ts_sleep_until(in_ms(1)); // until the reaper is at it, at the holder's priority
    }
    CHECK_EQUAL(job_now(job).used.threads, 1);
    CHECK_OK(ts_event_signal(go, 1));
    CHECK_OK(ts_process_wait(wanter, patience(), &report));
    CHECK_EQUAL(report.reason, TS_EXIT_STATUS);
    CHECK_EQUAL(report.status, 0);
    ts_close(holder);
    ts_close(wanter);
    job_check_empty(job);
    ts_close(job);
    events_close();
}

// Whose end goes on at a lower priority, for some time.
static void begin_long_end(ts_handle_t job)
{
    ts_handle_t holder = start_child(job, "holding", TS_PRIORITY_NORMAL / 2);
    CHECK_OK(ts_process_kill(holder));
    ts_time_t until = patience();
    while (job_now(job).used.threads != 0 && ts_clock_now() < until) {
        ts_sleep_until(in_ms(1));
    }
    ts_close(holder);
}

static void who_lacks_what_no_death_gives_back_does_not_wait(void)
{
    const struct ts_job_limits limits = {.pages = HELD_LIMIT};
    ts_handle_t job;
    if (cpus() != 1) {
        tap_skip("the reaper may have a CPU of its own");
    }
    events_make();
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &limits, &job));
    begin_long_end(job);
    uint64_t before = job_now(job).used.pages;
    if (before <= HELD_PAGES) { // this thread's timer may be late, the reaper is not
        job_check_empty(job);
        tap_again("the end is over already");
    }
    CHECK_EQUAL(ts_sys_thread_start(0, 0, 0, 0, 0, TS_PRIORITY_MAX).status, TS_ERR_LIMIT);
    CHECK_EQUAL(job_now(job).used.pages, before); // the reaper did not run
    job_check_empty(job);
    ts_close(job);
    events_close();
}

static uint64_t switches(void)
{
    struct ts_system_statistics system;
    CHECK_OK(ts_system_statistics(ts_named_handle("system"), &system));
    return system.switches;
}

// The machine's switches while very many threads that wait are ended: others' as well.
static uint64_t switches_of_a_crowds_end(void)
{
    events_make();
    ts_handle_t crowd = start_child(TS_HANDLE_NONE, "crowding", TS_PRIORITY_NORMAL);
    uint64_t before = switches();
    CHECK_OK(ts_process_kill(crowd));
    CHECK_OK(ts_process_wait(crowd, patience(), NULL));
    uint64_t during = switches() - before;
    tap_note("%lu switches", (unsigned long)during);
    ts_close(crowd);
    events_close();
    return during;
}

// If they ran once more, those beside them of the same priority would wait for all of them.
static void rule_d13_threads_that_wait_do_not_run_to_their_end(void)
{
    unsigned tries = 5; // where that takes long others have much to do meanwhile
    while (switches_of_a_crowds_end() >= CROWD / 2) {
        CHECK(--tries > 0);
    }
}

// A part of a memory as an inbox is that part: nothing else is made, and the memory can grow.
static void rule_m11_the_inbox_of_a_view_is_the_part(void)
{
    ts_handle_t memory, view, port;
    uint64_t before = own_pages();
    CHECK_OK(ts_memory_create(4096 * PAGE, 0, &memory));
    CHECK_OK(ts_memory_view(memory, 4000 * PAGE, 4 * PAGE, &view));
    CHECK_OK(ts_port_create(4, 1, view, PAGE, &port));
    CHECK(own_pages() < before + 1024);
    uint64_t size = 8192 * PAGE;
    CHECK_OK(ts_set(memory, TS_PROPERTY_SIZE, &size, sizeof(size)));
    size = 4096 * PAGE;
    CHECK_EQUAL(ts_set(memory, TS_PROPERTY_SIZE, &size, sizeof(size)), TS_ERR_BUSY);
    ts_close(port);
    ts_status_t status;
    ts_time_t until = patience();
    do { // until the port's teardown is over
        status = ts_set(memory, TS_PROPERTY_SIZE, &size, sizeof(size));
    } while (status == TS_ERR_BUSY && ts_clock_now() < until);
    CHECK_OK(status);
    // Where the memory has become shorter than the view there is nothing to map.
    size = 4002 * PAGE;
    CHECK_OK(ts_set(memory, TS_PROPERTY_SIZE, &size, sizeof(size)));
    CHECK_EQUAL(ts_port_create(4, 1, view, PAGE, &port), TS_ERR_RANGE);
    size = PAGE;
    CHECK_OK(ts_set(memory, TS_PROPERTY_SIZE, &size, sizeof(size))); // nothing keeps it
    ts_close(view);
    ts_close(memory);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(rule_d06_a_large_memory_goes_in_steps),
        TAP(who_waits_for_the_reaper_lets_it_run),
        TAP(who_lacks_what_no_death_gives_back_does_not_wait),
        TAP(rule_d13_threads_that_wait_do_not_run_to_their_end),
        TAP(rule_m11_the_inbox_of_a_view_is_the_part),
    };
    if (argc > 1) {
        return child_main(argv[1]);
    }
    return TAP_RUN(tests);
}
