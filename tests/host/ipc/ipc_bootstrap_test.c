// SPDX-License-Identifier: MIT
// Bootstrap blocks: what was written is read, in memory exactly as large as was asked for; and a
// block in which anything is wrong is refused, not followed.
#include <string.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/start.h>
#include "ipc/lib/bootstrap_block.h"
#include "tests/host/check.h"
#include "fake_kernel.h"

static const char *const arguments[] = {"prog", "", "two words", NULL};
static const char *const environment[] = {"PATH=/bin", "EMPTY=", "PAT=x", NULL};
static const struct ts_spawn_handle handles[] = {{.name = "in"}, {.name = "a-longer-name"}};
static const struct ts_spawn whole = {.name = "program",
                                      .arguments = arguments,
                                      .environment = environment,
                                      .handles = handles,
                                      .handle_count = 2};

static struct ts_bootstrap *block;

// As spawn.c does it: the child's own three handles, those listed, then the strings. (The block is
// no byte longer than asked: a write or read beyond is found.)
static void make(const struct ts_spawn *spawn)
{
    free(block);
    uint64_t size = ts_block_size(spawn);
    block = calloc(1, size);
    struct ts_block_writer writer = {.block = block, .capacity = (uint32_t)size};
    CHECK_EQUAL(ts_block_begin(&writer, spawn), TS_OK);
    ts_block_handle(&writer, TS_NAME_PROCESS, 11);
    ts_block_handle(&writer, TS_NAME_CLOCK, TS_HANDLE_NONE);
    ts_block_handle(&writer, TS_NAME_JOB, 13);
    for (uint32_t i = 0; i < spawn->handle_count; i++) {
        ts_block_handle(&writer, spawn->handles[i].name, 20 + i);
    }
    ts_block_strings(&writer, spawn);
    CHECK(writer.strings == size && block->size == size); // and none too long
    writer.capacity--;
    CHECK_EQUAL(ts_block_begin(&writer, spawn), TS_ERR_TOO_LARGE);
    block->handle_count = 3 + spawn->handle_count;
}

static void test_nothing_yet(void)
{
    const char *name;
    ts_handle_t handle;
    CHECK(ts_bootstrap_block() == NULL && ts_argument_count() == 0);
    CHECK(ts_argument(0) == NULL && ts_environment(0) == NULL &&
          ts_environment_get("PATH") == NULL);
    CHECK(!ts_named_handle_at(0, &name, &handle) && ts_named_handle("in") == TS_HANDLE_NONE);
}

static void test_whole(void)
{
    const char *name;
    ts_handle_t handle;
    make(&whole);
    CHECK_EQUAL(ts_bootstrap_init(block), TS_OK);
    CHECK(ts_bootstrap_block() == block);
    CHECK_EQUAL(ts_argument_count(), 3);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(strcmp(ts_argument(i), arguments[i]) == 0);
    }
    CHECK(ts_argument(3) == NULL && ts_argument(UINT32_MAX) == NULL);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(strcmp(ts_environment(i), environment[i]) == 0);
    }
    CHECK(ts_environment(3) == NULL);
    CHECK(strcmp(ts_environment_get("PATH"), "/bin") == 0);
    CHECK(strcmp(ts_environment_get("PAT"), "x") == 0);
    CHECK(strcmp(ts_environment_get("EMPTY"), "") == 0);
    CHECK(ts_environment_get("PA") == NULL && ts_environment_get("PATH=/bin") == NULL);
    CHECK(ts_named_handle("in") == 20 && ts_named_handle("a-longer-name") == 21);
    CHECK(ts_named_handle(TS_NAME_PROCESS) == 11 && ts_named_handle(TS_NAME_JOB) == 13);
    CHECK_EQUAL(ts_named_handle("a-longer"), TS_HANDLE_NONE);
    CHECK(ts_named_handle_at(4, &name, &handle) && handle == 21 && name[0] == 'a');
    CHECK(!ts_named_handle_at(5, &name, &handle));
}

static void test_least(void)
{
    make(&(struct ts_spawn){.name = "alone"}); // its name is its only argument
    CHECK_EQUAL(ts_bootstrap_init(block), TS_OK);
    CHECK(ts_argument_count() == 1 && strcmp(ts_argument(0), "alone") == 0);
    CHECK(ts_environment(0) == NULL);
}

static uint32_t *table_at(uint32_t offset)
{
    return (uint32_t *)(void *)((char *)block + offset);
}

#define REFUSED(change, status)                          \
    do {                                                 \
        make(&whole);                                    \
        change;                                          \
        CHECK_EQUAL(ts_bootstrap_init(block), (status)); \
    } while (0)

