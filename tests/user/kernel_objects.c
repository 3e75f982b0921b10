// SPDX-License-Identifier: MIT
// Kernel objects and system calls, one process: events, memory, threads, futexes, rings, handles,
// and what they say to wrong arguments. Rules are those of docs/invariants.md and design section 2.
#include "lib/tap.h"
#include "lib/wait.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/op.h>
#include <tessera/lib/process.h>
#include <tessera/lib/thread.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

#define MS INT64_C(1000000)

static void nop_needs_nothing(void)
{
    CHECK_OK(ts_op(TS_HANDLE_NONE, &(struct ts_op){.op = TS_OP_NOP}, NULL));
}

static void unknown_system_call_is_unsupported(void)
{
    int64_t status;
    __asm__ volatile("syscall" : "=a"(status) : "a"(999) : "rcx", "r11", "rdx", "memory");
    CHECK_EQUAL(status, TS_ERR_UNSUPPORTED);
}

static void unknown_operation_is_unsupported(void)
{
    CHECK_EQUAL(ts_op(TS_HANDLE_NONE, &(struct ts_op){.op = (enum ts_operation)200}, NULL),
                TS_ERR_UNSUPPORTED);
}

static void wrong_flags_are_refused(void)
{
    CHECK_EQUAL(ts_op(TS_HANDLE_NONE, &(struct ts_op){.op = TS_OP_NOP, .flags = 0x80}, NULL),
                TS_ERR_ARGUMENT);
    CHECK_EQUAL(
        ts_op(TS_HANDLE_NONE, &(struct ts_op){.op = TS_OP_NOP, .flags = TS_FLAG_QUIET}, NULL),
        TS_ERR_ARGUMENT);
    CHECK_EQUAL(
        ts_op(TS_HANDLE_NONE, &(struct ts_op){.op = TS_OP_NOP, .flags = TS_FLAG_LINK}, NULL),
        TS_ERR_UNSUPPORTED);
}

static void wrong_handles_are_told(void)
{
    CHECK_EQUAL(ts_op(TS_HANDLE_NONE, &(struct ts_op){.op = TS_OP_CLOSE}, NULL), TS_ERR_HANDLE);
    CHECK_EQUAL(ts_op(0xffffffff, &(struct ts_op){.op = TS_OP_READ}, NULL), TS_ERR_HANDLE);
}

static void event_counts_and_one_waiter_wins(void)
{
    ts_handle_t event;
    uint64_t count;
    CHECK_OK(ts_event_create(0, &event));
    CHECK_EQUAL(
        ts_op(event,
              &(struct ts_op){.op = TS_OP_WAIT, .flags = TS_FLAG_NOWAIT, .arg = TS_SIGNAL_READABLE},
              NULL),
        TS_ERR_AGAIN);
    CHECK_OK(ts_event_signal(event, 3));
    CHECK_OK(ts_event_signal(event, 4));
    CHECK_OK(ts_event_wait(event, TS_DEADLINE_NONE, &count));
    CHECK_EQUAL(count, 7);
    CHECK_EQUAL(ts_event_wait(event, in_ms(5), &count), TS_ERR_TIMED_OUT);
    ts_close(event);
    CHECK_EQUAL(ts_event_signal(event, 1), TS_ERR_HANDLE);
}

static void deadline_is_kept(void)
{
    ts_handle_t event;
    uint64_t count;
    CHECK_OK(ts_event_create(0, &event));
    ts_time_t until = in_ms(20);
    CHECK_EQUAL(ts_event_wait(event, until, &count), TS_ERR_TIMED_OUT);
    CHECK(ts_clock_now() >= until);
    ts_close(event);
}

static void rights_are_needed(void)
{
    ts_handle_t event, weak;
    CHECK_OK(ts_event_create(1, &event));
    CHECK_OK(ts_duplicate(event, TS_RIGHT_WAIT, &weak));
    CHECK_EQUAL(ts_event_signal(weak, 1), TS_ERR_RIGHTS);
    CHECK_EQUAL(ts_duplicate(weak, TS_RIGHTS_SAME, &weak), TS_ERR_RIGHTS);
    bool same;
    CHECK_OK(ts_same(event, weak, &same));
    CHECK(same);
    ts_rights_t rights;
    CHECK_OK(ts_rights(weak, &rights));
    CHECK_EQUAL(rights, TS_RIGHT_WAIT);
    ts_close(weak);
    ts_close(event);
}

