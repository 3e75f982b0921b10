// SPDX-License-Identifier: MIT
// Mappings that several threads change at once, faults that nothing resolves, and programs that are
// killed in the middle of something long. The program starts itself again as the one that dies.
#include "lib/job.h"
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/thread.h>

#define PROGRAM "test/kernel_mappings"
#define PAGE    4096ul
#define RW      (TS_MAP_READ | TS_MAP_WRITE)

// ---- A second thread

// It does one thing in each round, a little later than the first.
static struct {
    volatile unsigned go, done;
    volatile unsigned delay;
    void (*act)(void);
    struct ts_thread thread;
} second;

static void second_loop(void *unused)
{
    (void)unused;
    for (unsigned seen = 0;;) {
        while (second.go == seen) {
            ts_thread_yield();
        }
        seen = second.go;
        if (second.act == NULL) {
            return;
        }
        for (volatile unsigned i = 0; i < second.delay; i++) {
            ;
        }
        second.act();
        second.done = seen;
    }
}

static void second_start(void (*act)(void))
{
    second.go = second.done = 0;
    second.act = act;
    CHECK_OK(ts_thread_start(&second.thread, second_loop, NULL, 65536, 0, TS_PRIORITY_NORMAL));
}

static void second_go(unsigned delay)
{
    second.delay = delay;
    second.go++;
}

static void second_wait(void)
{
    while (second.done != second.go) {
        ts_thread_yield();
    }
}

static void second_end(void)
{
    second.act = NULL;
    second.go++;
    CHECK_OK(ts_thread_join(&second.thread, patience()));
}

// ---- Programs that are started again

static int child_main(const char *how);

static ts_handle_t start_child(ts_handle_t job, const char *how, ts_handle_t ready)
{
    const char *arguments[] = {"kernel_mappings", how, NULL};
    struct ts_spawn_handle handles[] = {
        {"ready", ready, TS_RIGHTS_SAME, false},
        {TS_NAME_RANDOM, ts_named_handle(TS_NAME_RANDOM), TS_RIGHTS_SAME, false}};
    const struct ts_spawn spawn = {
        .job = job, .name = how, .arguments = arguments, .handles = handles, .handle_count = 2};
    ts_handle_t child;
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &child));
    return child;
}

// Runs one to its end. It must end by itself.
static struct ts_process_report run_child(const char *how)
{
    struct ts_process_report report;
    ts_handle_t ready;
    CHECK_OK(ts_event_create(0, &ready));
    ts_handle_t child = start_child(TS_HANDLE_NONE, how, ready);
    ts_status_t status = ts_process_wait(child, patience(), &report);
    if (status != TS_OK) {
        (void)ts_process_kill(child);
    }
    CHECK_OK(status);
    ts_close(child);
    ts_close(ready);
    return report;
}

static void run_child_ok(const char *how)
{
    struct ts_process_report report = run_child(how);
    CHECK_EQUAL(report.reason, TS_EXIT_STATUS);
    CHECK_EQUAL(report.status, 0);
}

// ---- Protecting while another unmaps

#define LONG_PAGES 4096ul

static char *volatile mapped;

static void unmap_one(void)
{
    (void)ts_memory_unmap(mapped + PAGE * (LONG_PAGES * 3 / 4), PAGE);
}

// Whether the kernel can write there.
static ts_status_t kernel_write(ts_handle_t event, char *at)
{
    size_t bytes;
    return ts_get(event, TS_PROPERTY_EVENT_COUNT, at, 8, &bytes);
}

