// SPDX-License-Identifier: MIT
// The operations as functions, over an object that answers as the test said: what is asked, what of
// the answer is handed on, and that an answer which cannot be true is not believed.
#include <string.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include "tests/host/check.h"
#include "fake_kernel.h"

#define OBJECT    (FAKE_SERVED + 1)
#define UNTOUCHED 0x5aa5u

static struct {
    unsigned op, flags, rights;
    uint64_t address, length, offset, arg;
    struct ts_call call;
} asked;
static unsigned asks;
static struct ts_result answers[8]; // one each; the last for all that follow
static ts_handle_t answered_handle;

static struct ts_result served(unsigned op, unsigned rights, ts_handle_t handle, uint64_t address,
                               uint64_t length, uint64_t offset, uint64_t arg)
{
    CHECK_EQUAL(handle, OBJECT);
    asked.op = op;
    asked.rights = rights;
    asked.address = address;
    asked.length = length;
    asked.offset = offset;
    asked.arg = arg;
    if (op == TS_OP_CALL) {
        struct ts_call *call = (void *)(uintptr_t)address;
        asked.call = *call;
        if (call->out_handles > 0) {
            call->out_handle[0] = answered_handle;
        }
    }
    struct ts_result answer = answers[asks];
    asks += asks + 1 < sizeof(answers) / sizeof(answers[0]);
    return answer;
}

static void answer(ts_status_t status, uint64_t value)
{
    fake_reset();
    fake_served = served;
    asks = 0;
    answered_handle = 77;
    for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        answers[i] = (struct ts_result){status, value};
    }
}

static char buffer[64];

static void test_bytes_moved(void)
{
    size_t bytes;
    answer(TS_OK, 10);
    CHECK_EQUAL(ts_read(OBJECT, buffer, 10, 3, 99, &bytes), TS_OK);
    CHECK(bytes == 10 && asked.op == TS_OP_READ && asked.offset == 3 && fake_deadline == 99);
    CHECK(asked.address == (uintptr_t)buffer && asked.length == 10);
    CHECK_EQUAL(ts_write_current(OBJECT, buffer, 11, 0, 99, &bytes), TS_OK);
    CHECK(asked.op == TS_OP_WRITE && asked.offset == 0);
    CHECK_EQUAL(ts_list(OBJECT, buffer, 64, 5, &bytes), TS_OK);
    CHECK(asked.op == TS_OP_LIST && asked.offset == 5);
    bytes = UNTOUCHED;
    CHECK_EQUAL(ts_read(OBJECT, buffer, 9, 0, TS_DEADLINE_NONE, &bytes),
                TS_ERR_PROTOCOL); // more than was asked
    answer(TS_ERR_IO, 4);
    CHECK_EQUAL(ts_read(OBJECT, buffer, 10, 0, TS_DEADLINE_NONE, &bytes), TS_ERR_IO);
    CHECK_EQUAL(bytes, UNTOUCHED);
    answer(TS_OK, 0);
    CHECK_EQUAL(ts_read(OBJECT, buffer, SIZE_MAX, 0, TS_DEADLINE_NONE, &bytes), TS_OK);
    CHECK_EQUAL(asked.length, TS_LENGTH_MAX);
}

// Short counts are gone on from; the end before the end is an error, and so is an error.
static void test_all_bytes(void)
{
    answer(TS_OK, 1);
    answers[0].value = 4;
    answers[1].value = 5;
    CHECK_EQUAL(ts_read_all(OBJECT, buffer, 10, 100), TS_OK);
    CHECK(asks == 3 && asked.address == (uintptr_t)buffer + 9);
    CHECK(asked.offset == 109 && asked.length == 1);
    answer(TS_OK, 1);
    answers[0].value = 4;
    answers[1].value = 5;
    CHECK_EQUAL(ts_write_all_current(OBJECT, buffer, 10), TS_OK);
    CHECK(asks == 3 && asked.op == TS_OP_WRITE && asked.address == (uintptr_t)buffer + 9);
    CHECK_EQUAL(asked.length, 1);
    CHECK_EQUAL(ts_read_all(OBJECT, buffer, 0, 0), TS_OK);
    CHECK_EQUAL(asks, 3);
    for (unsigned ends = 0; ends < 2; ends++) {
        ts_status_t status = ends ? TS_ERR_PEER_CLOSED : TS_OK;
        answer(status, 0);
        answers[0] = (struct ts_result){TS_OK, 4};
        CHECK_EQUAL(ts_read_all(OBJECT, buffer, 10, 0), ends ? status : TS_ERR_IO);
        CHECK_EQUAL(asks, 2);
        answer(status, 0);
        answers[0] = (struct ts_result){TS_OK, 4};
        CHECK_EQUAL(ts_write_all_current(OBJECT, buffer, 10), ends ? status : TS_ERR_IO);
        CHECK_EQUAL(asks, 2);
    }
}

