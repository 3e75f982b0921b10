// SPDX-License-Identifier: MIT
// A program that does what it likes: random system calls, operations and ring contents, some almost
// right. It runs in a job with limits, again and again from other seeds, beside an honest client
// and server of this program, who must not notice. Afterwards everything that it had is given back.
//
// random_calls [SEED [ROUNDS [STEPS]]]; the seed is printed, so that a run can be repeated.
#include "lib/job.h"
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/random.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/thread.h>

#define PROGRAM        "test/random_calls"
#define ROUND_LIMIT_MS 3000 // one that does not end by itself is killed

static uint64_t seed;
static unsigned rounds = 10, steps = 5000;

// The hostile program ---------------------------------------------------------------------------

static uint64_t state;

static uint64_t next(void) // xorshift64*
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(2685821657736338717);
}

static uint64_t below(uint64_t limit)
{
    return next() % limit;
}

static struct ts_ring_queue ring;
static ts_handle_t held[32]; // handles that mean something, and some that did
static unsigned char area[8 * 4096] __attribute__((aligned(4096)));

static ts_handle_t some_handle(void)
{
    switch (below(8)) {
    case 0: return (ts_handle_t)next();
    case 1: return (ts_handle_t)below(64);
    case 2: return (ts_handle_t)(below(64) | 1u << TS_HANDLE_SLOT_BITS);
    default: return held[below(32)];
    }
}

static uint64_t some_number(void)
{
    switch (below(8)) {
    case 0: return next();
    case 1: return UINT64_MAX - below(4096);
    case 2: return UINT64_C(1) << below(64);
    case 3: return 4096 * below(64);
    default: return below(300);
    }
}

static uint64_t some_address(void)
{
    switch (below(8)) {
    case 0: return next();
    case 1: return UINT64_C(0xffff800000000000) + below(1 << 20);
    case 2: return TS_USER_END - below(8192);
    case 3: return (uintptr_t)area + sizeof area - below(16);
    case 4: return (uintptr_t)ring.header + below(8192);
    default: return (uintptr_t)area + below(sizeof area);
    }
}

static void fill_area(void)
{
    uint64_t words[8];
    size_t at = below(sizeof area - sizeof words);
    for (unsigned i = 0; i < 8; i++)
        words[i] = below(2) ? some_number() : below(2) ? some_address() : some_handle();
    memcpy(area + at, words, sizeof words);
}

// Never none, and never far: it is to do much, not to wait.
static uint64_t some_deadline(void)
{
    switch (below(8)) {
    case 0: return 1 + below(1000000);    // long past
    case 1: return UINT64_MAX - below(9); // negative
    default: return (uint64_t)ts_deadline_in((ts_time_t)below(100000));
    }
}

static void keep(struct ts_result result)
{
    if (result.status == TS_OK && result.value != 0 && result.value <= UINT32_MAX)
        held[below(32)] = (ts_handle_t)result.value;
}

static void any_operation(void)
{
    uint64_t word = TS_OP_WORD(below(TS_OP_COUNT + 2), below(4) ? 0 : (uint8_t)next(),
                               below(2) ? TS_RIGHTS_ALL : (ts_rights_t)next(), some_handle());
    keep(ts_sys_op(word, some_address(), below(4) ? 64 : some_number(), some_number(),
                   some_number(), some_deadline()));
}

static void any_submission(void)
{
    for (unsigned i = 0; i < 1 + below(8); i++) {
        struct ts_submission *slot =
            &ring.submissions[(ring.header->submit_tail + i) & ring.submission_mask];
        uint64_t *words = (uint64_t *)slot;
        words[0] = TS_OP_WORD(below(TS_OP_COUNT + 2), below(4) ? 0 : (uint8_t)next(), TS_RIGHTS_ALL,
                              some_handle());
        for (unsigned j = 1; j < 8; j++)
            words[j] = below(2) ? some_number() : some_address();
        slot->deadline = some_deadline();
    }
    if (below(16) == 0)
        ((uint32_t *)ring.header)[below(128)] = (uint32_t)next();
    else
        ring.header->submit_tail += (uint32_t)below(9);
    (void)ts_sys_enter(ring.handle | (uint64_t)below(12) << 32, below(3), some_deadline(), 0);
    if (below(4) == 0)
        ring.header->event_head = ring.header->event_tail;
}

static void any_other_call(void)
{
    uint64_t handles = some_handle() | (uint64_t)some_handle() << 32;
    switch (below(10)) {
    case 0: (void)ts_sys_enter(handles, some_number(), some_deadline(), some_number()); break;
    case 1: // reply_wait has no deadline: with an id of 0 it might never come back
        (void)ts_sys_reply_wait(handles, some_number() | 1, some_number(), some_number(),
                                some_address(), some_number());
        break;
    case 2:
        keep(ts_sys_create(TS_CREATE_WORD(below(20), below(4), some_handle()), some_number(),
                           some_number(), some_number()));
        break;
    case 3:
        (void)ts_sys_map(handles, below(2) ? 0 : some_address() & ~UINT64_C(4095), 4096 * below(8),
                         4096 * below(8), below(32));
        break;
    case 4: (void)ts_sys_unmap(some_handle(), some_address(), some_number()); break;
    case 5: (void)ts_sys_protect(some_handle(), some_number(), some_number(), below(16)); break;
    case 6:
        (void)ts_sys_thread_start(some_handle() | 1, some_address(), some_address(), some_number(),
                                  some_address(), below(40));
        break;
    case 7: (void)ts_sys_futex_wait(some_address(), some_number(), some_deadline()); break;
    case 8: (void)ts_sys_futex_wake(some_address(), some_number()); break;
    default: (void)ts_sys_upcall_return(some_address()); break;
    }
}