// protect(READ | WRITE) of something long, and a page in its middle goes: all of it or nothing.
// 0: as it must be.
static int protect_and_unmap(bool by_kernel)
{
    ts_handle_t memory, event;
    CHECK_OK(ts_event_create(7, &event));
    CHECK_OK(ts_memory_create(PAGE * LONG_PAGES, 0, &memory));
    CHECK_OK(ts_memory_commit(memory, 0, PAGE * LONG_PAGES));
    second_start(unmap_one);
    ts_time_t until = in_ms(800);
    for (unsigned round = 1; round <= 400 && ts_clock_now() < until; round++) {
        void *at = NULL;
        CHECK_OK(ts_memory_map(memory, NULL, PAGE * LONG_PAGES, 0, TS_MAP_READ, &at));
        mapped = at;
        for (unsigned long i = 0; i < LONG_PAGES; i++) {
            (void)*(volatile char *)(mapped + PAGE * i);
        }
        second_go(round * 97 % 6000);
        ts_status_t status = ts_memory_protect(mapped, PAGE * LONG_PAGES, RW);
        second_wait();
        char *last = mapped + PAGE * (LONG_PAGES - 1), *first = mapped;
        if (status != TS_OK && status != TS_ERR_NOT_FOUND) {
            return 1;
        }
        if (status == TS_OK && !by_kernel) {
            *(volatile char *)last = *(volatile char *)first = 1;
        }
        if (kernel_write(event, last) != (status == TS_OK ? TS_OK : TS_ERR_FAULT) ||
            kernel_write(event, first) != (status == TS_OK ? TS_OK : TS_ERR_FAULT)) {
            return 2;
        }
        CHECK_OK(ts_memory_unmap(mapped, PAGE * LONG_PAGES));
    }
    second_end();
    return 0;
}

static void rule_m14_a_protect_is_whole_beside_an_unmap(void)
{
    run_child_ok("protect-user");
    run_child_ok("protect-kernel");
}

// ---- Two protects

#define PAIR_PAGES 300ul

static unsigned second_protection;

static void protect_too(void)
{
    (void)ts_memory_protect(mapped, PAGE * PAIR_PAGES, second_protection);
}

// What the kernel may do with a page: TS_MAP_READ, WRITE.
static unsigned probe(ts_handle_t event, ts_handle_t other, char *at)
{
    size_t bytes;
    unsigned may = ts_write(other, at, 8, 0, TS_DEADLINE_NONE, &bytes) == TS_OK ? TS_MAP_READ : 0;
    return may | (kernel_write(event, at) == TS_OK ? TS_MAP_WRITE : 0);
}

static bool agrees(unsigned may, unsigned protection)
{
    return ((may & TS_MAP_WRITE) != 0) == ((protection & TS_MAP_WRITE) != 0) &&
           ((may & TS_MAP_READ) != 0) == (protection != 0);
}

// All pairs of protections; then every page is as one of the two says, and all are alike.
static int two_protects(void)
{
    static const unsigned protections[] = {0, TS_MAP_READ, RW, TS_MAP_READ | TS_MAP_EXECUTE,
                                           TS_MAP_WRITE};
    ts_handle_t memory, other, event;
    void *at = NULL;
    CHECK_OK(ts_event_create(7, &event));
    CHECK_OK(ts_memory_create(PAGE, 0, &other));
    CHECK_OK(ts_memory_create(PAGE * PAIR_PAGES, 0, &memory));
    CHECK_OK(ts_memory_map(memory, NULL, PAGE * PAIR_PAGES, 0, RW, &at));
    mapped = at;
    second_start(protect_too);
    for (unsigned pair = 0; pair < 25 * 4; pair++) {
        unsigned one = protections[pair % 5];
        second_protection = protections[pair / 5 % 5];
        CHECK_OK(ts_memory_protect(mapped, PAGE * PAIR_PAGES, RW));
        for (unsigned long i = 0; i < PAIR_PAGES; i++) {
            *(volatile char *)(mapped + PAGE * i) = 1;
        }
        second_go(pair * 37 % 2000);
        ts_status_t status = ts_memory_protect(mapped, PAGE * PAIR_PAGES, one);
        second_wait();
        if (status != TS_OK) {
            return 1;
        }
        unsigned first = probe(event, other, mapped);
        if (!agrees(first, one) && !agrees(first, second_protection)) {
            return 2;
        }
        for (unsigned long i = 1; i < PAIR_PAGES; i++) {
            if (probe(event, other, mapped + PAGE * i) != first) {
                return 3;
            }
        }
    }
    second_end();
    return 0;
}