static void kinds_are_checked(void)
{
    ts_handle_t event;
    CHECK_OK(ts_event_create(0, &event));
    enum ts_kind kind;
    CHECK_OK(ts_kind(event, &kind));
    CHECK_EQUAL(kind, TS_KIND_EVENT);
    CHECK_EQUAL(ts_sys_map(ts_pair(0, event), 0, 4096, 0, TS_MAP_READ).status,
                TS_ERR_RIGHTS); // an event has no right MAP
    CHECK_EQUAL(ts_sys_enter(event, 0, TS_DEADLINE_NONE, 0).status, TS_ERR_KIND);
    CHECK_EQUAL(ts_sys_create(ts_create_word(TS_KIND_INTERRUPT, 0, TS_HANDLE_NONE), 0, 0, 0).status,
                TS_ERR_KIND);
    CHECK_EQUAL(ts_op(event, &(struct ts_op){.op = TS_OP_REVOKE}, NULL), TS_ERR_RIGHTS);
    ts_close(event);
}

static void memory_is_zeroed_and_mapped(void)
{
    ts_handle_t memory;
    void *at;
    CHECK_OK(ts_memory_allocate(3 * 4096, 0, &memory, &at));
    unsigned char *bytes = at;
    for (size_t i = 0; i < 3 * 4096; i++) {
        CHECK_EQUAL(bytes[i], 0);
    }
    memcpy(bytes + 4090, "across a page", 13);
    char back[13];
    size_t count;
    CHECK_OK(ts_read(memory, back, sizeof(back), 4090, TS_DEADLINE_NONE, &count));
    CHECK_EQUAL(count, 13);
    CHECK_EQUAL(memcmp(back, "across a page", 13), 0);
    CHECK_OK(ts_memory_unmap(at, 3 * 4096));
    CHECK_EQUAL(ts_read(memory, bytes + 4096, 5, 0, TS_DEADLINE_NONE, &count), TS_ERR_FAULT);
    ts_close(memory);
}

static void bad_pointers_are_faults(void)
{
    ts_handle_t memory;
    size_t count;
    CHECK_OK(ts_memory_create(4096, 0, &memory));
    CHECK_EQUAL(ts_read(memory, (void *)8, 5, 0, TS_DEADLINE_NONE, &count), TS_ERR_FAULT);
    CHECK_EQUAL(ts_read(memory, (void *)0xffff800000000000, 5, 0, TS_DEADLINE_NONE, &count),
                TS_ERR_FAULT);
    CHECK_EQUAL(ts_read(memory, (void *)0x7ffffffffffe, 4096, 0, TS_DEADLINE_NONE, &count),
                TS_ERR_FAULT);
    CHECK_EQUAL(
        ts_sys_create(ts_create_word(TS_KIND_PROCESS, 0, ts_named_handle(TS_NAME_JOB)), 8, 4, 0)
            .status,
        TS_ERR_FAULT);
    CHECK_EQUAL(ts_sys_futex_wait(8, 0, TS_DEADLINE_NONE).status, TS_ERR_FAULT);
    CHECK_EQUAL(ts_sys_futex_wait(0x10001, 0, TS_DEADLINE_NONE).status, TS_ERR_FAULT);
    ts_close(memory);
}

// ---- Threads

static uint32_t counter;
static struct ts_mutex mutex;

static void count_many(void *argument)
{
    (void)argument;
    for (int i = 0; i < 1000; i++) {
        ts_mutex_lock(&mutex);
        counter++;
        ts_mutex_unlock(&mutex);
        if (i % 100 == 0) {
            ts_thread_yield();
        }
    }
}

