// SPDX-License-Identifier: MIT
// What the web tree's server reads and gives: bytes and pages are the disk's, what was given never
// changes, and clients that keep what they were given cannot keep others from reading.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/local.h>
#include <tessera/lib/memory.h>

#include "cache.h"
#include "fake.h"
#include "node.h"
#include "tests/host/check.h"

#define LARGE   (200u * CACHE_BLOCK + 5000u) // more than the cache holds
#define WRONG   (2u * CACHE_BLOCK)
#define SMALL   3000u
#define ENTRIES 5u
#define PAGE    TS_PAGE_SIZE

static struct ts_loop loop;
static struct ts_local local = {.loop = &loop};
static struct ts_archive archive;
static struct ts_object root;

static const struct file {
    const char *path;
    uint32_t size;
} files[ENTRIES] = {
    {"", 0}, {"edge", CACHE_BLOCK + 1}, {"large", LARGE}, {"small", SMALL}, {"wrong", WRONG}};

static struct ts_archive_entry *entry_at(unsigned index)
{
    return (struct ts_archive_entry *)(void *)(disk_bytes + PAGE) + index;
}

static void make_disk(void)
{
    uint64_t strings = PAGE + ENTRIES * sizeof(struct ts_archive_entry), at = 3 * PAGE;
    uint32_t text = 0;
    disk_size = at;
    for (unsigned i = 0; i < ENTRIES; i++) {
        disk_size += TS_PAGE_ROUND(files[i].size);
    }
    disk_bytes = calloc(1, disk_size);
    srand(1);
    for (unsigned i = 0; i < ENTRIES; i++) {
        uint32_t length = (uint32_t)strlen(files[i].path);
        memcpy(disk_bytes + strings + text, files[i].path, length);
        *entry_at(i) = (struct ts_archive_entry){
            .path = text,
            .path_length = length,
            .offset = i == 0 ? 0 : at,
            .size = files[i].size,
            .type = i == 0 ? TS_ARCHIVE_DIRECTORY : TS_ARCHIVE_FILE,
        };
        for (uint64_t b = 0; b < files[i].size; b++) {
            disk_bytes[at + b] = (uint8_t)rand();
        }
        entry_at(i)->data_crc = ts_crc32c(0, disk_bytes + at, files[i].size);
        at += TS_PAGE_ROUND(files[i].size);
        text += length;
    }
    entry_at(ENTRIES - 1)->data_crc ^= 1;
    struct ts_archive_header header = {
        .magic = TS_ARCHIVE_MAGIC,
        .version = TS_ARCHIVE_VERSION,
        .header_size = sizeof(header),
        .size = disk_size,
        .entries = PAGE,
        .strings = strings,
        .entry_count = ENTRIES,
        .entry_size = sizeof(struct ts_archive_entry),
        .strings_size = text,
        .table_crc = ts_crc32c(0, disk_bytes + PAGE, strings - PAGE + text),
    };
    header.header_crc = ts_crc32c(0, &header, sizeof(header));
    memcpy(disk_bytes, &header, sizeof(header));
}

static const uint8_t *right_bytes(unsigned file)
{
    return disk_bytes + entry_at(file)->offset;
}

static struct ts_local_result ask(struct ts_object *object, struct ts_local_op op)
{
    struct ts_local_result result = {0};
    op.rights = op.rights ? op.rights : TS_RIGHT_READ | TS_RIGHT_MAP;
    result.status = ts_local_call(&local, object, &op, &result);
    return result;
}

static void on_root(struct ts_request *request)
{
    tree_open_root(request);
}

static struct ts_object *open_file(unsigned file)
{
    static const struct ts_operations root_operations = {.open = on_root};
    root.operations = &root_operations;
    struct ts_object *session = ask(&root, (struct ts_local_op){.op = TS_OP_OPEN}).object;
    struct ts_local_op op = {.op = TS_OP_OPEN,
                             .in = files[file].path,
                             .in_length = (uint32_t)strlen(files[file].path),
                             .arg = ts_open_arg(0, 0)};
    struct ts_local_result opened = ask(session, op);
    CHECK_EQUAL(opened.status, TS_OK);
    ts_local_close(session);
    return opened.object;
}

static struct ts_local_result map_at(struct ts_object *file, uint64_t offset, uint64_t span)
{
    return ask(file, (struct ts_local_op){.op = TS_OP_MAP, .offset = offset, .span = span});
}

