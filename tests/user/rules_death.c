// SPDX-License-Identifier: MIT
// Rules D of docs/invariants.md: what the end of a process or port does to others. (D05, about
// devices, is in driver_hostile.c.) The program starts itself again, as the one that dies.
#include "lib/job.h"
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdio.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/thread.h>

#define PROGRAM "test/rules_death"

static struct pair pair;

static int hoard(void);

// The one that dies: asks `target` by ring and waits for ever, or faults.
static int die(const char *how)
{
    struct ts_ring_queue ring;
    ts_handle_t target = ts_named_handle("target");
    if (strcmp(how, "exit") == 0) {
        return 7;
    }
    if (strcmp(how, "hoard") == 0) {
        return hoard();
    }
    if (strcmp(how, "fault") == 0) {
        *(volatile int *)(uintptr_t)0x10 = 1;
    }
    if (ts_ring_create(&ring, 32, 32, 32) != TS_OK) {
        return 1;
    }
    for (uint64_t i = 0; i < 10; i++) {
        ts_prepare_write(ts_ring_slot(&ring), target, "x", 1, i, TS_DEADLINE_NONE, i);
    }
    (void)ts_ring_enter(&ring, 10, TS_DEADLINE_NONE);
    return 2;
}

static ts_handle_t start_in(ts_handle_t job, const char *how, ts_handle_t target)
{
    const char *arguments[] = {"rules_death", how, NULL};
    struct ts_spawn_handle handles[] = {{"target", target, TS_RIGHTS_ALL, false}};
    const struct ts_spawn spawn = {.job = job,
                                   .name = "dies",
                                   .arguments = arguments,
                                   .handles = handles,
                                   .handle_count = target != TS_HANDLE_NONE};
    ts_handle_t process;
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &process));
    return process;
}

static void rule_d01_a_clients_death_cuts_off(void)
{
    struct ts_event event;
    pair_begin(&pair, 4, 0); // four slots: six of ten requests stay parked
    ts_handle_t child = start_in(TS_HANDLE_NONE, "ask", pair.object);
    uint64_t ids[4];
    for (int i = 0; i < 4; i++) {
        ids[i] = pair_event(&pair, TS_EVENT_REQUEST).value;
    }
    CHECK_OK(ts_process_kill(child));
    CHECK_OK(ts_process_wait(child, patience(), NULL));
    for (int i = 0; i < 4; i++) {
        const struct ts_reply reply = {.id = ids[i]};
        CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_GONE);
    }
    CHECK_EQUAL(ts_ring_enter(&pair.server, 1, in_ms(20)), TS_ERR_TIMED_OUT); // without a trace
    CHECK(!ts_ring_next(&pair.server, &event));
    pair_write(&pair, "x", 1, 77, 1); // and the port serves on
    struct ts_event request = pair_event(&pair, TS_EVENT_REQUEST);
    CHECK_EQUAL(request.offset, 77);
    pair_reply(&pair, request.value, TS_OK, 1);
    CHECK_OK(pair_completion(&pair, 1).status);
    ts_close(child);
    pair_end(&pair);
}

// Takes the CANCEL of each of these requests, which come in whatever order, and answers them.
static void take_cancels(const uint64_t *ids, unsigned count)
{
    bool told[4] = {false};
    for (unsigned i = 0; i < count; i++) {
        uint64_t id = pair_event(&pair, TS_EVENT_CANCEL).value;
        unsigned which = 0;
        while (which < count && ids[which] != id) {
            which++;
        }
        CHECK(which < count && !told[which]);
        told[which] = true;
        const struct ts_reply reply = {.id = id, .status = TS_ERR_CANCELLED};
        CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_GONE);
    }
    pair_quiet(&pair);
}

static void wait_until_gone(uint64_t id)
{
    char byte;
    size_t bytes;
    ts_time_t until = patience();
    while (ts_port_pull(pair.port, id, &byte, 1, 0, &bytes) != TS_ERR_GONE) {
        CHECK(ts_clock_now() < until);
        ts_sleep_until(in_ms(1));
    }
}

