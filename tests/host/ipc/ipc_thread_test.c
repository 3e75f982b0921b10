// SPDX-License-Identifier: MIT
// Threads of the calling process: what stack and thread pointer each starts with, which stacks are
// kept for the next one, and that a start which fails leaves nothing behind.
#include <tessera/lib/memory.h>
#include <tessera/lib/thread.h>
#include "tests/host/check.h"
#include "fake_process.h"

static struct {
    uint64_t entry, top, argument, pointer;
} started;

// It has run and left its stack when the start returns.
static ts_status_t run(uint64_t entry, uint64_t stack_top, uint64_t argument, uint64_t pointer)
{
    started.entry = entry;
    started.top = stack_top;
    started.argument = argument;
    started.pointer = pointer;
    CHECK_EQUAL(((struct ts_thread *)(uintptr_t)argument)->running, 1);
    ((struct ts_thread *)(uintptr_t)argument)->running = 0;
    return TS_OK;
}

static void entry(void *argument)
{
    (void)argument;
}

static ts_status_t start(struct ts_thread *thread, size_t size, uint64_t pointer)
{
    return ts_thread_start(thread, entry, thread, size, pointer, TS_PRIORITY_NORMAL);
}

static void test_what_it_starts_with(void)
{
    struct ts_thread thread;
    fake_reset();
    fake_thread = run;
    CHECK_EQUAL(start(&thread, 20000, 0), TS_OK);
    uint64_t base = (uintptr_t)thread.stack;
    CHECK_EQUAL(thread.stack_size, 20480 + TS_PAGE_SIZE); // rounded up, and a guard page
    CHECK(fake_guard == base && fake_guard_length == TS_PAGE_SIZE);
    CHECK(thread.entry == entry && thread.argument == &thread);
    CHECK(started.argument == (uintptr_t)&thread && started.top % 16 == 8);
    // The control block lies on the stack, and nothing of the stack's use reaches it.
    const struct ts_thread_control *control = (const void *)(uintptr_t)started.pointer;
    CHECK(started.pointer > started.top && started.pointer + sizeof(*control) <= base + 24576);
    CHECK(control->self == started.pointer && control->canary != 0);
    CHECK_EQUAL(fake_open_handles(), 1); // the thread: the stack's memory is kept by its mapping
    CHECK_EQUAL(ts_thread_join(&thread, TS_DEADLINE_NONE), TS_OK);
    CHECK_EQUAL(fake_open_handles(), 0);

    CHECK_EQUAL(start(&thread, 20000, 4711), TS_OK); // a thread pointer of the caller's own
    CHECK(started.pointer == 4711 && started.top == base + 24576 - 8);
    CHECK_EQUAL(ts_thread_join(&thread, TS_DEADLINE_NONE), TS_OK);
}

// Stacks of threads that were joined, by size; at most four, and no large ones.
static void test_kept_stacks(void)
{
    struct ts_thread threads[6];
    void *stacks[6];
    fake_reset();
    fake_thread = run;
    for (unsigned i = 0; i < 6; i++) {
        CHECK_EQUAL(start(&threads[i], 8192, 1), TS_OK);
    }
    CHECK_EQUAL(fake_maps, 6);
    for (unsigned i = 0; i < 6; i++) {
        stacks[i] = threads[i].stack;
        CHECK_EQUAL(ts_thread_join(&threads[i], TS_DEADLINE_NONE), TS_OK);
    }
    unsigned kept = 3; // the fourth place has the stack of the test before
    CHECK_EQUAL(fake_mapped, kept);
    CHECK_EQUAL(start(&threads[0], 4096, 1), TS_OK); // of another size
    CHECK(fake_maps == 7 && threads[0].stack != stacks[0]);
    for (unsigned i = 1; i <= kept; i++) {
        CHECK_EQUAL(start(&threads[i], 8192, 1), TS_OK);
        CHECK(fake_maps == 7);
        for (unsigned j = 0; j < i; j++) {
            CHECK(threads[i].stack != threads[j].stack); // each is one thread's
        }
    }
    CHECK_EQUAL(start(&threads[kept + 1], 8192, 1), TS_OK);
    CHECK_EQUAL(fake_maps, 8);
}

static void test_large_stacks(void)
{
    struct ts_thread thread;
    fake_reset();
    fake_thread = run;
    CHECK_EQUAL(start(&thread, 1 << 20, 1), TS_OK);
    CHECK_EQUAL(fake_mapped, 1);
    CHECK_EQUAL(ts_thread_join(&thread, TS_DEADLINE_NONE), TS_OK);
    CHECK_EQUAL(fake_mapped, 0);
    CHECK_EQUAL(start(&thread, (256 << 10) - TS_PAGE_SIZE, 1), TS_OK); // the largest that is kept
    CHECK_EQUAL(ts_thread_join(&thread, TS_DEADLINE_NONE), TS_OK);
    CHECK_EQUAL(fake_mapped, 1);
}

// (Sizes of its own, so that no kept stack helps.)
static void test_start_fails(void)
{
    struct ts_thread thread;
    fake_reset();
    fake_thread = run;
    for (unsigned n = 1; n <= 4; n++) { // memory, mapping, guard, thread
        fake_fails_at = n;
        CHECK_EQUAL(start(&thread, 1 << 20, 1), TS_ERR_MEMORY);
        CHECK(fake_fails_at == 0 && fake_open_handles() == 0 && fake_mapped == 0);
    }
    fake_fails_at = 5;
    CHECK_EQUAL(start(&thread, 1 << 20, 1), TS_OK);
    CHECK_EQUAL(ts_thread_join(&thread, TS_DEADLINE_NONE), TS_OK);
}

static void test_join_waits(void)
{
    struct ts_thread thread;
    fake_reset();
    fake_thread = run;
    CHECK_EQUAL(start(&thread, 1 << 20, 1), TS_OK);
    thread.running = 1; // still on its stack
    CHECK_EQUAL(ts_thread_join(&thread, 99), TS_ERR_TIMED_OUT);
    CHECK(fake_deadline == 99 && fake_mapped == 1 && fake_open_handles() == 1);
    thread.running = 0;
    CHECK_EQUAL(ts_thread_join(&thread, 99), TS_OK);
    CHECK(fake_mapped == 0 && fake_open_handles() == 0);
}

int main(void)
{
    test_what_it_starts_with();
    test_kept_stacks();
    test_large_stacks();
    test_start_fails();
    test_join_waits();
    fake_reset();
    return 0;
}