// Reads all of a file in pieces of `most`; the status that it ended with.
static ts_status_t read_all(unsigned number, uint32_t most)
{
    struct ts_object *file = open_file(number);
    uint8_t *buffer = malloc(most);
    uint64_t done = 0;
    ts_status_t status = TS_OK;
    while (status == TS_OK && done < files[number].size) {
        struct ts_local_result read =
            ask(file, (struct ts_local_op){
                          .op = TS_OP_READ, .out = buffer, .out_length = most, .offset = done});
        status = read.status;
        CHECK(status != TS_OK || read.value > 0);
        CHECK(status != TS_OK || memcmp(buffer, right_bytes(number) + done, read.value) == 0);
        done += status == TS_OK ? read.value : 0;
    }
    free(buffer);
    ts_local_close(file);
    return status;
}

static void test_reading(void)
{
    CHECK_EQUAL(read_all(3, 4096), TS_OK);
    CHECK_EQUAL(read_all(3, 100), TS_OK);
    CHECK_EQUAL(read_all(1, 7777), TS_OK);
    CHECK_EQUAL(read_all(2, 100000), TS_OK);
    CHECK_EQUAL(read_all(4, 50000), TS_ERR_CORRUPT);
    CHECK_EQUAL(read_all(4, 50000), TS_ERR_CORRUPT); // and stays so
}

static void test_map_refusals(void)
{
    struct ts_object *large = open_file(2), *small = open_file(3), *wrong = open_file(4),
                     *directory = open_file(0);
    CHECK_EQUAL(map_at(small, 0, 0).status, TS_ERR_UNSUPPORTED);
    CHECK_EQUAL(map_at(directory, 0, 0).status, TS_ERR_IS_DIRECTORY);
    CHECK_EQUAL(map_at(large, 1, 100).status, TS_ERR_ARGUMENT);
    CHECK_EQUAL(map_at(large, TS_PAGE_ROUND(LARGE), 1).status, TS_ERR_RANGE);
    CHECK_EQUAL(map_at(large, UINT64_MAX - PAGE + 1, 1).status, TS_ERR_RANGE);
    CHECK_EQUAL(map_at(wrong, 0, 0).status, TS_ERR_CORRUPT);
    struct ts_local_op op = {.op = TS_OP_MAP,
                             .rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_MAP};
    CHECK_EQUAL(ask(large, op).status, TS_ERR_READ_ONLY);
    ts_local_close(large);
    ts_local_close(small);
    ts_local_close(wrong);
    ts_local_close(directory);
}

// Maps all of the large file, piece after piece, keeping each. The number of views.
static unsigned map_all(struct ts_object *file, ts_handle_t *views, uint64_t *offsets,
                        unsigned most)
{
    unsigned count = 0;
    for (uint64_t at = 0; at < LARGE && count < most; count++) {
        struct ts_local_result mapped = map_at(file, at, 1 << 20);
        size_t size;
        if (mapped.status != TS_OK) {
            CHECK_EQUAL(mapped.status, TS_ERR_LIMIT);
            break;
        }
        CHECK_EQUAL(mapped.rights, TS_RIGHT_READ | TS_RIGHT_MAP);
        (void)memory_bytes(mapped.handle, &size);
        CHECK(size > 0 && size <= CACHE_BLOCK && size % PAGE == 0);
        views[count] = mapped.handle;
        offsets[count] = at;
        at += size;
    }
    return count;
}

static void compare_and_close(const ts_handle_t *views, const uint64_t *offsets, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        size_t size, left;
        const uint8_t *bytes = memory_bytes(views[i], &size);
        left = LARGE - offsets[i];
        CHECK(memcmp(bytes, right_bytes(2) + offsets[i], size < left ? size : left) == 0);
        ts_close(views[i]);
    }
}

static void test_pages(void)
{
    static ts_handle_t views[300];
    static uint64_t offsets[300];
    struct ts_object *file = open_file(2);
    unsigned count = map_all(file, views, offsets, 300);
    CHECK_EQUAL(count, 201);                // begins and ends within a block
    CHECK_EQUAL(read_all(2, 65536), TS_OK); // all blocks are used anew meanwhile
    compare_and_close(views, offsets, count);
    CHECK(memory_objects <= CACHE_BLOCKS + 1); // and the checksums
    // A range that asks for less gets less, and only pages of its file.
    struct ts_local_result mapped = map_at(file, 8 * PAGE, PAGE + 1);
    size_t size;
    const uint8_t *bytes = memory_bytes(mapped.handle, &size);
    CHECK(size == 2 * PAGE && memcmp(bytes, right_bytes(2) + 8 * PAGE, size) == 0);
    ts_close(mapped.handle);
    ts_local_close(file);
}