static void rule_m14_two_protects_make_one_of_the_two(void)
{
    run_child_ok("two-protects");
}

// More regions than are decided in one go: with a hole at the end nothing changes.
static void rule_m14_a_wide_protect_is_whole(void)
{
    enum { REGIONS = 300 };
    ts_handle_t memory, event;
    void *at = NULL;
    CHECK_OK(ts_event_create(7, &event));
    CHECK_OK(ts_memory_create(PAGE, 0, &memory));
    CHECK_OK(ts_memory_map(memory, NULL, PAGE, 0, TS_MAP_READ, &at));
    char *base = (char *)at + (1ul << 30);
    for (unsigned long i = 0; i < REGIONS; i++) {
        at = base + PAGE * i;
        CHECK_OK(ts_memory_map(memory, at, PAGE, 0, TS_MAP_READ | TS_MAP_FIXED, &at));
    }
    CHECK_EQUAL(ts_memory_protect(base, PAGE * (REGIONS + 1), RW), TS_ERR_NOT_FOUND);
    for (unsigned long i = 0; i < REGIONS; i++) {
        CHECK_EQUAL(kernel_write(event, base + PAGE * i), TS_ERR_FAULT);
    }
    CHECK_OK(ts_memory_protect(base, PAGE * REGIONS, RW));
    for (unsigned long i = 0; i < REGIONS; i++) {
        CHECK_OK(kernel_write(event, base + PAGE * i));
    }
    CHECK_OK(ts_memory_unmap(base, PAGE * REGIONS));
    ts_close(memory);
    ts_close(event);
}

// What is written can be executed once it is protected so, though its entry was writable.
static void code_runs_after_it_was_written(void)
{
    static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; // mov $42, %eax; ret
    ts_handle_t memory;
    void *at = NULL;
    CHECK_OK(ts_memory_create(PAGE, 0, &memory));
    CHECK_OK(ts_memory_map(memory, NULL, PAGE, 0, RW, &at));
    for (unsigned i = 0; i < 3; i++) {
        memcpy(at, code, sizeof(code));
        ((unsigned char *)at)[1] = (unsigned char)(42 + i);
        CHECK_OK(ts_memory_protect(at, PAGE, TS_MAP_READ | TS_MAP_EXECUTE));
        CHECK_EQUAL(((int (*)(void))(uintptr_t)at)(), 42 + i);
        CHECK_OK(ts_memory_protect(at, PAGE, RW));
    }
    CHECK_OK(ts_memory_unmap(at, PAGE));
    ts_close(memory);
}

// ---- Unmapping something long

static ts_handle_t fresh;
static ts_status_t fresh_status;

// Maps a page at the start of what goes, as soon as it is free.
static void map_behind(void)
{
    void *at;
    do {
        at = mapped;
        fresh_status = ts_memory_map(fresh, mapped, PAGE, 0, RW | TS_MAP_FIXED, &at);
    } while (fresh_status == TS_ERR_EXISTS);
}

static int unmap_and_map(void)
{
    ts_handle_t memory, event;
    CHECK_OK(ts_event_create(7, &event));
    CHECK_OK(ts_memory_create(PAGE, 0, &fresh));
    CHECK_OK(ts_memory_create(PAGE * LONG_PAGES, 0, &memory));
    CHECK_OK(ts_memory_commit(memory, 0, PAGE * LONG_PAGES));
    second_start(map_behind);
    ts_time_t until = in_ms(800);
    for (unsigned round = 1; round <= 100 && ts_clock_now() < until; round++) {
        void *at = NULL;
        CHECK_OK(ts_memory_map(memory, NULL, PAGE * LONG_PAGES, 0, TS_MAP_READ, &at));
        mapped = at;
        for (unsigned long i = 0; i < LONG_PAGES; i++) {
            (void)*(volatile char *)(mapped + PAGE * i);
        }
        second_go(0);
        CHECK_OK(ts_memory_unmap(mapped, PAGE * LONG_PAGES));
        second_wait();
        if (fresh_status != TS_OK || kernel_write(event, mapped) != TS_OK) {
            return 1; // what came later went too
        }
        CHECK_OK(ts_memory_unmap(mapped, PAGE));
    }
    second_end();
    return 0;
}

