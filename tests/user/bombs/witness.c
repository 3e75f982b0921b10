// SPDX-License-Identifier: MIT
// See witness.h.
#include "witness.h"

#include "bomb.h"
#include "pair.h"
#include "tap.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/memory.h>
#include <tessera/proto/file.h>
#include <tessera/proto/pipe.h>

#define FILE_NAME  "tmp/witness"
#define PAGES      64u
#define PATIENT_MS 20000 // for anything: a machine may be busy

static ts_handle_t file, reader, writer, memory;
static uint64_t *pages, number;

static void pipe_begin(void)
{
    struct ts_call call = {.out_handles = 2};
    ts_handle_t session;
    CHECK_OK(ts_open(ts_named_handle(TS_NAME_PIPE), "", 0, TS_RIGHTS_SAME, &session));
    CHECK_OK(ts_call(session, TS_PIPE_MAKE, &call, in_ms(PATIENT_MS), NULL));
    reader = call.out_handle[0];
    writer = call.out_handle[1];
    ts_close(session);
}

void witness_begin(void)
{
    void *at;
    CHECK_OK(ts_memory_allocate((size_t)PAGES * BOMB_PAGE, 0, &memory, &at));
    pages = at;
    for (unsigned i = 0; i < PAGES; i++) {
        pages[i * (BOMB_PAGE / sizeof(*pages))] = i;
    }
    (void)ts_remove(ts_named_handle(TS_NAME_FILE), FILE_NAME, 0);
    CHECK_OK(ts_create(ts_named_handle(TS_NAME_FILE), FILE_NAME, TS_FILE_REGULAR, 0,
                       TS_RIGHT_READ | TS_RIGHT_WRITE, &file));
    pipe_begin();
}

static void look_memory(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        CHECK_EQUAL(pages[i * (BOMB_PAGE / sizeof(*pages))], i);
    }
}

static void look_file(void)
{
    uint64_t back = 0;
    size_t bytes;
    CHECK_OK(ts_write(file, &number, sizeof(number), 0, in_ms(PATIENT_MS), &bytes));
    CHECK_OK(ts_read(file, &back, sizeof(back), 0, in_ms(PATIENT_MS), &bytes));
    CHECK_EQUAL(back, number);
}

static void look_pipe(void)
{
    uint64_t back = 0;
    size_t bytes;
    CHECK_OK(ts_write_current(writer, &number, sizeof(number), 0, in_ms(PATIENT_MS), &bytes));
    CHECK_OK(ts_read_current(reader, &back, sizeof(back), 0, in_ms(PATIENT_MS), &bytes));
    CHECK_EQUAL(back, number);
}

static void look_log(void)
{
    uint64_t end;
    char byte;
    size_t bytes;
    ts_handle_t log = ts_named_handle(TS_NAME_LOG);
    CHECK_OK(ts_get_u64(log, TS_PROPERTY_SIZE, &end));
    CHECK_OK(ts_read(log, &byte, 1, end - 1, in_ms(PATIENT_MS), &bytes));
}

void witness_look(int64_t *worst_ns)
{
    static void (*const looks[])(void) = {look_memory, look_file, look_pipe, look_log};
    number++;
    for (unsigned i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
        ts_time_t begin = ts_clock_now();
        looks[i]();
        int64_t taken = ts_clock_now() - begin;
        *worst_ns = taken > *worst_ns ? taken : *worst_ns;
    }
}

void witness_end(void)
{
    ts_close(file);
    ts_close(reader);
    ts_close(writer);
    CHECK_OK(ts_remove(ts_named_handle(TS_NAME_FILE), FILE_NAME, 0));
    CHECK_OK(ts_memory_unmap(pages, (size_t)PAGES * BOMB_PAGE));
    ts_close(memory);
}
