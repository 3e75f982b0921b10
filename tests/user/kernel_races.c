// SPDX-License-Identifier: MIT
// Threads that meet in the kernel at a bad moment: less important ones that are preempted where
// others wait for them, and those that are killed while they are woken. The program starts itself
// again as the one that is killed.
#include "lib/job.h"
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdatomic.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/syscall.h>
#include <tessera/lib/thread.h>

#define PROGRAM "test/kernel_races"
#define LOW     8u // the main thread is at TS_PRIORITY_NORMAL
#define WAITS   16u
#define ROUNDS  1200u
#define NS_MAX  400000 // what a signal with all its waits lasts, at the most

static void rest(int64_t ns)
{
    static uint32_t word;
    (void)ts_sys_futex_wait((uintptr_t)&word, 0, (uint64_t)ts_deadline_in(ns));
}

static struct teller {
    struct ts_thread thread;
    ts_handle_t port;
    _Atomic uint64_t told;
    atomic_bool over;
} teller;

static void tell(void *argument)
{
    (void)argument;
    while (!atomic_load(&teller.over)) {
        (void)ts_port_signal(teller.port, 0, 0, TS_SIGNAL_READABLE);
        (void)ts_port_signal(teller.port, 0, TS_SIGNAL_READABLE, 0);
        atomic_fetch_add(&teller.told, 1);
    }
}

// Rings with waits end while the less important thread that ends these waits is stopped somewhere:
// the end of a ring must not go on, and keep it from running, until it has run.
static void rule_d12_a_rings_end_waits_for_nobody_less_important(void)
{
    ts_handle_t object;
    struct ts_ring_queue ring;
    CHECK_OK(ts_port_create(4, 4, TS_HANDLE_NONE, 0, &teller.port));
    CHECK_OK(ts_port_mint(teller.port, 0, 0, TS_RIGHTS_ALL, &object));
    CHECK_OK(ts_thread_start(&teller.thread, tell, NULL, 16384, 0, LOW));
    for (unsigned round = 0; round < ROUNDS; round++) {
        CHECK_OK(ts_ring_create(&ring, WAITS, WAITS, WAITS));
        for (unsigned i = 0; i < WAITS; i++) {
            ts_prepare_wait(ts_ring_slot(&ring), object, TS_SIGNAL_READABLE, TS_DEADLINE_NONE, i);
        }
        CHECK_OK(ts_ring_submit(&ring));
        rest(NS_MAX / ROUNDS * (round * 7 % ROUNDS));
        ts_ring_destroy(&ring);
    }
    uint64_t before = atomic_load(&teller.told);
    ts_time_t limit = patience();
    while (atomic_load(&teller.told) == before && ts_clock_now() < limit) {
        rest(1000000);
    }
    CHECK(atomic_load(&teller.told) != before);
    atomic_store(&teller.over, true);
    CHECK_OK(ts_thread_join(&teller.thread, patience()));
    ts_close(object);
    ts_close(teller.port);
}

// ---- Killed while it is woken

#define WAITERS 12u
#define KILLS   20u

static uint32_t *shared_word;

static void wait_futex(void *argument)
{
    (void)argument;
    for (;;) {
        (void)ts_sys_futex_wait((uintptr_t)shared_word, 0, TS_DEADLINE_NONE);
    }
}

static void wait_signal(void *argument)
{
    (void)argument;
    for (;;) {
        (void)ts_wait(ts_named_handle("object"), TS_SIGNAL_READABLE, TS_DEADLINE_NONE, NULL);
    }
}

static void ask(void *argument)
{
    (void)argument;
    for (;;) {
        (void)ts_op(ts_named_handle("object"),
                    &(struct ts_op){.op = TS_OP_WRITE, .address = "x", .length = 1}, NULL);
    }
}

static void enter_ring(void *argument)
{
    struct ts_ring_queue ring;
    (void)argument;
    if (ts_ring_create(&ring, 8, 8, 8) != TS_OK) {
        return;
    }
    for (;;) {
        ts_prepare_wait(ts_ring_slot(&ring), ts_named_handle("object"), TS_SIGNAL_READABLE,
                        TS_DEADLINE_NONE, 0);
        (void)ts_ring_enter(&ring, 1, TS_DEADLINE_NONE);
        ts_ring_consume(&ring, ts_ring_unread(&ring));
    }
}