static void threads_share_and_join(void)
{
    struct ts_thread threads[4];
    counter = 0;
    for (int i = 0; i < 4; i++) {
        CHECK_OK(ts_thread_start(&threads[i], count_many, NULL, 16384, 0, TS_PRIORITY_NORMAL));
    }
    for (int i = 0; i < 4; i++) {
        CHECK_OK(ts_thread_join(&threads[i], patience()));
    }
    CHECK_EQUAL(counter, 4000);
}

static void signal_event(void *argument)
{
    (void)ts_event_signal(*(ts_handle_t *)argument, 5);
}

static void blocked_thread_is_woken(void)
{
    ts_handle_t event;
    uint64_t count;
    struct ts_thread thread;
    CHECK_OK(ts_event_create(0, &event));
    CHECK_OK(ts_thread_start(&thread, signal_event, &event, 16384, 0, TS_PRIORITY_NORMAL));
    CHECK_OK(ts_event_wait(event, patience(), &count));
    CHECK_EQUAL(count, 5);
    CHECK_OK(ts_thread_join(&thread, patience()));
    ts_close(event);
}

static void futex_differs_or_times_out(void)
{
    uint32_t word = 5;
    CHECK_EQUAL(ts_futex_wait(&word, 4, TS_DEADLINE_NONE), TS_ERR_AGAIN);
    CHECK_EQUAL(ts_futex_wait(&word, 5, in_ms(5)), TS_ERR_TIMED_OUT);
    CHECK_EQUAL(ts_futex_wake(&word, 1), 0);
}

static void priority_is_limited(void)
{
    // A first program may have any; a priority that does not exist is refused.
    struct ts_result result = ts_sys_thread_start(0, 0x10000, 0x20000, 0, 0, 32);
    CHECK_EQUAL(result.status, TS_ERR_ARGUMENT);
    result =
        ts_sys_thread_start(0, 0x10000, 0x20000, 0, 0, ts_priority_word(TS_PRIORITY_NORMAL, 1));
    CHECK_EQUAL(result.status, TS_ERR_ARGUMENT);
    result = ts_sys_thread_start(0, 0x10000, 0x20000, 0, UINT64_MAX, 16);
    CHECK_EQUAL(result.status, TS_ERR_ARGUMENT);
}

// ---- Rings

static struct ts_ring_queue ring;

static void ring_nops_complete(void)
{
    CHECK_OK(ts_ring_create(&ring, 8, 8, 8));
    for (uint64_t i = 0; i < 8; i++) {
        struct ts_submission *slot = ts_ring_slot(&ring);
        CHECK(slot != NULL);
        ts_prepare_nop(slot, 100 + i);
    }
    CHECK(ts_ring_slot(&ring) == NULL);
    CHECK_OK(ts_ring_enter(&ring, 8, patience()));
    for (uint64_t i = 0; i < 8; i++) {
        struct ts_event event;
        CHECK(ts_ring_next(&ring, &event));
        CHECK_EQUAL(event.user_data, 100 + i);
        CHECK_EQUAL(event.status, 0);
        CHECK_EQUAL(event.kind, TS_EVENT_COMPLETION);
    }
}

static struct ts_submission *slot_get(void)
{
    struct ts_submission *slot = ts_ring_slot(&ring);
    CHECK(slot != NULL);
    return slot;
}

static struct ts_event event_get(void)
{
    struct ts_event event;
    CHECK_OK(ts_ring_enter(&ring, 1, patience()));
    CHECK(ts_ring_next(&ring, &event));
    return event;
}

static void ring_wait_is_a_completion(void)
{
    ts_handle_t object;
    CHECK_OK(ts_event_create(0, &object));
    ts_prepare_wait(slot_get(), object, TS_SIGNAL_READABLE, TS_DEADLINE_NONE, 7);
    CHECK_OK(ts_ring_submit(&ring));
    CHECK_EQUAL(ts_ring_unread(&ring), 0);
    CHECK_OK(ts_event_signal(object, 9));
    struct ts_event event = event_get();
    CHECK_EQUAL(event.user_data, 7);
    CHECK_EQUAL(event.value, 9);
    ts_close(object);
}