// Whatever cuts a client off, the server hears of it, and need not keep what the request has.
static void rule_q19_a_server_is_told_of_who_was_cut_off(void)
{
    uint64_t ids[4];
    pair_begin(&pair, 4, 0);
    ts_handle_t child = start_in(TS_HANDLE_NONE, "ask", pair.object);
    for (int i = 0; i < 4; i++) {
        ids[i] = pair_event(&pair, TS_EVENT_REQUEST).value;
    }
    CHECK_OK(ts_process_kill(child));
    CHECK_OK(ts_process_wait(child, patience(), NULL));
    take_cancels(ids, 4);
    ts_close(child);
    pair_write(&pair, "x", 1, 0, 1); // by force
    ids[0] = pair_event(&pair, TS_EVENT_REQUEST).value;
    pair_cancel(&pair, 1, TS_FLAG_FORCE, 2);
    take_cancels(ids, 1);
    pair_write(&pair, "x", 1, 0, 3); // politely, and then by the end of its ring: once
    ids[0] = pair_event(&pair, TS_EVENT_REQUEST).value;
    pair_cancel(&pair, 3, 0, 4);
    CHECK_EQUAL(pair_event(&pair, TS_EVENT_CANCEL).value, ids[0]);
    ts_ring_destroy(&pair.client);
    pair.client.handle = TS_HANDLE_NONE;
    wait_until_gone(ids[0]);
    pair_quiet(&pair);
    const struct ts_reply late = {.id = ids[0]};
    CHECK_EQUAL(ts_port_reply(pair.port, &late), TS_ERR_GONE);
    pair_end(&pair);
}

static void rule_d02_a_ports_end_completes_everything(void)
{
    char byte;
    pair_begin(&pair, 2, 0);
    for (uint64_t i = 0; i < 4; i++) {
        pair_write(&pair, "x", 1, 0, i);
    }
    (void)pair_event(&pair, TS_EVENT_REQUEST); // two delivered, two parked
    (void)pair_event(&pair, TS_EVENT_REQUEST);
    ts_close(pair.port);
    pair.port = TS_HANDLE_NONE;
    bool done[4] = {false};
    for (int i = 0; i < 4; i++) {
        struct ts_event event;
        if (ts_ring_unread(&pair.client) == 0) {
            CHECK_OK(ts_ring_enter(&pair.client, 1, patience()));
        }
        CHECK(ts_ring_next(&pair.client, &event));
        CHECK_EQUAL(event.status, TS_ERR_PEER_CLOSED);
        CHECK(event.user_data < 4 && !done[event.user_data]);
        done[event.user_data] = true;
    }
    CHECK_OK(ts_wait(pair.object, TS_SIGNAL_CLOSED, patience(), NULL));
    CHECK_EQUAL(ts_op(pair.object,
                      &(struct ts_op){
                          .op = TS_OP_READ, .address = &byte, .length = 1, .deadline = patience()},
                      NULL),
                TS_ERR_PEER_CLOSED);
    pair_end(&pair);
}

static void rule_d03_a_fault_ends_its_process_alone(void)
{
    struct ts_process_report report;
    ts_handle_t child = start_in(TS_HANDLE_NONE, "fault", TS_HANDLE_NONE);
    CHECK_OK(ts_process_wait(child, patience(), &report));
    CHECK_EQUAL(report.reason, TS_EXIT_FAULT);
    CHECK_EQUAL(report.fault_address, 0x10);
    CHECK(ts_report_pc(&report) != 0 && report.backtrace[0] != 0);
    ts_close(child);
}

