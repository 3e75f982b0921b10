// SPDX-License-Identifier: MIT
// Rules M of docs/invariants.md: memory, mappings and limits. (M07, about vector registers, is in
// tests/machine.) The program starts itself again in jobs with limits.
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

#define PROGRAM "test/rules_memory"
#define PAGE    4096u

static ts_handle_t job_of_tests(void)
{
    return ts_named_handle(TS_NAME_JOB);
}

static struct ts_job_statistics statistics_of(ts_handle_t job)
{
    struct ts_job_statistics statistics;
    CHECK_OK(ts_job_statistics(job, &statistics));
    return statistics;
}

// ---- In the child

// Touches page after page; the limit ends it.
static int touch(void)
{
    void *at;
    if (ts_memory_allocate(64u << 20, 0, NULL, &at) != TS_OK) {
        return 1;
    }
    for (size_t i = 0; i < 64u << 20; i += PAGE) {
        ((volatile char *)at)[i] = 1;
    }
    return 2;
}

// The kernel's copies over the limit are errors, and the program goes on.
static int copy(void)
{
    void *at;
    ts_handle_t memory;
    size_t bytes;
    ts_status_t status = TS_OK;
    static char page[PAGE];
    if (ts_memory_allocate(64u << 20, 0, &memory, &at) != TS_OK) {
        return 1;
    }
    for (uint64_t i = 0; i < 64u << 20 && status == TS_OK; i += PAGE) {
        status = ts_write(memory, page, PAGE, i, TS_DEADLINE_NONE, &bytes);
    }
    (void)ts_memory_unmap(at, 64u << 20); // its own end may take a page
    ts_close(memory);
    return status == TS_ERR_LIMIT ? 42 : 2;
}

static int handles(void)
{
    ts_handle_t handle;
    ts_status_t status = TS_OK;
    unsigned made = 0;
    while (status == TS_OK && made < 10000) {
        status = ts_event_create(0, &handle);
        made += status == TS_OK;
    }
    if (status != TS_ERR_LIMIT || made > 200) {
        return 1;
    }
    ts_close(handle); // one less is one more
    return ts_event_create(0, &handle) == TS_OK ? 42 : 2;
}

static void sleep_long(void *argument)
{
    (void)argument;
    ts_sleep_until(ts_deadline_in(30 * TS_SECOND));
}

static int threads(void)
{
    static struct ts_thread many[64];
    ts_status_t status = TS_OK;
    unsigned made = 0;
    while (status == TS_OK && made < 64) {
        status = ts_thread_start(&many[made], sleep_long, NULL, 16384, 0, TS_PRIORITY_NORMAL);
        made += status == TS_OK;
    }
    return status == TS_ERR_LIMIT && made == 7 ? 42 : 1; // and this one
}

// What a program can try to get more than its job has.
static int raise_limits(void)
{
    const struct ts_job_limits more = {.pages = 100000, .handles = 100000, .threads = 1000};
    ts_handle_t job = job_of_tests(), copy, lower, process;
    ts_rights_t rights;
    if (ts_rights(job, &rights) != TS_OK || (rights & TS_RIGHT_MANAGE) != 0) {
        return 1;
    }
    if (ts_set(job, TS_PROPERTY_JOB_LIMITS, &more, sizeof(more)) != TS_ERR_RIGHTS ||
        ts_job_kill(job) != TS_ERR_RIGHTS) {
        return 2;
    }
    if (ts_duplicate(job, TS_RIGHTS_ALL, &copy) != TS_OK ||
        ts_set(copy, TS_PROPERTY_JOB_LIMITS, &more, sizeof(more)) != TS_ERR_RIGHTS) {
        return 3;
    }
    // A job below is its own to manage, within the limits above.
    if (ts_job_create(job, &(struct ts_job_limits){.pages = 100}, &lower) != TS_OK ||
        ts_set(lower, TS_PROPERTY_JOB_LIMITS, &more, sizeof(more)) != TS_OK ||
        ts_process_create(lower, "lower", &process) != TS_OK) {
        return 4;
    }
    return handles();
}

// ---- In the parent

static struct ts_process_report run_in(ts_handle_t job, const char *what)
{
    const char *arguments[] = {"rules_memory", what, NULL};
    const struct ts_spawn spawn = {
        .job = job, .name = what, .arguments = arguments, .give_job = true};
    struct ts_process_report report;
    ts_handle_t child;
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &child));
    CHECK_OK(ts_process_wait(child, patience(), &report));
    ts_close(child);
    return report;
}

static void rule_m01_nothing_is_writable_and_executable(void)
{
    ts_handle_t memory;
    void *at;
    CHECK_OK(ts_memory_create(PAGE, 0, &memory));
    CHECK_EQUAL(
        ts_memory_map(memory, NULL, PAGE, 0, TS_MAP_READ | TS_MAP_WRITE | TS_MAP_EXECUTE, &at),
        TS_ERR_ARGUMENT);
    CHECK_OK(ts_memory_map(memory, NULL, PAGE, 0, TS_MAP_READ | TS_MAP_WRITE, &at));
    CHECK_EQUAL(ts_memory_protect(at, PAGE, TS_MAP_READ | TS_MAP_WRITE | TS_MAP_EXECUTE),
                TS_ERR_ARGUMENT);
    CHECK_OK(ts_memory_protect(at, PAGE, TS_MAP_READ | TS_MAP_EXECUTE)); // one after the other
    CHECK_OK(ts_memory_unmap(at, PAGE));
    ts_close(memory);
}