static void ring_watch_coalesces_and_is_cancelled(void)
{
    ts_handle_t object;
    CHECK_OK(ts_event_create(0, &object));
    ts_prepare_watch(slot_get(), object, TS_SIGNAL_READABLE, 11);
    CHECK_OK(ts_ring_submit(&ring));
    CHECK_OK(ts_event_signal(object, 1));
    struct ts_event event = event_get();
    CHECK_EQUAL(event.flags & TS_EVENT_MORE, TS_EVENT_MORE);
    CHECK_EQUAL(event.value, 1);
    CHECK_OK(ts_event_signal(object, 2));
    event = event_get();
    CHECK_EQUAL(event.value, 2);
    ts_prepare_cancel(slot_get(), 11, 0, 12);
    event = event_get();
    CHECK_EQUAL(event.user_data, 11); // the target first, once, without MORE
    CHECK_EQUAL(event.status, TS_ERR_CANCELLED);
    CHECK_EQUAL(event.flags & TS_EVENT_MORE, 0);
    event = event_get();
    CHECK_EQUAL(event.user_data, 12);
    CHECK_EQUAL(event.status, 0);
    ts_close(object);
}

static void ring_cancel_of_nothing_is_not_found(void)
{
    ts_prepare_cancel(slot_get(), 12345, 0, 1);
    CHECK_EQUAL(event_get().status, TS_ERR_NOT_FOUND);
}

static void ring_timeouts_fire_in_order(void)
{
    ts_time_t now = ts_clock_now();
    ts_prepare_timeout(slot_get(), now + 30 * MS, 3);
    ts_prepare_timeout(slot_get(), now + 10 * MS, 1);
    ts_prepare_timeout(slot_get(), now + 20 * MS, 2);
    CHECK_OK(ts_ring_submit(&ring));
    bool in_time = ts_clock_now() < now + 10 * MS; // else they were over when they were made
    for (uint64_t i = 1; i <= 3; i++) {
        struct ts_event event = event_get();
        CHECK(event.user_data == i || (!in_time && event.user_data <= 3));
        CHECK_EQUAL(event.status, 0);
        CHECK(ts_clock_now() >= now + (ts_time_t)event.user_data * 10 * MS);
    }
    if (!in_time) {
        tap_again("the timeouts were made too late");
    }
}

static void ring_multishot_timeout_repeats(void)
{
    struct ts_submission *slot = slot_get();
    ts_prepare_timeout(slot, ts_clock_now() + MS, 21);
    slot->flags = TS_FLAG_MULTI;
    slot->offset = 2 * MS;
    uint64_t fired = 0;
    while (fired < 4) {
        struct ts_event event = event_get();
        CHECK_EQUAL(event.user_data, 21);
        CHECK_EQUAL(event.flags & TS_EVENT_MORE, TS_EVENT_MORE);
        fired += event.value;
    }
    ts_prepare_cancel(slot_get(), 21, 0, 22);
    struct ts_event event = event_get();
    while (event.flags & TS_EVENT_MORE) {
        event = event_get();
    }
    CHECK_EQUAL(event.user_data, 21);
    CHECK_EQUAL(event.status, TS_ERR_CANCELLED);
    CHECK_EQUAL(event_get().user_data, 22);
}

static void ring_timeout_checks_its_fields(void)
{
    struct ts_submission *slot = slot_get();
    ts_prepare_timeout(slot, ts_clock_now() + MS, 1);
    slot->flags = TS_FLAG_MULTI; // no period: would fire for ever
    CHECK_EQUAL(event_get().status, TS_ERR_ARGUMENT);
    ts_prepare_timeout(slot_get(), TS_DEADLINE_NONE, 2);
    CHECK_EQUAL(event_get().status, TS_ERR_ARGUMENT);
}

static void ring_post_arrives(void)
{
    CHECK_OK(ts_op(ring.handle, &(struct ts_op){.op = TS_OP_POST, .offset = 5, .arg = 77}, NULL));
    struct ts_event event = event_get();
    CHECK_EQUAL(event.kind, TS_EVENT_POST);
    CHECK_EQUAL(event.user_data, 5);
    CHECK_EQUAL(event.value, 77);
}