static void an_unmap_spares_what_came_later(void)
{
    run_child_ok("unmap-and-map");
}

// ---- Returns to one's own code

// 42 where the processor does it, which every real one must.
static int far_return(bool interrupt)
{
    if (interrupt) {
        __asm__ volatile("movq %%rsp, %%rcx\n movq %%ss, %%rax\n pushq %%rax\n pushq %%rcx\n"
                         "pushfq\n movq %%cs, %%rax\n pushq %%rax\n leaq 1f(%%rip), %%rax\n"
                         "pushq %%rax\n iretq\n 1:"
                         :
                         :
                         : "rax", "rcx", "memory");
    } else {
        __asm__ volatile("movq %%cs, %%rax\n pushq %%rax\n leaq 1f(%%rip), %%rax\n pushq %%rax\n"
                         "lretq\n 1:"
                         :
                         :
                         : "rax", "memory");
    }
    return 42;
}

static void rule_m15_a_far_return_does_not_spin(void)
{
    static const char *const how[] = {"iretq", "lretq"};
    for (unsigned i = 0; i < 2; i++) {
        struct ts_process_report report = run_child(how[i]);
        if (report.reason == TS_EXIT_STATUS) {
            CHECK_EQUAL(report.status, 42);
        } else {
            CHECK_EQUAL(report.reason, TS_EXIT_FAULT);
        }
    }
}

// ---- Killed in the middle

#define MIRRORS    512ul
#define MIRROR     (2ul << 20)
#define LONG_BYTES (MIRRORS * MIRROR)

// A gigabyte of addresses and two megabytes of memory.
static char *mirrors(void)
{
    ts_handle_t memory;
    void *at = NULL;
    CHECK_OK(ts_memory_create(MIRROR, 0, &memory));
    CHECK_OK(ts_memory_map(memory, NULL, MIRROR, 0, RW, &at));
    char *base = (char *)at + (64ul << 30);
    for (unsigned long i = 0; i < MIRRORS; i++) {
        at = base + MIRROR * i;
        CHECK_OK(ts_memory_map(memory, at, MIRROR, 0, RW | TS_MAP_FIXED, &at));
    }
    return base;
}

static void started(void)
{
    CHECK_OK(ts_event_signal(ts_named_handle("ready"), 1));
}

static void for_ever(const char *how)
{
    char *at = mirrors();
    static struct pair pair;
    ts_handle_t random = ts_named_handle(TS_NAME_RANDOM), memory;
    size_t bytes;
    CHECK_OK(ts_memory_create(LONG_BYTES, 0, &memory));
    if (strcmp(how, "pull") == 0) {
        pair_begin(&pair, 4, 0);
    }
    started();
    for (;;) {
        if (strcmp(how, "random") == 0) {
            CHECK_OK(ts_read(random, at, LONG_BYTES, 0, TS_DEADLINE_NONE, &bytes));
        }
        if (strcmp(how, "feed") == 0) {
            CHECK_OK(ts_write(random, at, LONG_BYTES, 0, TS_DEADLINE_NONE, &bytes));
        }
        if (strcmp(how, "read") == 0) {
            CHECK_OK(ts_read(memory, at, LONG_BYTES, 0, TS_DEADLINE_NONE, &bytes));
        }
        if (strcmp(how, "commit") == 0) {
            (void)ts_memory_commit(memory, 0, LONG_BYTES);
        }
        if (strcmp(how, "populate") == 0) {
            void *where = NULL;
            (void)ts_memory_map(memory, NULL, LONG_BYTES, 0, RW | TS_MAP_POPULATE, &where);
        }
        if (strcmp(how, "pull") == 0) {
            pair_write(&pair, at, LONG_BYTES, 0, 1);
            struct ts_event request = pair_event(&pair, TS_EVENT_REQUEST);
            CHECK_OK(ts_port_pull(pair.port, request.value, at, LONG_BYTES, 0, &bytes));
            pair_reply(&pair, request.value, TS_OK, 0);
            (void)pair_completion(&pair, 1);
        }
    }
}

