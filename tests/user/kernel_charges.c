// SPDX-License-Identifier: MIT
// Who pays for what the kernel holds (docs/invariants.md, M09 and M10). The program starts itself
// again in a job with few pages, makes one kind of kernel object until it is refused, and looks at
// what the machine lost meanwhile.
#include "lib/job.h"
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdlib.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/thread.h>

#define PROGRAM "test/kernel_charges"
#define PAGE    4096u
#define LIMIT   600u // pages of the child's job
#define SLACK   96u  // pages that others may take meanwhile, and the kernel's own tables
#define MANY    (UINT32_C(1) << 20)

static struct ts_system_statistics system_now(void)
{
    struct ts_system_statistics system;
    CHECK_OK(ts_system_statistics(ts_named_handle("system"), &system));
    return system;
}

// In the child ----------------------------------------------------------------------------------

static ts_handle_t memory, event;

static ts_status_t make_memory(void)
{
    ts_handle_t handle;
    return ts_memory_create(PAGE, 0, &handle);
}

static ts_status_t make_view(void)
{
    ts_handle_t handle;
    return ts_memory_view(memory, PAGE, PAGE, &handle); // a part: an object of its own
}

static ts_status_t make_region(void)
{
    void *at;
    return ts_memory_map(memory, NULL, PAGE, 0, TS_MAP_READ, &at);
}

static ts_status_t make_event(void)
{
    ts_handle_t handle;
    return ts_event_create(0, &handle);
}

static ts_status_t make_handle(void)
{
    ts_handle_t handle;
    return ts_duplicate(event, TS_RIGHTS_ALL, &handle);
}

static ts_status_t make_job(void)
{
    ts_handle_t handle;
    return ts_job_create(ts_named_handle(TS_NAME_JOB), NULL, &handle);
}

static ts_status_t make_process(void)
{
    ts_handle_t handle;
    return ts_process_create(ts_named_handle(TS_NAME_JOB), "made", &handle);
}

static ts_status_t make_port(void)
{
    ts_handle_t handle;
    return ts_port_create(1, 1, 0, 0, &handle);
}

static ts_status_t make_ring(void)
{
    struct ts_result result = ts_sys_create(TS_KIND_RING, TS_RING_MIN, TS_RING_MIN, 1);
    return (ts_status_t)result.status;
}

static void wait_for_ever(void *argument)
{
    (void)argument;
    for (;;)
        ts_sleep_until(ts_deadline_in(60 * TS_SECOND));
}

// Their stacks are there beforehand: a touch over the limit would end the process.
static ts_status_t make_thread(void)
{
    static char stacks[200][PAGE] __attribute__((aligned(16)));
    static struct ts_thread_control control; // of all of them: they never return
    static unsigned used;
    if (used == 0) {
        memset(stacks, 1, sizeof stacks);
        ts_thread_control_init(&control);
    }
    if (used == 200)
        return TS_OK;
    struct ts_result result = ts_sys_thread_start(0, (uint64_t)(uintptr_t)wait_for_ever,
                                                  (uint64_t)(uintptr_t)&stacks[used++][PAGE - 8], 0,
                                                  control.self, TS_PRIORITY_NORMAL);
    return (ts_status_t)result.status;
}

static const struct bomb {
    const char *name;
    ts_status_t (*make)(void);
} bombs[] = {
    {"memory", make_memory},   {"view", make_view},     {"region", make_region},
    {"event", make_event},     {"handle", make_handle}, {"job", make_job},
    {"process", make_process}, {"port", make_port},     {"ring", make_ring},
    {"thread", make_thread},
};
#define BOMBS (sizeof bombs / sizeof bombs[0])

// 42: it was refused by name, and the machine lost no more than the job may have.
static int explode(const struct bomb *bomb)
{
    if (ts_memory_create(2 * PAGE, 0, &memory) != TS_OK || ts_event_create(0, &event) != TS_OK)
        return 1;
    uint64_t before = system_now().pages_free;
    ts_status_t status = TS_OK;
    uint32_t made = 0;
    while (status == TS_OK && made < MANY) {
        status = bomb->make();
        made += status == TS_OK;
    }
    uint64_t after = system_now().pages_free;
    tap_note("%s: %u made, then %d; %lld pages", bomb->name, made, status,
             (long long)(before - after));
    if (status != TS_ERR_LIMIT)
        return 2;
    return before <= after + LIMIT + SLACK ? 42 : 3;
}

// In the parent ---------------------------------------------------------------------------------

static void explode_in_a_job(const struct bomb *bomb)
{
    const struct ts_job_limits limits = {.pages = LIMIT};
    const char *arguments[] = {"kernel_charges", bomb->name, NULL};
    const struct ts_spawn_handle handles[] = {
        {"out", ts_named_handle("out"), TS_RIGHTS_ALL, false},
        {"system", ts_named_handle("system"), TS_RIGHTS_ALL, false},
    };
    ts_handle_t job, child;
    struct ts_process_report report;
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &limits, &job));
    const struct ts_spawn spawn = {.job = job,
                                   .name = bomb->name,
                                   .arguments = arguments,
                                   .handles = handles,
                                   .handle_count = 2,
                                   .give_job = true};
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &child));
    CHECK_OK(ts_process_wait(child, in_ms(60000), &report));
    CHECK_EQUAL(report.reason, TS_EXIT_STATUS);
    CHECK_EQUAL(report.status, 42);
    ts_close(child);
    struct ts_job_statistics statistics;
    CHECK_OK(ts_job_statistics(job, &statistics));
    CHECK(statistics.peak.pages <= LIMIT);
    CHECK_OK(ts_job_kill(job)); // what it made lives in the job too
    job_check_empty(job);
    ts_close(job);
}

static void rule_m09_what_a_job_makes_is_within_its_limit(void)
{
    for (unsigned i = 0; i < BOMBS; i++)
        explode_in_a_job(&bombs[i]);
}

static int64_t unexplained(void)
{
    struct ts_system_statistics s = system_now();
    return (int64_t)(s.pages_total - s.pages_free) -
           (int64_t)(s.pages_charged - s.pages_shares + s.pages_heap + s.pages_own);
}

// Others run meanwhile, so it is looked at until nothing moves.
static void check_explained(void)
{
    int64_t left = 1;
    for (ts_time_t until = in_ms(5000); left != 0 && ts_clock_now() < until;) {
        left = unexplained();
        ts_thread_yield();
    }
    CHECK_EQUAL(left, 0);
}

static void rule_m10_the_pages_in_use_are_explained(void)
{
    static ts_handle_t handles[256];
    check_explained();
    for (unsigned i = 0; i < 256; i++)
        CHECK_OK(i % 2 == 0 ? ts_memory_create(PAGE * i + PAGE, 0, &handles[i])
                            : ts_event_create(0, &handles[i]));
    for (unsigned i = 0; i < 256; i += 2)
        CHECK_OK(ts_memory_commit(handles[i], 0, PAGE * (i % 16)));
    check_explained();
    for (unsigned i = 0; i < 256; i++)
        ts_close(handles[i]);
    check_explained();
}

static void rule_m10_after_all_of_that_too(void)
{
    check_explained();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(rule_m10_the_pages_in_use_are_explained),
        TAP(rule_m09_what_a_job_makes_is_within_its_limit),
        TAP(rule_m10_after_all_of_that_too),
    };
    for (unsigned i = 0; argc > 1 && i < BOMBS; i++)
        if (strcmp(argv[1], bombs[i].name) == 0)
            return explode(&bombs[i]);
    return TAP_RUN(tests);
}