static int waits_in_all_ways(void)
{
    static void (*const ways[])(void *) = {wait_futex, wait_signal, ask, enter_ring};
    static struct ts_thread threads[WAITERS];
    void *at;
    if (ts_memory_map(ts_named_handle("memory"), NULL, 4096, 0, TS_MAP_READ | TS_MAP_WRITE, &at) !=
        TS_OK) {
        return 1;
    }
    shared_word = at;
    for (unsigned i = 0; i < WAITERS; i++) {
        if (ts_thread_start(&threads[i], ways[i % 4], NULL, 16384, 0, TS_PRIORITY_INHERIT) !=
            TS_OK) {
            return 2;
        }
    }
    if (ts_event_signal(ts_named_handle("ready"), 1) != TS_OK) {
        return 3;
    }
    wait_futex(NULL);
    return 0;
}

static struct waker {
    struct ts_thread thread;
    struct pair pair;
    atomic_bool over;
} waker;

static void answer_all(struct pair *pair)
{
    struct ts_event event;
    (void)ts_ring_enter(&pair->server, 0, TS_DEADLINE_NONE);
    while (ts_ring_next(&pair->server, &event)) {
        const struct ts_reply reply = {.id = event.value};
        if (event.kind == TS_EVENT_REQUEST) {
            (void)ts_port_reply(pair->port, &reply);
        }
    }
}

static void wake_all(void *argument)
{
    (void)argument;
    while (!atomic_load(&waker.over)) {
        (void)ts_sys_futex_wake((uintptr_t)shared_word, UINT32_MAX);
        (void)ts_port_signal(waker.pair.port, 0, 0, TS_SIGNAL_READABLE);
        (void)ts_port_signal(waker.pair.port, 0, TS_SIGNAL_READABLE, 0);
        answer_all(&waker.pair);
        ts_thread_yield();
    }
}

static void kill_one(ts_handle_t job, ts_handle_t ready, ts_handle_t memory, unsigned round)
{
    static const char *const arguments[] = {"kernel_races", "waits", NULL};
    struct ts_spawn_handle handles[] = {{"object", waker.pair.object, TS_RIGHTS_SAME, false},
                                        {"ready", ready, TS_RIGHTS_SAME, false},
                                        {"memory", memory, TS_RIGHTS_SAME, false}};
    const struct ts_spawn spawn = {
        .job = job, .name = "waits", .arguments = arguments, .handles = handles, .handle_count = 3};
    struct ts_process_report report;
    ts_handle_t child;
    uint64_t count;
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &child));
    CHECK_OK(ts_event_wait(ready, patience(), &count));
    rest(NS_MAX / KILLS * (round * 7 % KILLS));
    CHECK_OK(ts_process_kill(child));
    CHECK_OK(ts_process_wait(child, patience(), &report));
    CHECK_EQUAL(report.reason, TS_EXIT_KILLED);
    ts_close(child);
}

// Each of them is answered, woken or given a signal at the moment when the reaper ends it.
static void rule_d13_threads_are_killed_while_they_are_woken(void)
{
    static const struct ts_job_limits limits = {0};
    ts_handle_t job, ready, memory;
    void *at;
    pair_begin(&waker.pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &limits, &job));
    CHECK_OK(ts_event_create(0, &ready));
    CHECK_OK(ts_memory_allocate(4096, 0, &memory, &at));
    shared_word = at;
    CHECK_OK(ts_thread_start(&waker.thread, wake_all, NULL, 16384, 0, TS_PRIORITY_INHERIT));
    for (unsigned round = 0; round < KILLS; round++) {
        kill_one(job, ready, memory, round);
    }
    atomic_store(&waker.over, true);
    CHECK_OK(ts_thread_join(&waker.thread, patience()));
    job_check_empty(job);
    ts_close(job);
    ts_close(ready);
    ts_close(memory);
    pair_end(&waker.pair);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(rule_d12_a_rings_end_waits_for_nobody_less_important),
        TAP(rule_d13_threads_are_killed_while_they_are_woken),
    };
    (void)argv;
    return argc > 1 ? waits_in_all_ways() : TAP_RUN(tests);
}