// Maps a page of a block, of the next one and so on, until it is refused, and keeps all. How many.
static unsigned keep(struct ts_object *file, ts_handle_t *views, unsigned most, unsigned block,
                     unsigned step)
{
    for (unsigned count = 0; count < most; count++) {
        struct ts_local_result mapped =
            map_at(file, (block + step * count) % 150 * (uint64_t)CACHE_BLOCK, PAGE);
        if (mapped.status != TS_OK) {
            CHECK_EQUAL(mapped.status, TS_ERR_LIMIT);
            return count;
        }
        views[count] = mapped.handle;
    }
    return most;
}

// A client that keeps all that it was given before others have read anything leaves them most
// blocks.
static void test_early_hoarder(void)
{
    enum { MOST = 1900, AGAIN = CACHE_BLOCKS / 4 };
    static ts_handle_t views[MOST];
    static uint8_t buffer[CACHE_BLOCK];
    struct ts_object *file = open_file(2);
    unsigned count = keep(file, views, MOST, 0, 1);
    CHECK(count > 2 * CACHE_BLOCKS && count < MOST);
    count += keep(file, views + count, MOST - count, count - 1, 0); // what is given already
    CHECK(count < MOST);
    unsigned first = 0, again;
    for (unsigned round = 0; round < 2; round++) {
        again = disk_reads;
        for (uint64_t i = 0; i < AGAIN; i++) {
            struct ts_local_op op = {.op = TS_OP_READ,
                                     .out = buffer,
                                     .out_length = PAGE,
                                     .offset = (150 + i) * CACHE_BLOCK};
            CHECK_EQUAL(ask(file, op).status, TS_OK);
        }
        again = disk_reads - again;
        first = round == 0 ? again : first;
    }
    CHECK(first >= AGAIN && again == 0);
    while (count > 0) {
        ts_close(views[--count]);
    }
    ts_local_close(file);
}

// Clients that keep everything get to their limit; reading goes on, for them too.
static void test_hoarder(void)
{
    static ts_handle_t views[300];
    static uint64_t offsets[300];
    struct ts_object *file = open_file(2);
    memory_limit = CACHE_BLOCKS + 1 + 20;
    unsigned count = map_all(file, views, offsets, 300);
    CHECK(count >= 20 && count < 201);
    CHECK_EQUAL(map_at(file, 150 * CACHE_BLOCK, 0).status, TS_ERR_LIMIT);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQUAL(read_all(2, 65536), TS_OK);
    }
    compare_and_close(views, offsets, count);
    count = map_all(file, views, offsets, 300); // there is memory again, and never much is kept
    for (unsigned i = 0; i < count; i++) {
        ts_close(views[i]);
    }
    CHECK_EQUAL(map_at(file, 150 * CACHE_BLOCK, 0).status, TS_OK);
    memory_limit = 1024;
    ts_local_close(file);
}

// One that keeps every page that it was ever given, of blocks that were used anew each time. The
// job is not brought to its limit, at which the next touch would end the server.
static void test_greedy_hoarder(void)
{
    enum { ROUNDS = 5 };
    static ts_handle_t views[ROUNDS][300], again[300];
    static uint64_t offsets[300];
    unsigned counts[ROUNDS];
    struct ts_object *file = open_file(2);
    for (unsigned i = 0; i < ROUNDS; i++) {
        counts[i] = map_all(file, views[i], offsets, 300);
        CHECK_EQUAL(read_all(2, 65536), TS_OK);
    }
    CHECK(counts[0] == 201 && counts[ROUNDS - 1] < 201);
    CHECK(memory_pages() <= CACHE_PAGES);
    unsigned more = keep(file, again, 300, 0, 0); // again and again
    CHECK(more < 300 && memory_pages() <= CACHE_PAGES);
    while (more > 0) {
        ts_close(again[--more]);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (unsigned k = 0; k < counts[i]; k++) {
            ts_close(views[i][k]);
        }
    }
    CHECK_EQUAL(map_at(file, 150 * CACHE_BLOCK, 0).status, TS_OK);
    ts_local_close(file);
}

static void never(struct cache_waiter *waiter)
{
    (void)waiter;
}

