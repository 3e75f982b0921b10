// SPDX-License-Identifier: MIT
// The user's side of a ring, over memory that the test plays the kernel in: sizes, both queues full
// to the last slot, indices that no kernel would write, and what some operations are made of.
#include <stdlib.h>
#include <string.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>
#include "tests/host/check.h"
#include "fake_process.h"

static struct ts_ring *memory;
static size_t memory_size;

// A ring's memory, exactly as large as it has to be.
static void make(uint32_t submissions, uint32_t events)
{
    free(memory);
    memory_size = sizeof(*memory) + submissions * sizeof(struct ts_submission) +
                  events * sizeof(struct ts_event);
    memory = calloc(1, memory_size);
    memory->version = TS_RING_VERSION;
    memory->submissions = submissions;
    memory->events = events;
}

static void test_sizes(void)
{
    static const uint32_t good[] = {TS_RING_MIN, 64, TS_RING_MAX};
    static const uint32_t bad[] = {0,
                                   1,
                                   TS_RING_MIN / 2,
                                   TS_RING_MIN + 1,
                                   3 * TS_RING_MIN,
                                   TS_RING_MAX - 1,
                                   2 * TS_RING_MAX,
                                   UINT32_C(1) << 31,
                                   UINT32_MAX};
    struct ts_ring_queue ring;
    for (unsigned i = 0; i < 3; i++) {
        make(good[i], good[2 - i]);
        CHECK_EQUAL(ts_ring_attach(&ring, memory, memory_size), TS_OK);
        CHECK_EQUAL(ts_ring_attach(&ring, memory, memory_size - 1), TS_ERR_CORRUPT);
    }
    CHECK_EQUAL(ts_ring_attach(&ring, memory, sizeof(*memory) - 1), TS_ERR_CORRUPT);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        make(8, 8);
        memory->submissions = bad[i];
        CHECK_EQUAL(ts_ring_attach(&ring, memory, SIZE_MAX), TS_ERR_CORRUPT);
        make(8, 8);
        memory->events = bad[i];
        CHECK_EQUAL(ts_ring_attach(&ring, memory, SIZE_MAX), TS_ERR_CORRUPT);
    }
    make(8, 8);
    memory->version++;
    CHECK_EQUAL(ts_ring_attach(&ring, memory, memory_size), TS_ERR_VERSION);
}

static void test_submissions(void)
{
    struct ts_ring_queue ring;
    make(8, 16);
    memory->submit_head = memory->submit_tail = UINT32_MAX - 3; // they run free
    CHECK_EQUAL(ts_ring_attach(&ring, memory, memory_size), TS_OK);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 8; i++) {
            struct ts_submission *slot = ts_ring_slot(&ring);
            CHECK(slot >= ring.submissions && slot < ring.submissions + 8);
            CHECK_EQUAL(slot->user_data, 0);
            ts_prepare_nop(slot, 100 + i);
            CHECK_EQUAL(ts_ring_staged(&ring), i + 1);
        }
        CHECK(ts_ring_slot(&ring) == NULL);
        memory->submit_head += 9; // more than was staged: not believed
        CHECK(ts_ring_slot(&ring) == NULL);
        memory->submit_head -= 1; // all taken
    }
    CHECK(ts_ring_slot(&ring) != NULL);
    CHECK_EQUAL(ts_ring_staged(&ring), 1);
}