static void ring_futex_wait_is_woken(void)
{
    static uint32_t word = 1;
    struct ts_submission *slot = slot_get();
    ts_prepare(slot, TS_HANDLE_NONE,
               &(struct ts_op){.op = TS_OP_FUTEX_WAIT, .address = &word, .arg = 1}, 31);
    CHECK_OK(ts_ring_submit(&ring));
    CHECK_EQUAL(ts_futex_wake(&word, 10), 1);
    CHECK_EQUAL(event_get().user_data, 31);
    slot = slot_get();
    ts_prepare(slot, TS_HANDLE_NONE,
               &(struct ts_op){.op = TS_OP_FUTEX_WAIT, .address = &word, .arg = 2}, 32);
    CHECK_EQUAL(event_get().status, TS_ERR_AGAIN);
}

static void ring_full_queue_loses_nothing(void)
{
    // 8 slots for events: 20 posts of completions, read only afterwards.
    for (int round = 0; round < 20; round++) {
        ts_prepare_nop(slot_get(), 200 + (uint64_t)round);
        (void)ts_ring_submit(&ring);
    }
    uint64_t next = 200;
    for (int guard = 0; next < 220 && guard < 100; guard++) {
        struct ts_event event;
        (void)ts_ring_enter(&ring, 0, TS_DEADLINE_NONE);
        while (ts_ring_next(&ring, &event)) {
            CHECK_EQUAL(event.user_data, next++);
        }
    }
    CHECK_EQUAL(next, 220);
}

static void ring_forged_indices_do_no_harm(void)
{
    uint32_t tail = ring.header->submit_tail;
    ring.header->submit_tail = tail + 1000;
    struct ts_result result = ts_sys_enter(ts_pair(ring.handle, 8), 0, TS_DEADLINE_NONE, 0);
    CHECK_EQUAL(result.status, 0); // nothing is believed
    ring.header->submit_tail = tail;
    uint32_t head = ring.header->event_head;
    ring.header->event_head = head + 500;
    (void)ts_sys_enter(ring.handle, 0, TS_DEADLINE_NONE, 0);
    ring.header->event_head = head;
    ring_post_arrives();
    uint32_t version = ring.header->version;
    ring.header->version = 9;
    CHECK_EQUAL(ts_sys_enter(ring.handle, 0, TS_DEADLINE_NONE, 0).status, TS_ERR_VERSION);
    ring.header->version = version;
}

static void ring_wait_has_a_deadline(void)
{
    ts_time_t until = in_ms(10);
    CHECK_EQUAL(ts_ring_enter(&ring, 1, until), TS_ERR_TIMED_OUT);
    CHECK(ts_clock_now() >= until);
    CHECK_EQUAL(ts_sys_enter(ring.handle, 9, TS_DEADLINE_NONE, 0).status, TS_ERR_ARGUMENT);
    CHECK_EQUAL(ts_sys_enter(ring.handle, 0, TS_DEADLINE_NONE, 1).status, TS_ERR_ARGUMENT);
}

static void wait_inside(void *out_status)
{
    ts_status_t *status = out_status;
    do {
        *status = ts_ring_enter(&ring, 1, patience());
    } while (*status == TS_ERR_BUSY); // the test was inside at this moment
}

// While one is inside no other gets in; after it another does; and the handle ends with the ring.
static void ring_is_used_by_one_thread(void)
{
    struct ts_thread thread;
    ts_status_t other = TS_ERR_CORRUPT;
    ts_handle_t handle = ring.handle;
    CHECK_OK(ts_thread_start(&thread, wait_inside, &other, 16384, 0, TS_PRIORITY_NORMAL));
    ts_time_t until = patience();
    int64_t status;
    do { // once it is inside
        ts_thread_yield();
        status = ts_sys_enter(handle, 0, TS_DEADLINE_NONE, 0).status;
    } while (status == TS_OK && ts_clock_now() < until);
    CHECK_EQUAL(status, TS_ERR_BUSY);
    CHECK_OK(ts_op(handle, &(struct ts_op){.op = TS_OP_POST, .offset = 5, .arg = 78}, NULL));
    CHECK_OK(ts_thread_join(&thread, patience()));
    CHECK_OK(other);
    CHECK_EQUAL(event_get().value, 78);
    ts_ring_destroy(&ring);
    CHECK_EQUAL(ts_sys_enter(handle, 0, TS_DEADLINE_NONE, 0).status, TS_ERR_HANDLE);
}