static void test_properties(void)
{
    size_t bytes = UNTOUCHED;
    uint64_t value = UNTOUCHED;
    bool same = false;
    answer(TS_OK, 8);
    CHECK_EQUAL(ts_get(OBJECT, 5, buffer, 8, &bytes), TS_OK);
    CHECK(bytes == 8 && asked.op == TS_OP_GET && asked.arg == 5 && asked.length == 8);
    bytes = UNTOUCHED;
    CHECK_EQUAL(ts_get(OBJECT, 5, buffer, 7, &bytes), TS_ERR_PROTOCOL);
    CHECK_EQUAL(ts_get_u64(OBJECT, 5, &value), TS_OK);
    answer(TS_OK, 4); // not a number of that size
    value = UNTOUCHED;
    CHECK_EQUAL(ts_get_u64(OBJECT, 5, &value), TS_ERR_PROTOCOL);
    answer(TS_ERR_RIGHTS, 8);
    CHECK_EQUAL(ts_get(OBJECT, 5, buffer, 8, &bytes), TS_ERR_RIGHTS);
    CHECK_EQUAL(ts_get_u64(OBJECT, 5, &value), TS_ERR_RIGHTS);
    CHECK(bytes == UNTOUCHED && value == UNTOUCHED);
    CHECK_EQUAL(ts_set_u64(OBJECT, 6, 1), TS_ERR_RIGHTS);
    CHECK(asked.op == TS_OP_SET && asked.arg == 6 && asked.length == 8);
    CHECK_EQUAL(ts_same(OBJECT, 4, &same), TS_ERR_RIGHTS);
    CHECK(!same);
    answer(TS_OK, 1);
    CHECK(ts_same(OBJECT, 4, &same) == TS_OK && same && asked.arg == 4);
}

static void test_signals(void)
{
    ts_signals_t signals = UNTOUCHED;
    uint64_t count = UNTOUCHED;
    answer(TS_OK, 6);
    CHECK_EQUAL(ts_wait(OBJECT, 7, 99, &signals), TS_OK);
    CHECK(signals == 6 && asked.op == TS_OP_WAIT && asked.arg == 7 && fake_deadline == 99);
    CHECK_EQUAL(ts_wait(OBJECT, 7, 99, NULL), TS_OK);
    CHECK_EQUAL(ts_event_wait(OBJECT, 98, &count), TS_OK);
    CHECK(count == 6 && asked.arg == TS_SIGNAL_READABLE && fake_deadline == 98);
    CHECK_EQUAL(ts_event_signal(OBJECT, 3), TS_OK);
    CHECK(asked.op == TS_OP_SIGNAL && asked.arg == 3);
    answer(TS_ERR_TIMED_OUT, 1);
    signals = count = UNTOUCHED;
    CHECK_EQUAL(ts_wait(OBJECT, 7, 99, &signals), TS_ERR_TIMED_OUT);
    CHECK_EQUAL(ts_event_wait(OBJECT, 98, &count), TS_ERR_TIMED_OUT);
    CHECK(signals == UNTOUCHED && count == UNTOUCHED);
    CHECK_EQUAL(ts_event_signal(OBJECT, 3), TS_ERR_TIMED_OUT);
}

