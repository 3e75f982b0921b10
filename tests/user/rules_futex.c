// SPDX-License-Identifier: MIT
// Rules F of docs/invariants.md: words that are waited for. The program starts itself as the other
// process.
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdatomic.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/thread.h>

#define PROGRAM "test/rules_futex"
#define PAGE    4096u
#define WORDS   48u // each in a memory of its own

static struct ts_ring_queue ring;
static uint32_t *words[WORDS];

// A ring's operation waits for the word, which is 0.
static void wait_for(uint32_t *word, uint64_t user_data)
{
    struct ts_submission *slot = ts_ring_slot(&ring);
    slot->op = TS_OP_FUTEX_WAIT;
    slot->address = (uintptr_t)word;
    slot->user_data = user_data;
    CHECK_OK(ts_ring_submit(&ring));
}

static uint32_t *new_word(void)
{
    void *at;
    CHECK_OK(ts_memory_allocate(PAGE, 0, NULL, &at));
    return at;
}

static void forget_words(void)
{
    for (unsigned i = 0; i < WORDS; i++) {
        CHECK_OK(ts_memory_unmap(words[i], PAGE));
    }
}

// Waiters of words that are gone: what they waited for is freed, its address in the kernel used for
// the next memory of the same size.
static void leave_stale_waiters(void)
{
    CHECK_OK(ts_ring_create(&ring, 64, 128, 64));
    for (unsigned i = 0; i < WORDS; i++) {
        wait_for(words[i] = new_word(), i);
    }
    forget_words();
    ts_sleep_until(in_ms(50)); // the reaper's time
}

// They have all been waiting until now.
static void end_stale_waiters(void)
{
    struct ts_event event;
    CHECK(!ts_ring_next(&ring, &event));
    for (unsigned i = 0; i < WORDS; i++) {
        ts_prepare_cancel(ts_ring_slot(&ring), i, 0, WORDS);
        CHECK_OK(ts_ring_submit(&ring));
        CHECK_OK(ts_ring_enter(&ring, 2, patience()));
        CHECK(ts_ring_next(&ring, &event) && event.user_data == i);
        CHECK_EQUAL(event.status, TS_ERR_CANCELLED);
        CHECK(ts_ring_next(&ring, &event) && event.user_data == WORDS);
        CHECK_OK(event.status);
    }
    ts_ring_destroy(&ring);
}

static void rule_f01_no_wake_reaches_waiters_of_memory_that_is_gone(void)
{
    leave_stale_waiters();
    for (unsigned i = 0; i < WORDS; i++) {
        CHECK_EQUAL(ts_futex_wake(words[i] = new_word(), 10), 0);
    }
    forget_words();
    end_stale_waiters();
}

// The other process: each of its wakes reaches the one that waits. Its status is 42, or how far it
// came.
static int other(void)
{
    CHECK_OK(ts_ring_create(&ring, 64, 128, 64));
    for (unsigned i = 0; i < WORDS; i++) {
        struct ts_event event;
        wait_for(words[i] = new_word(), i);
        struct ts_result result = ts_sys_futex_wake((uintptr_t)words[i], 1);
        if (result.status != TS_OK || result.value != 1 ||
            ts_ring_enter(&ring, 1, patience()) != TS_OK || !ts_ring_next(&ring, &event) ||
            event.user_data != i || event.status != TS_OK) {
            return 100 + (int)i;
        }
    }
    return 42;
}

static void rule_f01_no_process_takes_anothers_wake(void)
{
    static const char *const arguments[] = {"rules_futex", "other", NULL};
    const struct ts_spawn spawn = {.name = "other", .arguments = arguments, .give_job = true};
    struct ts_process_report report;
    ts_handle_t child;
    leave_stale_waiters();
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &child));
    CHECK_OK(ts_process_wait(child, patience(), &report));
    ts_close(child);
    CHECK_EQUAL(report.reason, TS_EXIT_STATUS);
    CHECK_EQUAL(report.status, 42);
    end_stale_waiters();
}