static uint64_t kernel_pages(void)
{
    struct ts_system_statistics system;
    CHECK_OK(ts_system_statistics(ts_named_handle("system"), &system));
    return system.pages_kernel;
}

static uint64_t own_pages(void)
{
    struct ts_job_statistics job;
    CHECK_OK(ts_job_statistics(ts_named_handle(TS_NAME_JOB), &job));
    return job.used.pages;
}

static void leave_at_once(void *argument)
{
    (void)argument;
}

// Many threads at once, whose stacks are more than the kernel keeps, and a large ring.
static void come_and_go(void)
{
    static struct ts_thread threads[80];
    struct ts_ring_queue ring;
    CHECK_OK(ts_ring_create(&ring, TS_RING_MAX, TS_RING_MAX, TS_RING_MAX));
    for (unsigned i = 0; i < 80; i++) {
        CHECK_OK(ts_thread_start(&threads[i], leave_at_once, NULL, 16384, 0, TS_PRIORITY_NORMAL));
    }
    for (unsigned i = 0; i < 80; i++) {
        CHECK_OK(ts_thread_join(&threads[i], patience()));
    }
    ts_ring_destroy(&ring);
}

// Some rounds, and the kernel's pages when its reaper has dealt with all of them, which is long
// behind on a busy machine. Until then this program pays for what is dead: no more than `most`.
static uint64_t pages_after(unsigned rounds, uint64_t most)
{
    for (unsigned i = 0; i < rounds; i++) {
        come_and_go();
    }
    ts_time_t limit = patience();
    while (own_pages() > most && ts_clock_now() < limit) {
        ts_sleep_until(in_ms(1));
    }
    CHECK(own_pages() <= most);
    return kernel_pages();
}

// Nothing of the kernel's is left by what comes and goes, page tables of its own addresses
// included. It keeps something for the next ones at first; what leaks grows each time.
static void what_comes_and_goes_leaves_nothing(void)
{
    uint64_t own = own_pages() + 16, before = pages_after(30, own), now;
    unsigned left = 5;
    while ((now = pages_after(30, own)) > before + 4) {
        tap_note("%lu pages, then %lu", (unsigned long)before, (unsigned long)now);
        CHECK(--left > 0);
        before = now;
    }
}

int main(void)
{
    static const struct tap_test tests[] = {
        TAP(nop_needs_nothing),
        TAP(unknown_system_call_is_unsupported),
        TAP(unknown_operation_is_unsupported),
        TAP(wrong_flags_are_refused),
        TAP(wrong_handles_are_told),
        TAP(event_counts_and_one_waiter_wins),
        TAP(deadline_is_kept),
        TAP(rights_are_needed),
        TAP(kinds_are_checked),
        TAP(memory_is_zeroed_and_mapped),
        TAP(bad_pointers_are_faults),
        TAP(threads_share_and_join),
        TAP(what_comes_and_goes_leaves_nothing),
        TAP(blocked_thread_is_woken),
        TAP(futex_differs_or_times_out),
        TAP(priority_is_limited),
        TAP(ring_nops_complete),
        TAP(ring_wait_is_a_completion),
        TAP(ring_watch_coalesces_and_is_cancelled),
        TAP(ring_cancel_of_nothing_is_not_found),
        TAP(ring_timeouts_fire_in_order),
        TAP(ring_multishot_timeout_repeats),
        TAP(ring_timeout_checks_its_fields),
        TAP(ring_post_arrives),
        TAP(ring_futex_wait_is_woken),
        TAP(ring_full_queue_loses_nothing),
        TAP(ring_forged_indices_do_no_harm),
        TAP(ring_wait_has_a_deadline),
        TAP(ring_is_used_by_one_thread),
    };
    return TAP_RUN(tests);
}
