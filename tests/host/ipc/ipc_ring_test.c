// SPDX-License-Identifier: MIT
// The user's side of a ring, over memory that the test plays the kernel in: sizes, both queues full
// to the last slot, indices that no kernel would write, and what some operations are made of.
#include <stdlib.h>
#include <string.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>
#include "tests/host/check.h"

static struct ts_ring *memory;
static size_t memory_size;

// A ring's memory, exactly as large as it has to be.
static void make(uint32_t submissions, uint32_t events)
{
    free(memory);
    memory_size = sizeof *memory + submissions * sizeof(struct ts_submission) +
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
    CHECK_EQUAL(ts_ring_attach(&ring, memory, sizeof *memory - 1), TS_ERR_CORRUPT);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
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
    for (unsigned i = 0; i < 16; i++)
        ring.events[(memory->event_tail + i) & 15] =
            (struct ts_event){.kind = i % 2 ? TS_EVENT_REQUEST : TS_EVENT_POST,
                              .user_data = i,
                              .value = 7 * i,
                              .tag = i,
                              .length = i};
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

static void test_prepared(void)
{
    struct ts_submission s;
    memset(&s, 0, sizeof s);
    ts_prepare_watch(&s, 5, 6, 7);
    CHECK(s.op == TS_OP_WAIT && s.flags == TS_FLAG_MULTI && s.handle == 5 && s.arg == 6);
    CHECK(s.deadline == 0 && s.user_data == 7);
    memset(&s, 0, sizeof s);
    ts_prepare_wait(&s, 5, 6, 8, 7);
    CHECK(s.op == TS_OP_WAIT && s.flags == 0 && s.arg == 6 && s.deadline == 8);
    memset(&s, 0, sizeof s);
    ts_prepare_cancel(&s, 9, TS_FLAG_FORCE, 7);
    CHECK(s.op == TS_OP_CANCEL && s.flags == TS_FLAG_FORCE && s.user_data == 7);
}

int main(void)
{
    test_sizes();
    test_submissions();
    test_events();
    test_prepared();
    free(memory);
    return 0;
}