// While the disk reads into all blocks but one: the one that somebody has just asked for is not the
// next one, and an answer of its bytes that is kept back goes out before it is.
static void test_the_last_block(void)
{
    static struct cache_waiter waiters[CACHE_BLOCKS + 1];
    static struct ts_async failed;
    struct cache_waiter *all = &waiters[CACHE_BLOCKS];
    for (unsigned i = 0; i <= CACHE_BLOCKS; i++) {
        waiters[i].ready = never;
    }
    while (cache_get(0, all) == NULL) {
        CHECK_EQUAL(ts_loop_step(&loop, TS_DEADLINE_NONE), TS_OK);
    }
    for (uint64_t i = 1; i < CACHE_BLOCKS; i++) {
        CHECK(cache_get((60 + i) * CACHE_BLOCK, &waiters[i]) == NULL);
        CHECK(cache_get(0, all) != NULL);
    }
    cache_ahead(200 * CACHE_BLOCK);
    CHECK(cache_get(0, all) != NULL);
    loop.held.failed = &failed;
    CHECK(cache_get(200 * CACHE_BLOCK, &waiters[0]) == NULL && loop.held.failed == NULL);
    CHECK_EQUAL(disk_reads_when_sent, CACHE_BLOCKS - 1);
    while (ts_loop_step(&loop, TS_DEADLINE_NONE) == TS_OK) {
        ;
    }
}

static void test_disk_errors(void)
{
    struct ts_object *file = open_file(2);
    CHECK_EQUAL(read_all(2, 65536), TS_OK); // so that the first blocks are not there
    disk_status = TS_ERR_IO;
    CHECK_EQUAL(map_at(file, 10 * CACHE_BLOCK, 0).status, TS_ERR_IO);
    CHECK_EQUAL(read_all(2, 65536), TS_ERR_IO);
    disk_status = TS_OK;
    CHECK_EQUAL(read_all(2, 65536), TS_OK);
    ts_local_close(file);
}

static unsigned told;

static void tell(struct cache_waiter *waiter)
{
    (void)waiter;
    told++;
}

static void check_block(uint64_t number, struct cache_waiter *waiter)
{
    struct cache_block *block = cache_get(number * CACHE_BLOCK, waiter);
    CHECK(block != NULL && block->status == TS_OK);
    CHECK(memcmp(block->bytes, disk_bytes + number * CACHE_BLOCK, CACHE_BLOCK) == 0);
}

// The driver dies, and the next one is there in the same round in which two more blocks are asked
// for: one of them has reached the dead one, the other has not been submitted.
static void test_the_driver_dies(void)
{
    struct cache_waiter waiters[3] = {{.ready = tell}, {.ready = tell}, {.ready = tell}};
    CHECK_EQUAL(read_all(2, 65536), TS_OK); // so that the first blocks are not there
    disk_opened++;
    CHECK(cache_get(3 * CACHE_BLOCK, &waiters[0]) == NULL);
    CHECK_EQUAL(ts_loop_step(&loop, TS_DEADLINE_NONE),
                TS_OK); // which is told, and asks for the next driver
    CHECK(cache_get(4 * CACHE_BLOCK, &waiters[1]) == NULL);
    ts_loop_flush(&loop);
    CHECK(cache_get(5 * CACHE_BLOCK, &waiters[2]) == NULL);
    disk_batch = true;
    CHECK_EQUAL(ts_loop_step(&loop, TS_DEADLINE_NONE), TS_OK); // the next driver's session
    disk_batch = false;
    unsigned reads = disk_reads;
    while (ts_loop_step(&loop, TS_DEADLINE_NONE) == TS_OK) {
        ;
    }
    CHECK_EQUAL(told, 3);
    CHECK_EQUAL(disk_reads - reads, 5); // two at the dead one, and no more than that
    for (unsigned i = 0; i < 3; i++) {
        check_block(3 + i, &waiters[i]);
    }
}

int main(void)
{
    uint64_t offset, length;
    make_disk();
    CHECK_EQUAL(ts_archive_check_header(disk_bytes, disk_size, &offset, &length), TS_OK);
    CHECK_EQUAL(
        ts_archive_open_tables(&archive, (const void *)disk_bytes, disk_bytes + offset, disk_size),
        TS_OK);
    CHECK_EQUAL(cache_init(&loop, 1, "disk", DISK_FIRST, disk_size), TS_OK);
    CHECK_EQUAL(tree_init(&archive), TS_OK);
    test_early_hoarder();
    test_reading();
    test_map_refusals();
    test_pages();
    test_hoarder();
    test_greedy_hoarder();
    test_disk_errors();
    test_the_last_block();
    test_the_driver_dies();
    return 0;
}