static void test_events(void)
{
    struct ts_ring_queue ring;
    struct ts_event event;
    make(8, 16);
    memory->event_head = memory->event_tail = UINT32_MAX - 5;
    CHECK_EQUAL(ts_ring_attach(&ring, memory, memory_size), TS_OK);
    CHECK(ts_ring_unread(&ring) == 0 && !ts_ring_next(&ring, &event));
    for (unsigned i = 0; i < 16; i++) {
        ring.events[(memory->event_tail + i) & 15] =
            (struct ts_event){.kind = i % 2 ? TS_EVENT_REQUEST : TS_EVENT_POST,
                              .user_data = i,
                              .value = 7 * i,
                              .tag = i,
                              .length = i};
    }
    memory->event_tail += 17; // more than there are slots: not believed
    CHECK_EQUAL(ts_ring_unread(&ring), 0);
    memory->event_tail -= 1;
    CHECK_EQUAL(ts_ring_unread(&ring), 16);
    for (unsigned i = 0; i < 16; i++) {
        CHECK_EQUAL(ts_ring_peek(&ring, 0)->user_data, i);
        event.length = 4711;
        CHECK(ts_ring_next(&ring, &event));
        CHECK(event.user_data == i && event.value == 7 * i);
        CHECK_EQUAL(event.length, i % 2 ? i : 4711); // a post has no second half
        CHECK_EQUAL(memory->event_head, UINT32_MAX - 5 + i + 1);
    }
    CHECK(!ts_ring_next(&ring, &event) && !ts_ring_pending(&ring));
    memory->flags = TS_RING_PENDING;
    CHECK(ts_ring_pending(&ring));
}

// The index that the kernel writes is another CPU's line: it is read when the ring seems full, and
// not before.
static void test_looks_when_full(void)
{
    struct ts_ring_queue ring;
    make(8, 8);
    CHECK_EQUAL(ts_ring_attach(&ring, memory, memory_size), TS_OK);
    CHECK(ts_ring_slot(&ring) != NULL);
    memory->submit_head = 1;
    for (unsigned i = 1; i < 8; i++) {
        CHECK(ts_ring_slot(&ring) != NULL);
        CHECK_EQUAL(ts_ring_staged(&ring), i + 1);
    }
    CHECK(ts_ring_slot(&ring) != NULL && ts_ring_slot(&ring) == NULL);
    CHECK_EQUAL(ts_ring_staged(&ring), 8);
}

static void test_created(void)
{
    struct ts_ring_queue ring = {0};
    fake_reset();
    CHECK_EQUAL(ts_ring_create(&ring, 8, 3, 8), TS_ERR_ARGUMENT);
    CHECK_EQUAL(ts_ring_create(&ring, 7, 8, 8), TS_ERR_ARGUMENT);
    for (unsigned n = 1; n <= 2; n++) { // no ring, then no mapping of it
        fake_fails_at = n;
        CHECK_EQUAL(ts_ring_create(&ring, 8, 16, 8), TS_ERR_MEMORY);
        CHECK(fake_fails_at == 0 && fake_open_handles() == 0 && fake_mapped == 0);
    }
    CHECK_EQUAL(ts_ring_create(&ring, 8, 16, 8), TS_OK);
    CHECK(ring.handle != TS_HANDLE_NONE && fake_open_handles() == 1 && fake_mapped == 1);
    CHECK(ring.submission_mask == 7 && ring.event_mask == 15);
    ts_ring_destroy(&ring);
    CHECK(fake_open_handles() == 0 && fake_mapped == 0 && ring.header == NULL);
}

static void complete_two(void)
{
    fake_complete(1, TS_OK, 0, 0);
    fake_complete(2, TS_OK, 0, 0);
}