static int be_hostile(uint64_t from, unsigned count)
{
    ts_handle_t port = TS_HANDLE_NONE;
    state = from | 1;
    (void)!ts_ring_create(&ring, 32, 32, 16);
    (void)!ts_port_create(8, 16, 0, 0, &port);
    held[0] = ts_named_handle("target");
    if (below(2) == 0) { // with these it soon ends itself
        held[1] = ts_named_handle(TS_NAME_PROCESS);
        held[2] = ts_named_handle(TS_NAME_JOB);
    }
    held[3] = ring.handle;
    held[4] = port;
    (void)!ts_memory_create(16 * 4096, 0, &held[5]);
    (void)!ts_event_create(1, &held[6]);
    (void)!ts_port_bind(port, ring.handle, 1);
    (void)!ts_port_mint(port, 0, 1, TS_RIGHTS_ALL, &held[7]);
    for (unsigned i = 0; i < count; i++) {
        switch (below(4)) {
        case 0: any_submission(); break;
        case 1: any_other_call(); break;
        default: any_operation(); break;
        }
        if (below(8) == 0)
            fill_area();
    }
    return 0;
}

// The honest ones -------------------------------------------------------------------------------

static struct pair pair;
static _Atomic bool over;
static struct ts_thread server_thread;

// Answers everything; what the hostile program sends is its own affair.
static void serve(void *argument)
{
    (void)argument;
    struct ts_event event;
    while (!over) {
        if (ts_ring_enter(&pair.server, 1, in_ms(20)) != TS_OK)
            continue;
        while (ts_ring_next(&pair.server, &event)) {
            if (event.kind != TS_EVENT_REQUEST)
                continue;
            const struct ts_reply reply = {.id = event.value, .value = event.offset ^ 1};
            (void)!ts_port_reply(pair.port, &reply);
        }
    }
}

static uint64_t ask_honestly(ts_handle_t object, ts_time_t until)
{
    uint64_t asked = 0;
    for (; ts_clock_now() < until; asked++) {
        uint64_t value;
        CHECK_OK(ts_op(TS_OP_WRITE, 0, 0, object, "x", 1, asked, 0, in_ms(3000), &value));
        CHECK_EQUAL(value, asked ^ 1);
    }
    return asked;
}

static ts_handle_t start_hostile(ts_handle_t job, ts_handle_t target, uint64_t from)
{
    char numbers[2][24];
    snprintf(numbers[0], sizeof numbers[0], "%llu", (unsigned long long)from);
    snprintf(numbers[1], sizeof numbers[1], "%u", steps);
    const char *arguments[] = {"random_calls", "hostile", numbers[0], numbers[1], NULL};
    struct ts_spawn_handle handles[] = {{"target", target, TS_RIGHTS_ALL, false}};
    const struct ts_spawn spawn = {.job = job,
                                   .name = "hostile",
                                   .arguments = arguments,
                                   .handles = handles,
                                   .handle_count = 1,
                                   .give_job = true};
    ts_handle_t process;
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &process));
    return process;
}

static void nobody_notices_a_hostile_program(void)
{
    const struct ts_job_limits limits = {.pages = 3000, .handles = 400, .threads = 8};
    ts_handle_t own, job;
    uint64_t asked = 0, by_itself = 0;
    tap_note("seed %llu", (unsigned long long)seed);
    pair_begin(&pair, 32, 0);
    CHECK_OK(ts_port_mint(pair.port, 1, 1, TS_RIGHTS_ALL, &own)); // a session of our own
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &limits, &job));
    over = false;
    CHECK_OK(ts_thread_start(&server_thread, serve, NULL, 32768, 0, TS_PRIORITY_NORMAL));
    for (unsigned round = 0; round < rounds; round++) {
        ts_handle_t hostile = start_hostile(job, pair.object, seed + round);
        ts_time_t limit = in_ms(ROUND_LIMIT_MS);
        uint64_t signals = 0;
        while ((signals & TS_SIGNAL_EXITED) == 0 && ts_clock_now() < limit) {
            asked += ask_honestly(own, in_ms(10));
            CHECK_OK(ts_get_u64(hostile, TS_PROPERTY_SIGNALS, &signals));
        }
        by_itself += (signals & TS_SIGNAL_EXITED) != 0;
        CHECK_OK(ts_job_kill(job)); // and what it may have started
        CHECK_OK(ts_process_wait(hostile, in_ms(5000), NULL));
        ts_close(hostile);
        job_check_empty(job);
        ts_close(job);
        CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &limits, &job));
    }
    tap_note("%llu honest requests; %llu of %u rounds ended by themselves",
             (unsigned long long)asked, (unsigned long long)by_itself, rounds);
    struct ts_system_statistics system;
    if (ts_system_statistics(ts_named_handle("system"), &system) == TS_OK)
        tap_note("longest time with locks held: %llu us",
                 (unsigned long long)system.longest_locked_ns / 1000);
    CHECK(asked >= rounds);
    over = true;
    CHECK_OK(ts_thread_join(&server_thread, in_ms(3000)));
    ts_close(own);
    ts_close(job);
    pair_end(&pair);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {TAP(nobody_notices_a_hostile_program)};
    if (argc > 3 && strcmp(argv[1], "hostile") == 0)
        return be_hostile(strtoull(argv[2], NULL, 10), (unsigned)strtoul(argv[3], NULL, 10));
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 10);
    else if (ts_random_bytes(&seed, sizeof seed) != TS_OK)
        seed = (uint64_t)ts_clock_now();
    rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : rounds;
    steps = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : steps;
    return TAP_RUN(tests);
}