// Memory that two mappings and a view show is one, and an offset in it one word.
static void rule_f01_a_word_is_a_place_in_its_memory(void)
{
    ts_handle_t memory, view;
    char *first, *second, *third;
    CHECK_OK(ts_ring_create(&ring, 64, 128, 64));
    CHECK_OK(ts_memory_allocate(2 * PAGE, 0, &memory, (void **)&first));
    CHECK_OK(ts_memory_view(memory, PAGE, PAGE, &view));
    CHECK_OK(
        ts_memory_map(memory, NULL, 2 * PAGE, 0, TS_MAP_READ | TS_MAP_WRITE, (void **)&second));
    CHECK_OK(ts_memory_map(view, NULL, PAGE, 0, TS_MAP_READ | TS_MAP_WRITE, (void **)&third));
    for (unsigned i = 0; i < 3; i++) {
        wait_for((uint32_t *)(first + PAGE + 8), i);
    }
    CHECK_EQUAL(ts_futex_wake((uint32_t *)(second + PAGE + 8), 1), 1);
    CHECK_EQUAL(ts_futex_wake((uint32_t *)(second + PAGE + 4), 10), 0);
    CHECK_EQUAL(ts_futex_wake((uint32_t *)(third + 8), 1), 1);
    CHECK_OK(ts_memory_unmap(first, 2 * PAGE)); // where it waited; the memory is still there
    CHECK_EQUAL(ts_futex_wake((uint32_t *)(third + 8), 1), 1);
    for (unsigned i = 0; i < 3; i++) { // in order of arrival
        struct ts_event event;
        CHECK_OK(ts_ring_enter(&ring, 1, patience()));
        CHECK(ts_ring_next(&ring, &event) && event.user_data == i && event.status == TS_OK);
    }
    CHECK_OK(ts_memory_unmap(second, 2 * PAGE));
    CHECK_OK(ts_memory_unmap(third, PAGE));
    ts_close(view);
    ts_close(memory);
    ts_ring_destroy(&ring);
}

// ---- Those that come back

#define RETURNING 1024u
#define TICK_NS   200000 // how often those that were woken get the CPU to come back
#define TICK      UINT64_MAX

static uint32_t word;
static struct ts_result woken;
static atomic_bool over, waiting, done;

static void stage_wait(void)
{
    struct ts_submission *slot = ts_ring_slot(&ring);
    slot->op = TS_OP_FUTEX_WAIT;
    slot->address = (uintptr_t)&word;
}

// More important than the waker: each operation that was woken waits again, in the midst of the
// wake.
static void come_back(void *argument)
{
    (void)argument;
    struct ts_event event;
    struct ts_submission *slot = ts_ring_slot(&ring);
    ts_prepare_timeout(slot, TS_DEADLINE_PAST, TICK);
    slot->flags = TS_FLAG_MULTI;
    slot->offset = TICK_NS;
    for (unsigned i = 0; i < RETURNING; i++) {
        stage_wait();
    }
    while (!atomic_load(&over) && ts_ring_enter(&ring, 1, TS_DEADLINE_NONE) == TS_OK) {
        atomic_store(&waiting, true);
        while (ts_ring_next(&ring, &event)) {
            if (event.user_data != TICK) {
                stage_wait();
            }
        }
    }
}

static void wake_all(void *argument)
{
    (void)argument;
    woken = ts_sys_futex_wake((uintptr_t)&word, UINT32_MAX);
    atomic_store(&done, true);
}

static void rule_f02_a_wake_ends_while_waiters_come_back(void)
{
    static struct ts_thread returning, waker;
    CHECK_OK(ts_ring_create(&ring, 2 * RETURNING, 2 * RETURNING, 2 * RETURNING));
    CHECK_OK(ts_thread_start(&returning, come_back, NULL, 16384, 0, TS_PRIORITY_INHERIT));
    while (!atomic_load(&waiting)) {
        ts_sleep_until(in_ms(1));
    }
    CHECK_OK(ts_thread_start(&waker, wake_all, NULL, 16384, 0, TS_PRIORITY_IDLE + 1));
    ts_time_t limit = patience();
    while (!atomic_load(&done) && ts_clock_now() < limit) {
        ts_sleep_until(in_ms(1));
    }
    bool ended = atomic_load(&done);
    atomic_store(&over, true);
    CHECK_OK(ts_thread_join(&returning, patience()));
    CHECK_OK(ts_thread_join(&waker, patience()));
    ts_ring_destroy(&ring);
    CHECK(ended);
    CHECK_OK(woken.status);
    CHECK_EQUAL(woken.value, RETURNING);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(rule_f01_no_wake_reaches_waiters_of_memory_that_is_gone),
        TAP(rule_f01_no_process_takes_anothers_wake),
        TAP(rule_f01_a_word_is_a_place_in_its_memory),
        TAP(rule_f02_a_wake_ends_while_waiters_come_back),
    };
    if (argc > 1 && strcmp(argv[1], "other") == 0) {
        return other();
    }
    return TAP_RUN(tests);
}