static void test_entered(void)
{
    struct ts_ring_queue ring;
    struct ts_event event;
    fake_reset();
    CHECK_EQUAL(ts_ring_create(&ring, 8, 16, 8), TS_OK);
    CHECK_EQUAL(ts_ring_submit(&ring), TS_OK); // nothing: no system call
    CHECK_EQUAL(fake_enters, 0);
    ts_prepare_read(ts_ring_slot(&ring), 5, NULL, 0, 0, TS_DEADLINE_NONE, 1);
    CHECK_EQUAL(ts_ring_submit(&ring), TS_OK);
    CHECK(fake_enters == 1 && fake_pending_count == 1 && ts_ring_staged(&ring) == 0);
    // What is submitted stays so when nothing comes, and is submitted once.
    ts_prepare_read(ts_ring_slot(&ring), 5, NULL, 0, 0, TS_DEADLINE_NONE, 2);
    CHECK_EQUAL(ts_ring_enter(&ring, 1, 4711), TS_ERR_TIMED_OUT);
    CHECK(fake_pending_count == 2 && fake_pending.user_data == 2 && fake_deadline == 4711);
    CHECK_EQUAL(ts_ring_enter(&ring, 1, TS_DEADLINE_NONE),
                TS_ERR_TIMED_OUT); // without anything to submit too
    CHECK_EQUAL(fake_pending_count, 2);
    fake_idle = complete_two;
    CHECK_EQUAL(ts_ring_enter(&ring, 2, TS_DEADLINE_NONE), TS_OK); // exactly as many
    CHECK_EQUAL(ts_ring_unread(&ring), 2);
    CHECK(ts_ring_next(&ring, &event) && event.user_data == 1);
    fake_idle = NULL;
    CHECK_EQUAL(ts_ring_enter(&ring, 2, TS_DEADLINE_NONE), TS_ERR_TIMED_OUT); // one is not two
    // A call that fails: nothing was taken.
    ts_prepare_read(ts_ring_slot(&ring), 5, NULL, 0, 0, TS_DEADLINE_NONE, 3);
    fake_fails_at = 1;
    CHECK_EQUAL(ts_ring_enter(&ring, 0, TS_DEADLINE_NONE), TS_ERR_MEMORY);
    fake_fails_at = 1;
    CHECK_EQUAL(ts_ring_submit(&ring), TS_ERR_MEMORY);
    CHECK(ts_ring_staged(&ring) == 1 && fake_pending_count == 2);
    CHECK_EQUAL(ts_ring_submit(&ring), TS_OK);
    CHECK_EQUAL(fake_pending_count, 3);
    // All records in flight: what was not taken stays staged.
    ts_prepare_read(ts_ring_slot(&ring), 5, NULL, 0, 0, TS_DEADLINE_NONE, 4);
    ts_prepare_read(ts_ring_slot(&ring), 5, NULL, 0, 0, TS_DEADLINE_NONE, 5);
    fake_takes = 1;
    CHECK_EQUAL(ts_ring_submit(&ring), TS_ERR_AGAIN);
    CHECK(fake_pending_count == 4 && ts_ring_staged(&ring) == 1);
    CHECK_EQUAL(ts_ring_submit(&ring), TS_OK);
    CHECK(fake_pending_count == 5 && fake_pending.user_data == 5);
    ts_ring_destroy(&ring);
}

static void test_prepared(void)
{
    struct ts_submission s;
    memset(&s, 0, sizeof(s));
    ts_prepare_watch(&s, 5, 6, 7);
    CHECK(s.op == TS_OP_WAIT && s.flags == TS_FLAG_MULTI && s.handle == 5 && s.arg == 6);
    CHECK(s.deadline == 0 && s.user_data == 7);
    memset(&s, 0, sizeof(s));
    ts_prepare_wait(&s, 5, 6, 8, 7);
    CHECK(s.op == TS_OP_WAIT && s.flags == 0 && s.arg == 6 && s.deadline == 8);
    memset(&s, 0, sizeof(s));
    ts_prepare_cancel(&s, 9, TS_FLAG_FORCE, 7);
    CHECK(s.op == TS_OP_CANCEL && s.flags == TS_FLAG_FORCE && s.user_data == 7);
    CHECK_EQUAL(s.arg, 9);
}

// Which field each argument of the others goes to, and that no other field is set.
static void check_fields(const struct ts_submission *s, struct ts_submission fields)
{
    CHECK(memcmp(s, &fields, sizeof(fields)) == 0);
}

#define PREPARED(call, ...)                                    \
    do {                                                       \
        struct ts_submission s;                                \
        memset(&s, 0xee, sizeof(s));                           \
        call;                                                  \
        check_fields(&s, (struct ts_submission){__VA_ARGS__}); \
    } while (0)