// Whether one that is killed so many milliseconds after its start is gone soon; nothing of it
// stays.
static bool kill_after(ts_handle_t job, const char *how, ts_handle_t ready, int64_t ms)
{
    ts_handle_t child = start_child(job, how, ready);
    uint64_t count;
    CHECK_OK(ts_event_wait(ready, patience(), &count));
    ts_sleep_until(in_ms(ms));
    ts_time_t soon = in_ms(4000);
    CHECK_OK(ts_process_kill(child));
    bool gone = ts_process_wait(child, soon, NULL) == TS_OK;
    CHECK_OK(ts_process_wait(child, patience(), NULL));
    ts_close(child);
    job_check_empty(job);
    return gone;
}

// Gone soon, though what it does would take seconds more. A busy host may be late once or twice.
static void kill_during(const char *how)
{
    const struct ts_job_limits limits = {.pages = 8000};
    ts_handle_t job, ready;
    CHECK_OK(ts_event_create(0, &ready));
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &limits, &job));
    for (int64_t after = 3; after <= 60; after += 57) {
        unsigned tries = 3;
        while (!kill_after(job, how, ready, after)) {
            CHECK(--tries > 0);
        }
    }
    ts_close(job);
    ts_close(ready);
}

static void rule_d09_killed_while_reading_random_bytes(void)
{
    kill_during("random");
}

static void rule_d09_killed_while_feeding_the_generator(void)
{
    kill_during("feed");
}

static void rule_d09_killed_while_reading_memory(void)
{
    kill_during("read");
}

static void rule_d09_killed_while_committing(void)
{
    kill_during("commit");
}

static void rule_d09_killed_while_populating(void)
{
    kill_during("populate");
}

static void rule_d09_killed_while_pulling(void)
{
    kill_during("pull");
}

static int child_main(const char *how)
{
    if (strcmp(how, "protect-user") == 0 || strcmp(how, "protect-kernel") == 0) {
        return protect_and_unmap(strcmp(how, "protect-kernel") == 0);
    }
    if (strcmp(how, "two-protects") == 0) {
        return two_protects();
    }
    if (strcmp(how, "unmap-and-map") == 0) {
        return unmap_and_map();
    }
    if (strcmp(how, "iretq") == 0 || strcmp(how, "lretq") == 0) {
        return far_return(strcmp(how, "iretq") == 0);
    }
    for_ever(how);
    return 1;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(rule_m14_a_wide_protect_is_whole),
        TAP(rule_m14_a_protect_is_whole_beside_an_unmap),
        TAP(rule_m14_two_protects_make_one_of_the_two),
        TAP(code_runs_after_it_was_written),
        TAP(an_unmap_spares_what_came_later),
        TAP(rule_m15_a_far_return_does_not_spin),
        TAP(rule_d09_killed_while_reading_random_bytes),
        TAP(rule_d09_killed_while_feeding_the_generator),
        TAP(rule_d09_killed_while_reading_memory),
        TAP(rule_d09_killed_while_committing),
        TAP(rule_d09_killed_while_populating),
        TAP(rule_d09_killed_while_pulling),
    };
    return argc > 1 ? child_main(argv[1]) : TAP_RUN(tests);
}