static void test_refused(void)
{
    struct ts_bootstrap *good = block;
    block = NULL;
    CHECK_EQUAL(ts_bootstrap_init(NULL), TS_ERR_VERSION);
    REFUSED(block->version++, TS_ERR_VERSION);
    REFUSED(block->size = sizeof(*block) - 1, TS_ERR_CORRUPT);
    REFUSED(block->size = 0, TS_ERR_CORRUPT);
    REFUSED(block->size--, TS_ERR_CORRUPT); // the last string does not end
    for (unsigned i = 0; i < 3; i++) {
        REFUSED((&block->arguments)[i] = UINT32_MAX - 3, TS_ERR_CORRUPT);
        REFUSED((&block->arguments)[i] = block->size + 4, TS_ERR_CORRUPT);
        REFUSED((&block->arguments)[i] += 2, TS_ERR_CORRUPT); // not aligned
        REFUSED((&block->argument_count)[i] = UINT32_MAX, TS_ERR_CORRUPT);
        REFUSED((&block->argument_count)[i] = block->size, TS_ERR_CORRUPT);
    }
    for (unsigned i = 0; i < 3; i++) {
        REFUSED(table_at(block->arguments)[i] = block->size, TS_ERR_CORRUPT);
        REFUSED(table_at(block->environment)[i] = UINT32_MAX, TS_ERR_CORRUPT);
    }
    for (unsigned i = 0; i < 5; i++) {
        REFUSED(table_at(block->handles)[2 * i] = block->size, TS_ERR_CORRUPT);
    }
    CHECK(ts_bootstrap_block() == good && ts_argument_count() == 1); // the one before stays
    free(block);
    block = good;
}

// The clock is where the block says, or is mapped by its handle.
static void test_clock(void)
{
    struct ts_clock clock = {.version = TS_CLOCK_VERSION, .base_ns = 123};
    fake_reset();
    make(&whole);
    block->clock = (uintptr_t)&clock;
    CHECK_EQUAL(ts_bootstrap_init(block), TS_OK);
    CHECK(ts_clock_now() == 123 && fake_maps == 0);
    clock.version++;
    CHECK_EQUAL(ts_bootstrap_init(block), TS_ERR_VERSION);

    ts_handle_t memory;
    make(&whole);
    CHECK_EQUAL(ts_memory_create(TS_PAGE_SIZE, 0, &memory), TS_OK);
    *(struct ts_clock *)(void *)fake_handles[memory].memory =
        (struct ts_clock){.version = TS_CLOCK_VERSION, .base_ns = 456};
    table_at(block->handles)[2 * 1 + 1] = memory;
    CHECK_EQUAL(ts_bootstrap_init(block), TS_OK);
    CHECK(ts_clock_now() == 456 && fake_maps == 1);
    fake_fails_at = 1;
    CHECK_EQUAL(ts_bootstrap_init(block), TS_ERR_MEMORY);
    fake_reset();
}

// ---- The table for main

static int main_called(int argc, char **argv, char **envp)
{
    CHECK_EQUAL(argc, 3);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(strcmp(argv[i], arguments[i]) == 0 && strcmp(envp[i], environment[i]) == 0);
    }
    CHECK(argv[3] == NULL && envp[3] == NULL);
    return 42;
}

static void test_main(void)
{
    make(&whole);
    CHECK_EQUAL(ts_bootstrap_init(block), TS_OK);
    CHECK_EQUAL(ts_main_call(main_called), 42);
}

// ---- Lines for the log

static char logged[512];
static uint64_t logged_length;

static struct ts_result log_served(unsigned op, unsigned rights, ts_handle_t handle,
                                   uint64_t address, uint64_t length, uint64_t offset, uint64_t arg)
{
    (void)rights, (void)offset, (void)arg;
    CHECK(op == TS_OP_WRITE && handle == FAKE_SERVED && length <= sizeof(logged));
    memcpy(logged, (const void *)(uintptr_t)address, length);
    logged_length = length;
    return fake_ok(length);
}

static void test_log(void)
{
    static const struct ts_spawn_handle log = {.name = TS_NAME_LOG};
    char line[300];
    fake_reset();
    fake_served = log_served;
    make(&whole);
    CHECK_EQUAL(ts_bootstrap_init(block), TS_OK);
    ts_log("nobody has it");
    CHECK_EQUAL(logged_length, 0);
    make(&(struct ts_spawn){.name = "program", .handles = &log, .handle_count = 1});
    table_at(block->handles)[2 * 3 + 1] = FAKE_SERVED;
    CHECK_EQUAL(ts_bootstrap_init(block), TS_OK);
    ts_log("%s %u", "number", 5u);
    CHECK(logged_length == 9 && memcmp(logged, "number 5\n", 9) == 0);
    memset(line, 'x', sizeof(line));
    for (unsigned length = 239; length <= 242; length++) { // cut to 240
        line[length] = '\0';
        ts_log("%s", line);
        line[length] = 'x';
        unsigned kept = length < 240 ? length : 240;
        CHECK_EQUAL(logged_length, kept + 1);
        CHECK(memcmp(logged, line, kept) == 0 && logged[kept] == '\n');
    }
    fake_reset();
}

int main(int argc, char **argv, char **envp) // as start.h has it
{
    (void)argc, (void)argv, (void)envp;
    test_nothing_yet();
    test_whole();
    test_least();
    test_refused();
    test_clock();
    test_main();
    test_log();
    free(block);
    return 0;
}