static void test_methods(void)
{
    uint64_t value = UNTOUCHED;
    ts_handle_t handle = UNTOUCHED;
    answer(TS_OK, 9);
    CHECK_EQUAL(ts_call_bytes(OBJECT, 3, "in", 2, buffer, 5, &value), TS_OK);
    CHECK(value == 9 && asked.arg == 3 && asked.call.method == 3 && asked.call.in_length == 2);
    CHECK(asked.call.out_address == (uintptr_t)buffer && asked.call.out_length == 5);
    CHECK(asked.call.in_handles == 0 && asked.call.out_handles == 0);
    CHECK_EQUAL(ts_call_handle(OBJECT, 4, NULL, 0, NULL, 0, &handle), TS_OK);
    CHECK(handle == 77 && asked.call.out_handles == 1 && asked.call.method == 4);
    handle = UNTOUCHED;
    answered_handle = TS_HANDLE_NONE;
    CHECK_EQUAL(ts_call_handle(OBJECT, 4, NULL, 0, NULL, 0, &handle), TS_ERR_PROTOCOL);
    answer(TS_ERR_GONE, 0);
    CHECK_EQUAL(ts_call_handle(OBJECT, 4, NULL, 0, NULL, 0, &handle), TS_ERR_GONE);
    CHECK_EQUAL(handle, UNTOUCHED);
    CHECK_EQUAL(ts_duplicate(OBJECT, TS_RIGHT_READ, &handle), TS_ERR_GONE);
    CHECK(asked.op == TS_OP_DUPLICATE && asked.rights == TS_RIGHT_READ && handle == UNTOUCHED);
    answer(TS_OK, 55);
    CHECK(ts_accept(OBJECT, 0, TS_RIGHT_READ, 99, &handle) == TS_OK && handle == 55);
    CHECK(asked.op == TS_OP_ACCEPT && fake_deadline == 99);
    unsigned closed = fake_closed;
    ts_close(TS_HANDLE_NONE); // asks nobody
    CHECK_EQUAL(fake_closed, closed);
}

// What is made is the caller's; what cannot be made is told, and the result left alone.
static void test_made(void)
{
    ts_handle_t handle;
    fake_reset();
    CHECK(ts_event_create(3, &handle) == TS_OK && handle != TS_HANDLE_NONE);
    CHECK(ts_process_create(TS_HANDLE_NONE, "a name that is longer than names may be", &handle) ==
          TS_OK);
    CHECK(strlen(fake_child.name) == TS_NAME_MAX && strncmp(fake_child.name, "a name", 6) == 0);
    CHECK_EQUAL(fake_open_handles(), 2);
    handle = UNTOUCHED;
    fake_fails_at = 1;
    CHECK_EQUAL(ts_event_create(3, &handle), TS_ERR_MEMORY);
    fake_fails_at = 1;
    CHECK_EQUAL(ts_process_create(TS_HANDLE_NONE, "p", &handle), TS_ERR_MEMORY);
    fake_fails_at = 1;
    CHECK_EQUAL(ts_memory_create(1, 0, &handle), TS_ERR_MEMORY);
    fake_fails_at = 1;
    CHECK_EQUAL(ts_process_memory_create(1, 1, 0, &handle), TS_ERR_MEMORY);
    fake_fails_at = 1;
    CHECK_EQUAL(ts_job_create(1, NULL, &handle), TS_ERR_MEMORY);
    CHECK_EQUAL(handle, UNTOUCHED);
    void *address = buffer;
    for (unsigned n = 1; n <= 2; n++) {
        fake_fails_at = n;
        CHECK_EQUAL(ts_memory_allocate(5000, 0, &handle, &address), TS_ERR_MEMORY);
        CHECK(handle == UNTOUCHED && address == buffer && fake_open_handles() == 2);
    }
    CHECK_EQUAL(ts_memory_allocate(5000, 0, &handle, &address), TS_OK);
    CHECK(handle != UNTOUCHED && fake_open_handles() == 3 && fake_mapped == 1);
    CHECK_EQUAL(ts_memory_allocate_now(5000, &address), TS_OK);
    CHECK(fake_open_handles() == 3 && fake_mapped == 2); // the mapping keeps it
}