static void rule_d04_the_report_stays(void)
{
    struct ts_process_report report;
    uint64_t signals;
    ts_handle_t child = start_in(TS_HANDLE_NONE, "exit", TS_HANDLE_NONE);
    CHECK_OK(ts_process_wait(child, patience(), NULL));
    for (int i = 0; i < 3; i++) {
        CHECK_OK(ts_get_u64(child, TS_PROPERTY_SIGNALS, &signals));
        CHECK(signals & TS_SIGNAL_EXITED);
        CHECK_OK(ts_process_report(child, &report));
        CHECK_EQUAL(report.reason, TS_EXIT_STATUS);
        CHECK_EQUAL(report.status, 7);
        CHECK_OK(ts_process_kill(child)); // does not change how it ended
    }
    ts_close(child);
}

// Many objects, requests and mappings: the end comes in pieces, between which others run. How long
// these waited at the longest.
static ts_time_t pause_beside_a_large_teardown(void)
{
    enum { OBJECTS = 2000 };
    struct ts_ring_queue ring;
    ts_handle_t port, handle;
    CHECK_OK(ts_ring_create(&ring, 64, 64, 64));
    CHECK_OK(ts_port_create(64, OBJECTS, TS_HANDLE_NONE, 0, &port));
    for (uint32_t oid = 0; oid < OBJECTS; oid++) {
        CHECK_OK(ts_port_mint(port, oid, oid, TS_RIGHTS_ALL, &handle));
        if (oid < 60) {
            ts_prepare_write(ts_ring_slot(&ring), handle, "x", 1, 0, TS_DEADLINE_NONE, oid);
        }
        if (oid >= 60 && oid % 2 == 0) {
            ts_close(handle); // half of them wait to be told of
        }
    }
    CHECK_OK(ts_ring_submit(&ring));
    ts_close(port);
    ts_time_t longest = 0, last = ts_clock_now();
    for (int i = 0; i < 2000; i++) {
        ts_thread_yield();
        ts_time_t now = ts_clock_now();
        longest = now - last > longest ? now - last : longest;
        last = now;
    }
    tap_note("longest pause beside the teardown: %lld us", (long long)longest / 1000);
    CHECK_OK(ts_ring_enter(&ring, 60, patience()));
    for (int i = 0; i < 60; i++) {
        struct ts_event event;
        CHECK(ts_ring_next(&ring, &event));
        CHECK_EQUAL(event.status, TS_ERR_PEER_CLOSED);
    }
    ts_ring_destroy(&ring);
    return longest;
}

static void rule_d06_a_large_teardown_lets_others_run(void)
{
    unsigned tries = 3; // the host may have been away
    while (pause_beside_a_large_teardown() >= 3 * TS_SECOND) {
        CHECK(--tries > 0);
    }
}

// One that holds much of everything and then no page of its job more; TARGET is told when it does.
static int hoard(void)
{
    enum { OBJECTS = 500, COPIES = 3000, PLACES = 500 };
    static struct ts_ring_queue ring;
    ts_handle_t port, object = TS_HANDLE_NONE, copy, memory;
    void *at;
    bool made = ts_ring_create(&ring, 1024, 1024, 1024) == TS_OK &&
                ts_port_create(64, OBJECTS, TS_HANDLE_NONE, 0, &port) == TS_OK &&
                ts_memory_create(TS_PAGE_SIZE * PLACES, 0, &memory) == TS_OK;
    for (uint32_t oid = 0; oid < OBJECTS && made; oid++) {
        made = ts_port_mint(port, oid, 0, TS_RIGHTS_ALL, &object) == TS_OK;
    }
    for (unsigned i = 0; i < COPIES && made; i++) {
        made = ts_duplicate(object, TS_RIGHTS_ALL, &copy) == TS_OK;
    }
    for (unsigned i = 0; i < PLACES && made; i++) {
        made = ts_memory_map(memory, NULL, TS_PAGE_SIZE, i * TS_PAGE_SIZE,
                             TS_MAP_READ | TS_MAP_WRITE, &at) == TS_OK;
    }
    for (uint64_t i = 0; i < 1000 && made; i++) {
        ts_prepare_write(ts_ring_slot(&ring), object, "x", 1, 0, TS_DEADLINE_NONE, i);
    }
    if (!made || ts_ring_submit(&ring) != TS_OK) {
        return 1;
    }
    while (ts_memory_allocate(TS_PAGE_SIZE, 0, &memory, &at) == TS_OK &&
           ts_memory_commit(memory, 0, TS_PAGE_SIZE) == TS_OK) {
        ;
    }
    (void)ts_event_signal(ts_named_handle("target"), 1);
    (void)ts_ring_enter(&ring, 1000, TS_DEADLINE_NONE);
    return 2;
}

