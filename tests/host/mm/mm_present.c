// SPDX-License-Identifier: MIT
// Pages that are present are found where they are; those that are not are made so by the copy, to
// the last byte of a mapping and not beyond.
#include "world.h"

#include <base/statistics.h>
#include <core/hooks.h>
#include <mm/page.h>
#include <object/memory.h>
#include <string.h>

#include "tests/host/check.h"

#define BASE UINT64_C(0x40000000)

static struct address_space *space, *client;
static struct memory *memory;

static void map(struct address_space *in, unsigned page, unsigned protection)
{
    vaddr_t at = BASE + page * PAGE_SIZE;
    CHECK(space_map(in, memory, page * PAGE_SIZE, PAGE_SIZE, protection | TS_MAP_FIXED, 7, &at) ==
          TS_OK);
}

static ts_status_t get(unsigned page, bool write)
{
    struct page *found;
    void *pointer;
    ts_status_t status =
        space_page_get(space, BASE + page * PAGE_SIZE + 9, write, &found, &pointer);
    if (status == TS_OK) {
        CHECK(pointer == (char *)page_pointer(found) + 9);
        page_put(found);
    }
    return status;
}

// A page is entered once; after that its entry says all there is to know.
static void test_entered_once(void)
{
    map(space, 0, TS_MAP_READ | TS_MAP_WRITE);
    map(space, 1, TS_MAP_READ);
    uint64_t before = world_map_calls;
    CHECK(get(0, true) == TS_OK && get(1, false) == TS_OK);
    CHECK(world_map_calls == before + 2);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(get(0, true) == TS_OK && get(0, false) == TS_OK && get(1, false) == TS_OK);
    }
    CHECK(world_map_calls == before + 2);
    CHECK(get(1, true) == TS_ERR_FAULT && get(1, false) == TS_OK); // what it permits, too
    CHECK(space_unmap(space, BASE, 2 * PAGE_SIZE) == TS_OK);
}

static ts_status_t copy(uint64_t from, uint64_t to, uint32_t length, enum copy_direction direction)
{
    return environment_copy(client, BASE + from, BASE + to, length, direction);
}

// Behind the last page is nothing: what ends with that page is copied nevertheless.
static void test_copies_to_the_end(void)
{
    static const uint32_t lengths[] = {1, 100, PAGE_SIZE};
    map(client, 0, TS_MAP_READ | TS_MAP_WRITE);
    world_enter(space);
    world_copies_as_is = true;
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        uint32_t length = lengths[i];
        for (unsigned direction = 0; direction < 2; direction++) {
            enum copy_direction way = direction == 0 ? COPY_PULL : COPY_PUSH;
            map(space, 1, TS_MAP_READ | TS_MAP_WRITE); // not present yet
            CHECK(copy(0, 2 * PAGE_SIZE - length, length, way) == TS_OK);
            CHECK(copy(0, 2 * PAGE_SIZE - length + 1, length, way) == TS_ERR_FAULT);
            CHECK(space_unmap(space, BASE + PAGE_SIZE, PAGE_SIZE) == TS_OK);
        }
    }
    map(space, 1, TS_MAP_READ); // which cannot be written to
    CHECK(copy(0, PAGE_SIZE, 10, COPY_PULL) == TS_ERR_FAULT);
    CHECK(copy(0, PAGE_SIZE, 10, COPY_PUSH) == TS_OK);
    CHECK(copy(PAGE_SIZE, PAGE_SIZE, 10, COPY_PUSH) == TS_ERR_CLIENT_FAULT);
    world_copies_as_is = false;
}

// What fills a port's inbox is a copy like others, and none where there is nothing to copy.
static void test_copies_are_counted(void)
{
    char bytes[10] = {0}, expected[10];
    struct page *page;
    CHECK(memory_page_get(memory, 0, &page) == TS_OK);
    memset(expected, 0x42, sizeof(expected));
    memcpy((char *)page_pointer(page) + 9, expected, sizeof(expected));
    page_put(page);
    uint64_t copies = statistics_sum(STATISTIC_COPIES);
    uint64_t copied = statistics_sum(STATISTIC_BYTES_COPIED);
    CHECK(environment_copy_inbox(client, BASE + 9, bytes, 10) == TS_OK);
    CHECK(memcmp(bytes, expected, sizeof(bytes)) == 0);
    CHECK(environment_copy_inbox(client, BASE + 9, bytes, 0) == TS_OK);
    CHECK(environment_copy_inbox(client, BASE + 5 * PAGE_SIZE, bytes, 10) == TS_ERR_CLIENT_FAULT);
    CHECK(statistics_sum(STATISTIC_COPIES) == copies + 1);
    CHECK(statistics_sum(STATISTIC_BYTES_COPIED) == copied + 10);
    CHECK(copy(9, PAGE_SIZE, 10, COPY_PUSH) == TS_OK);
    CHECK(statistics_sum(STATISTIC_COPIES) == copies + 2);
    CHECK(statistics_sum(STATISTIC_BYTES_COPIED) == copied + 20);
}

int main(void)
{
    struct job *job;
    struct ts_job_limits limits = {.pages = 100};
    ts_status_t status;
    world_start();
    CHECK(job_create(NULL, job_root, &limits, false, &job) == TS_OK);
    struct account *payer = job_account_create(job, &status);
    CHECK(payer != NULL);
    object_put(&job->object);
    CHECK(world_space_create(payer, &space) == TS_OK &&
          world_space_create(payer, &client) == TS_OK);
    CHECK(memory_create(payer, 8 * PAGE_SIZE, 0, &memory) == TS_OK);
    test_entered_once();
    test_copies_to_the_end();
    test_copies_are_counted();
    world_check();
    while (space_destroy_some(space) || space_destroy_some(client)) {
        ;
    }
    space_free(space);
    space_free(client);
    object_put(&memory->object);
    CHECK(account_used(payer) <= 2); // for itself, and a page that is kept
    account_put(payer);
    return 0;
}