static void rule_m02_memory_is_zero_until_written(void)
{
    static char page[PAGE];
    ts_handle_t memory;
    unsigned char *at;
    size_t bytes;
    for (int round = 0; round < 20; round++) { // pages that others had, too
        CHECK_OK(ts_memory_allocate(16 * PAGE, 0, &memory, (void **)&at));
        CHECK_OK(ts_read(memory, page, PAGE, 5 * PAGE, TS_DEADLINE_NONE, &bytes));
        for (size_t i = 0; i < PAGE; i++) {
            CHECK(page[i] == 0);
        }
        for (size_t i = 0; i < 16 * PAGE; i++) {
            CHECK(at[i] == 0);
        }
        memset(at, 0xa5, 16 * PAGE);
        CHECK_OK(ts_memory_unmap(at, 16 * PAGE));
        CHECK_OK(ts_set_u64(memory, TS_PROPERTY_SIZE, PAGE)); // what was cut off is zero again
        CHECK_OK(ts_set_u64(memory, TS_PROPERTY_SIZE, 2 * PAGE));
        CHECK_OK(ts_read(memory, page, PAGE, PAGE, TS_DEADLINE_NONE, &bytes));
        for (size_t i = 0; i < PAGE; i++) {
            CHECK(page[i] == 0);
        }
        ts_close(memory);
    }
}

static void rule_m03_pages_are_charged_when_touched(void)
{
    ts_handle_t memory;
    char *at;
    uint64_t before = statistics_of(job_of_tests()).used.pages;
    CHECK_OK(ts_memory_allocate(4000 * PAGE, 0, &memory, (void **)&at));
    CHECK(statistics_of(job_of_tests()).used.pages < before + 200);
    for (size_t i = 0; i < 1000; i++) {
        ((volatile char *)at)[i * PAGE] = 1;
    }
    uint64_t touched = statistics_of(job_of_tests()).used.pages;
    CHECK(touched >= before + 900 && touched < before + 1200);
    CHECK_OK(ts_memory_unmap(at, 4000 * PAGE));
    ts_close(memory);
}

static void rule_m03_a_touch_over_the_limit_ends_the_toucher(void)
{
    const struct ts_job_limits limits = {.pages = 1500};
    ts_handle_t job;
    CHECK_OK(ts_job_create(job_of_tests(), &limits, &job));
    CHECK_EQUAL(run_in(job, "touch").reason, TS_EXIT_LIMIT);
    struct ts_process_report report = run_in(job, "copy"); // and a copy is the caller's error
    CHECK_EQUAL(report.reason, TS_EXIT_STATUS);
    CHECK_EQUAL(report.status, 42);
    job_check_empty(job);
    ts_close(job);
}

static void rule_m04_what_others_map_is_not_cut_off(void)
{
    ts_handle_t memory, other;
    uint64_t there;
    CHECK_OK(ts_memory_create(8 * PAGE, 0, &memory));
    CHECK_OK(ts_process_create(job_of_tests(), "other", &other));
    CHECK_OK(ts_process_map(other, memory, 0, 4 * PAGE, 2 * PAGE, TS_MAP_READ, &there));
    CHECK_OK(ts_set_u64(memory, TS_PROPERTY_SIZE, 6 * PAGE));
    CHECK_EQUAL(ts_set_u64(memory, TS_PROPERTY_SIZE, 5 * PAGE), TS_ERR_BUSY);
    CHECK_OK(ts_set_u64(memory, TS_PROPERTY_SIZE, 20 * PAGE)); // it may grow
    CHECK_OK(ts_process_unmap(other, there, 4 * PAGE));
    CHECK_OK(ts_set_u64(memory, TS_PROPERTY_SIZE, 0));
    ts_close(other);
    ts_close(memory);
}

static void rule_m05_a_jobs_limits_hold_for_all_below(void)
{
    const struct ts_job_limits limits = {.pages = 3000, .handles = 150, .threads = 8};
    ts_handle_t upper, lower;
    CHECK_OK(ts_job_create(job_of_tests(), &limits, &upper));
    CHECK_OK(ts_job_create(upper, &(struct ts_job_limits){.handles = 100000}, &lower));
    CHECK_EQUAL(run_in(upper, "handles").status, 42);
    CHECK_EQUAL(run_in(lower, "handles").status, 42); // by the one above it
    CHECK_EQUAL(run_in(upper, "threads").status, 42);
    CHECK_EQUAL(run_in(lower, "threads").status, 42);
    struct ts_job_statistics statistics = statistics_of(upper);
    CHECK(statistics.peak.handles <= 150 && statistics.peak.handles > 100);
    CHECK(statistics.peak.threads <= 8 && statistics.peak.pages <= 3000);
    job_check_empty(upper);
    ts_close(lower);
    ts_close(upper);
}