static _Atomic uint64_t rounds;
static _Atomic bool over;

static void go_round(void *argument)
{
    (void)argument;
    while (!over) {
        rounds++;
        ts_thread_yield();
    }
}

// Its job has not one page left when it is killed, and all comes back; others run on.
static void rule_d06_a_teardown_needs_no_memory(void)
{
    struct ts_thread beside;
    ts_handle_t job, ready;
    over = false;
    CHECK_OK(ts_thread_start(&beside, go_round, NULL, 16384, 0, TS_PRIORITY_NORMAL));
    for (unsigned i = 0; i < 3; i++) {
        struct ts_job_statistics statistics;
        struct ts_process_report report;
        CHECK_OK(ts_event_create(0, &ready));
        CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &(struct ts_job_limits){.pages = 2000},
                               &job));
        ts_handle_t child = start_in(job, "hoard", ready);
        CHECK_OK(ts_wait(ready, TS_SIGNAL_READABLE, patience(), NULL));
        CHECK_OK(ts_job_statistics(job, &statistics));
        CHECK_EQUAL(statistics.used.pages, 2000);
        uint64_t before = rounds;
        CHECK_OK(ts_process_kill(child));
        CHECK_OK(ts_process_wait(child, patience(), &report));
        CHECK_EQUAL(report.reason, TS_EXIT_KILLED);
        for (ts_time_t limit = patience(); rounds == before && ts_clock_now() < limit;) {
            ts_thread_yield();
        }
        CHECK(rounds > before);
        ts_close(child);
        job_check_empty(job);
        ts_close(job);
        ts_close(ready);
    }
    over = true;
    CHECK_OK(ts_thread_join(&beside, patience()));
}

static void rule_d07_a_jobs_end_ends_all_below(void)
{
    ts_handle_t upper, lower, children[4];
    struct ts_process_report report;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), NULL, &upper));
    CHECK_OK(ts_job_create(upper, NULL, &lower));
    for (int i = 0; i < 4; i++) {
        children[i] = start_in(i < 2 ? upper : lower, "ask", pair.object);
    }
    CHECK_OK(ts_job_kill(upper));
    for (int i = 0; i < 4; i++) {
        CHECK_OK(ts_process_wait(children[i], patience(), &report));
        CHECK_EQUAL(report.reason, TS_EXIT_KILLED);
        ts_close(children[i]);
    }
    ts_handle_t late;
    CHECK_EQUAL(ts_process_create(lower, "late", &late), TS_ERR_GONE);
    job_check_empty(upper);
    ts_close(lower);
    ts_close(upper);
    pair_end(&pair);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(rule_d01_a_clients_death_cuts_off),
        TAP(rule_q19_a_server_is_told_of_who_was_cut_off),
        TAP(rule_d02_a_ports_end_completes_everything),
        TAP(rule_d03_a_fault_ends_its_process_alone),
        TAP(rule_d04_the_report_stays),
        TAP(rule_d06_a_large_teardown_lets_others_run),
        TAP(rule_d06_a_teardown_needs_no_memory),
        TAP(rule_d07_a_jobs_end_ends_all_below),
    };
    return argc > 1 ? die(argv[1]) : TAP_RUN(tests);
}