static void test_prepared_fields(void)
{
    char b[8];
    uint64_t at = (uintptr_t)b;
    struct ts_segment segments[2];
    struct ts_call call = {0};
    PREPARED(ts_prepare_nop(&s, 7), .op = TS_OP_NOP, .user_data = 7);
    PREPARED(ts_prepare_read(&s, 5, b, 8, 9, 3, 7), .op = TS_OP_READ, .handle = 5, .address = at,
             .length = 8, .offset = 9, .deadline = 3, .user_data = 7);
    PREPARED(ts_prepare_write(&s, 5, b, 8, 9, 3, 7), .op = TS_OP_WRITE, .handle = 5, .address = at,
             .length = 8, .offset = 9, .deadline = 3, .user_data = 7);
    PREPARED(ts_prepare_read_current(&s, 5, b, 8, 3, 7), .op = TS_OP_READ, .flags = TS_FLAG_CURRENT,
             .handle = 5, .address = at, .length = 8, .deadline = 3, .user_data = 7);
    PREPARED(ts_prepare_write_current(&s, 5, b, 8, 3, 7), .op = TS_OP_WRITE,
             .flags = TS_FLAG_CURRENT, .handle = 5, .address = at, .length = 8, .deadline = 3,
             .user_data = 7);
    PREPARED(ts_prepare_vector(&s, TS_OP_WRITE, 5, segments, 2, TS_FLAG_CURRENT, 9, 3, 7),
             .op = TS_OP_WRITE, .flags = TS_FLAG_VECTOR | TS_FLAG_CURRENT, .handle = 5,
             .address = (uintptr_t)segments, .length = 2, .offset = 9, .deadline = 3,
             .user_data = 7);
    PREPARED(ts_prepare_open(&s, 5, b, 8, TS_OPEN_CREATE, TS_RIGHT_READ, 3, 7), .op = TS_OP_OPEN,
             .handle = 5, .address = at, .length = 8, .arg = TS_OPEN_CREATE,
             .rights = TS_RIGHT_READ, .deadline = 3, .user_data = 7);
    PREPARED(ts_prepare_accept(&s, 5, TS_RIGHT_READ, 3, 7), .op = TS_OP_ACCEPT, .handle = 5,
             .rights = TS_RIGHT_READ, .deadline = 3, .user_data = 7);
    PREPARED(ts_prepare_get(&s, 5, 6, b, 8, 3, 7), .op = TS_OP_GET, .handle = 5, .arg = 6,
             .address = at, .length = 8, .deadline = 3, .user_data = 7);
    PREPARED(ts_prepare_set(&s, 5, 6, b, 8, 3, 7), .op = TS_OP_SET, .handle = 5, .arg = 6,
             .address = at, .length = 8, .deadline = 3, .user_data = 7);
    PREPARED(ts_prepare_call(&s, 5, 6, &call, 3, 7), .op = TS_OP_CALL, .handle = 5, .arg = 6,
             .address = (uintptr_t)&call, .length = sizeof(call), .deadline = 3, .user_data = 7);
    CHECK_EQUAL(call.method, 6);
    PREPARED(ts_prepare_signal_event(&s, 5, 6, 7), .op = TS_OP_SIGNAL, .handle = 5, .arg = 6,
             .user_data = 7);
    PREPARED(ts_prepare_close(&s, 5, 7), .op = TS_OP_CLOSE, .handle = 5, .user_data = 7);
    PREPARED(ts_prepare_timeout(&s, 3, 7), .op = TS_OP_TIMEOUT, .deadline = 3, .user_data = 7);
    PREPARED(ts_prepare_reply(&s, 5, 6, TS_ERR_IO, 9, b, 8, 7), .op = TS_OP_REPLY,
             .flags = TS_FLAG_QUIET, .handle = 5, .arg = 6, .arg2 = (uint32_t)TS_ERR_IO,
             .offset = 9, .address = at, .length = 8, .user_data = 7);
    PREPARED(ts_prepare_signal_object(&s, 5, 6, 1, 2, 7), .op = TS_OP_SIGNAL,
             .flags = TS_FLAG_QUIET, .handle = 5, .arg = 6, .offset = ts_signal_change(1, 2),
             .user_data = 7);
}

int main(void)
{
    test_sizes();
    test_submissions();
    test_events();
    test_looks_when_full();
    test_created();
    test_entered();
    test_prepared();
    test_prepared_fields();
    free(memory);
    fake_reset();
    return 0;
}