static void rule_m05_a_program_does_not_raise_its_own(void)
{
    const struct ts_job_limits limits = {.pages = 3000, .handles = 150, .threads = 8};
    ts_handle_t job;
    CHECK_OK(ts_job_create(job_of_tests(), &limits, &job));
    CHECK_EQUAL(run_in(job, "raise").status, 42);
    struct ts_job_statistics statistics = statistics_of(job);
    CHECK_EQUAL(statistics.limit.pages, 3000);
    CHECK_EQUAL(statistics.limit.handles, 150);
    CHECK(statistics.peak.handles <= 150 && statistics.peak.handles > 100);
    CHECK_OK(ts_set(job, TS_PROPERTY_JOB_LIMITS, &(struct ts_job_limits){.pages = 3001},
                    sizeof(limits))); // its maker may
    CHECK_EQUAL(statistics_of(job).limit.pages, 3001);
    job_check_empty(job);
    ts_close(job);
}

static void rule_m06_the_ends_of_the_address_space_stay_empty(void)
{
    ts_handle_t memory;
    CHECK_OK(ts_memory_create(64 * PAGE, 0, &memory));
    static const uint64_t forbidden[] = {0,
                                         PAGE,
                                         0xf000,
                                         TS_USER_END,
                                         TS_USER_END - PAGE + 1,
                                         0x800000000000,
                                         UINT64_C(0xffff800000000000),
                                         UINT64_MAX & ~0xfffull};
    for (unsigned i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        struct ts_result result =
            ts_sys_map(ts_pair(0, memory), forbidden[i], PAGE, 0, TS_MAP_READ | TS_MAP_FIXED);
        CHECK_EQUAL(result.status, forbidden[i] % PAGE == 0 ? TS_ERR_RANGE : TS_ERR_ARGUMENT);
    }
    // Across an end.
    CHECK_EQUAL(
        ts_sys_map(ts_pair(0, memory), TS_USER_END - PAGE, 2 * PAGE, 0, TS_MAP_READ | TS_MAP_FIXED)
            .status,
        TS_ERR_RANGE);
    CHECK_EQUAL(
        ts_sys_map(ts_pair(0, memory), 0xf000, 2 * PAGE, 0, TS_MAP_READ | TS_MAP_FIXED).status,
        TS_ERR_RANGE);
    ts_close(memory);
}

// The way up from any job is bounded: a program that makes jobs below jobs comes to an end.
static void rule_m08_jobs_are_not_nested_without_bound(void)
{
    const struct ts_job_limits limits = {.pages = 3000, .handles = 150, .threads = 8};
    ts_handle_t jobs[TS_JOB_LEVELS], other;
    unsigned made = 0;
    ts_status_t status = TS_OK;
    while (status == TS_OK && made < TS_JOB_LEVELS) {
        ts_handle_t above = made == 0 ? job_of_tests() : jobs[made - 1];
        status = ts_job_create(above, &limits, &jobs[made]);
        made += status == TS_OK;
    }
    CHECK_EQUAL(status, TS_ERR_LIMIT);
    CHECK(made >= TS_JOB_LEVELS / 2 && made < TS_JOB_LEVELS); // what is above the tests' job counts
    ts_handle_t lowest = jobs[made - 1];
    CHECK_EQUAL(run_in(lowest, "handles").status, 42);        // as good as any
    CHECK_OK(ts_job_create(jobs[made - 2], &limits, &other)); // beside it there is room
    CHECK_EQUAL(ts_job_create(other, &limits, &other), TS_ERR_LIMIT);
    ts_close(other);
    // It is the level that counts, not the handles of those above.
    for (unsigned i = 0; i + 1 < made; i++) {
        ts_close(jobs[i]);
    }
    for (unsigned i = 0; i < 100; i++) {
        CHECK_EQUAL(ts_job_create(lowest, &limits, &other), TS_ERR_LIMIT);
    }
    job_check_empty(lowest);
    ts_close(lowest);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(rule_m01_nothing_is_writable_and_executable),
        TAP(rule_m02_memory_is_zero_until_written),
        TAP(rule_m03_pages_are_charged_when_touched),
        TAP(rule_m03_a_touch_over_the_limit_ends_the_toucher),
        TAP(rule_m04_what_others_map_is_not_cut_off),
        TAP(rule_m05_a_jobs_limits_hold_for_all_below),
        TAP(rule_m05_a_program_does_not_raise_its_own),
        TAP(rule_m06_the_ends_of_the_address_space_stay_empty),
        TAP(rule_m08_jobs_are_not_nested_without_bound),
    };
    if (argc < 2) {
        return TAP_RUN(tests);
    }
    if (strcmp(argv[1], "touch") == 0) {
        return touch();
    }
    if (strcmp(argv[1], "copy") == 0) {
        return copy();
    }
    if (strcmp(argv[1], "raise") == 0) {
        return raise_limits();
    }
    return strcmp(argv[1], "handles") == 0 ? handles() : threads();
}