static void test_processes(void)
{
    struct ts_process_report report;
    struct ts_process_statistics statistics;
    ts_handle_t there = UNTOUCHED;
    answer(TS_OK, sizeof(report));
    CHECK_EQUAL(ts_process_wait(OBJECT, 99, &report), TS_OK);
    CHECK(asks == 2 && asked.op == TS_OP_GET && asked.arg == TS_PROPERTY_PROCESS_REPORT);
    CHECK_EQUAL(ts_process_wait(OBJECT, 99, NULL), TS_OK);
    CHECK(asks == 3 && asked.arg == TS_SIGNAL_EXITED);
    CHECK_EQUAL(ts_process_statistics(OBJECT, &statistics), TS_ERR_PROTOCOL); // larger than room
    answer(TS_OK, 8); // of a kernel that says less
    CHECK_EQUAL(ts_process_report(OBJECT, &report), TS_ERR_VERSION);
    CHECK_EQUAL(ts_process_kill(OBJECT), TS_OK);
    CHECK_EQUAL(asked.call.method, TS_PROCESS_KILL);
    answer(TS_ERR_TIMED_OUT, sizeof(report));
    CHECK_EQUAL(ts_process_wait(OBJECT, 99, &report), TS_ERR_TIMED_OUT);
    CHECK(asks == 1 && fake_deadline == 99); // no report of a process that runs
    CHECK_EQUAL(ts_process_give(OBJECT, 5, &there), TS_ERR_TIMED_OUT);
    CHECK(there == UNTOUCHED && asked.call.in_handles == 1 && asked.call.in_handle[0] == 5);
    answer(TS_OK, 6);
    CHECK(ts_process_give(OBJECT, 5, &there) == TS_OK && there == 6);
}

// A file whose server gives no memory: it is read into memory of the caller's own.
static uint64_t file_size;

static struct ts_result file_served(unsigned op, unsigned rights, ts_handle_t handle,
                                    uint64_t address, uint64_t length, uint64_t offset,
                                    uint64_t arg)
{
    (void)rights, (void)arg;
    CHECK_EQUAL(handle, OBJECT);
    if (op == TS_OP_MAP) {
        return (struct ts_result){TS_ERR_UNSUPPORTED, 0};
    }
    if (op == TS_OP_GET) {
        memcpy((void *)(uintptr_t)address, &file_size, sizeof(file_size));
        return (struct ts_result){TS_OK, sizeof(file_size)};
    }
    CHECK(op == TS_OP_READ && offset <= file_size);
    if (length > 1000) {
        length = 1000; // short counts
    }
    for (uint64_t i = 0; i < length; i++) {
        ((unsigned char *)(uintptr_t)address)[i] = (unsigned char)((offset + i) % 251);
    }
    return (struct ts_result){TS_OK, length};
}

static ts_status_t copied(uint64_t offset, uint64_t length, ts_handle_t *out_memory)
{
    return ts_map_object(OBJECT, offset, length, TS_RIGHT_READ | TS_RIGHT_MAP, out_memory);
}

static void test_copied_content(void)
{
    static const struct {
        uint64_t offset, length, copied;
    } parts[] = {{0, 0, 6000}, {0, 6000, 6000}, {0, 5000, 5000}, {0, 6001, 6000}, {4096, 0, 1904}};
    ts_handle_t memory;
    file_size = 6000;
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        fake_reset();
        fake_served = file_served;
        CHECK_EQUAL(copied(parts[i].offset, parts[i].length, &memory), TS_OK);
        CHECK(fake_open_handles() == 1 && fake_mapped == 0);
        const struct fake_handle *handle = &fake_handles[memory];
        CHECK_EQUAL(handle->rights, TS_RIGHT_READ | TS_RIGHT_MAP);
        CHECK_EQUAL(handle->size, parts[i].copied);
        for (uint64_t at = 0; at < handle->size; at++) {
            CHECK_EQUAL(handle->memory[at], (parts[i].offset + at) % 251);
        }
    }
    CHECK_EQUAL(copied(100, 0, &memory), TS_ERR_ARGUMENT);
    CHECK_EQUAL(copied(8192, 0, &memory), TS_ERR_RANGE);
    file_size = 4096;
    CHECK_EQUAL(copied(4096, 0, &memory), TS_ERR_RANGE);
    unsigned n = 1;
    for (ts_status_t status = TS_ERR_MEMORY; status != TS_OK; n++) { // each call may fail
        fake_reset();
        fake_served = file_served;
        fake_fails_at = n;
        status = copied(0, 0, &memory);
        CHECK(status == TS_OK || (fake_open_handles() == 0 && fake_mapped == 0));
    }
    CHECK(n > 6);
}

int main(void)
{
    test_copied_content();
    test_bytes_moved();
    test_all_bytes();
    test_properties();
    test_signals();
    test_methods();
    test_made();
    test_processes();
    fake_reset();
    return 0;
}
