// SPDX-License-Identifier: MIT
// Memory that is short: each allocation of a workload fails in turn, and is told; nothing is lost,
// and nobody is charged for what is not there. And what is there is charged exactly.
#include "world.h"

#include <allocation.h>
#include <mm/heap.h>
#include <mm/page.h>
#include <object/memory.h>
#include <object/process.h>
#include <string.h>

#include "tests/host/check.h"

#define BASE  UINT64_C(0x40000000)
#define PAGES 40u // more than the kernel maps without its window

static struct account *account;
static struct process process;

static struct account *account_make(uint64_t pages)
{
    struct job *job;
    struct ts_job_limits limits = {.pages = pages};
    ts_status_t status;
    CHECK(job_create(NULL, job_root, &limits, false, &job) == TS_OK);
    struct account *made = job_account_create(job, &status);
    CHECK(made != NULL);
    object_put(&job->object);
    return made;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

// Small, and in the window (which is no memory of the host's to write to).
static ts_status_t use_heap(void)
{
    uint8_t *object = heap_alloc_zeroed(100);
    if (object == NULL) {
        return TS_ERR_MEMORY;
    }
    CHECK(is_zero(object, 100));
    memset(object, 1, 100);
    heap_free(object, 100);
    void *large = heap_alloc(100 << 10);
    heap_free(large, 100 << 10);
    return large != NULL ? TS_OK : TS_ERR_MEMORY;
}

static ts_status_t use_others(struct memory *memory)
{
    struct memory *other;
    struct kernel_mapping mapping;
    ts_status_t status = memory_kernel_map(memory, &mapping);
    if (status == TS_OK) {
        memory_kernel_unmap(&mapping);
        status = memory_create(account, 5 * PAGE_SIZE, TS_MEMORY_CONTIGUOUS, &other);
    }
    if (status == TS_OK) {
        object_put(&other->object);
        status = memory_create_view(account, memory, PAGE_SIZE, PAGE_SIZE, &other);
    }
    if (status == TS_OK) {
        object_put(&other->object);
    }
    return status;
}

static ts_status_t use(struct address_space *space, struct memory *memory)
{
    vaddr_t at = BASE;
    ts_status_t status =
        space_map(space, memory, 0, PAGES * PAGE_SIZE,
                  TS_MAP_READ | TS_MAP_WRITE | TS_MAP_FIXED | TS_MAP_POPULATE, 7, &at);
    if (status == TS_OK) {
        status = space_protect(space, BASE + 2 * PAGE_SIZE, 3 * PAGE_SIZE, TS_MAP_READ);
    }
    if (status == TS_OK) {
        status = space_unmap(space, BASE + 10 * PAGE_SIZE, 5 * PAGE_SIZE);
    }
    if (status == TS_OK) {
        status = use_others(memory);
    }
    return status == TS_OK ? use_heap() : status;
}

static ts_status_t workload(void)
{
    struct address_space *space;
    struct memory *memory;
    ts_status_t status = world_space_create(account, &space);
    if (status != TS_OK) {
        return status;
    }
    status = memory_create(account, PAGES * PAGE_SIZE, 0, &memory);
    if (status == TS_OK) {
        status = use(space, memory);
        object_put(&memory->object);
    }
    while (space_destroy_some(space)) {
        ;
    }
    space_free(space);
    return status;
}

static uint64_t live(void)
{
    uint64_t count;
    CHECK(allocation_live(&count) == TS_OK);
    return count;
}

static void test_each_allocation(void)
{
    // Once before: what is kept (a page of a size class, tables of the window) is there then.
    CHECK(workload() == TS_OK);
    uint64_t objects = live(), used = account_used(account), free = world_pages_free(), left = 0;
    struct account_totals before, after;
    account_totals_get(&before);
    unsigned n = 1;
    for (; left == 0; n++) {
        CHECK(allocation_fail(process.member.id, n) == TS_OK);
        ts_status_t status = workload();
        CHECK(allocation_left(process.member.id, &left) == TS_OK);
        CHECK(status == (left == 0 ? TS_ERR_MEMORY : TS_OK));
        CHECK(allocation_fail(process.member.id, 0) == TS_OK);
        CHECK(live() == objects && account_used(account) <= used + 1);
        world_check();
    }
    CHECK(n > PAGES + 20);
    account_totals_get(&after);
    CHECK(after.charged == before.charged && after.shares == before.shares);
    CHECK(world_pages_free() + 16 >= free); // the window goes round, and its tables stay
}

// Bytes are charged by whole pages, what is left of one is for the next; exact ones leave nothing.
static void test_exact_charges(void)
{
    struct account *payer = account_make(100);
    uint64_t used = account_used(payer);
    for (unsigned i = 1; i <= 3; i++) {
        CHECK(account_charge_more(payer, i * PAGE_SIZE) == TS_OK);
        used += i;
        CHECK(account_used(payer) == used);
    }
    CHECK(account_charge_more(payer, PAGE_SIZE + 1) == TS_OK && account_used(payer) == used + 2);
    CHECK(account_charge_bytes(payer, PAGE_SIZE - 1) == TS_OK && account_used(payer) == used + 2);
    account_uncharge_bytes(payer, 8 * PAGE_SIZE);
    CHECK(account_used(payer) <= 2); // for itself, and a page that is kept
    CHECK(account_charge_more(payer, 101 * PAGE_SIZE) == TS_ERR_LIMIT);
    account_put(payer);
    CHECK(job_root->quota.used[QUOTA_PAGES] == 0);
}

// Memories have numbers from 1 on. As much as is free can be had, with what a memory has already.
static void test_too_much(void)
{
    struct account *payer = account_make(100);
    struct memory *memory, *other;
    CHECK(memory_create(payer, PAGE_SIZE, 0, &memory) == TS_OK);
    CHECK(memory_create(payer, PAGE_SIZE, 0, &other) == TS_OK);
    CHECK(memory->id == 1 && other->id == 2);
    for (unsigned resident = 0; resident < 2; resident++) {
        uint64_t most = world_pages_free() + resident;
        CHECK(memory->resident == resident);
        CHECK(!memory_is_too_much(memory, most * PAGE_SIZE));
        CHECK(memory_is_too_much(memory, (most + 1) * PAGE_SIZE));
        CHECK(memory_commit(memory, 0, PAGE_SIZE) == TS_OK);
    }
    object_put(&memory->object);
    object_put(&other->object);
    account_put(payer);
}

static struct page *taken[8192]; // as many as the machine has

static unsigned take_all(unsigned flags, unsigned count)
{
    struct page *page;
    while (page_alloc(flags, &page) == TS_OK) {
        taken[count++] = page;
    }
    return count;
}

// Programs' memory leaves the kernel its reserve, and takes all else; the kernel takes the last
// frame.
static void test_last_frame(void)
{
    struct page_statistics machine;
    uint64_t free = world_pages_free();
    unsigned count = take_all(PAGE_ALLOC_USER, 0);
    page_statistics_get(&machine);
    CHECK(machine.free == machine.total / 128);
    count = take_all(0, count);
    CHECK(world_pages_free() == 0 && count == free);
    while (count > 0) {
        page_put(taken[--count]);
    }
    CHECK(world_pages_free() == free);
}

int main(void)
{
    world_start();
    test_exact_charges();
    test_too_much();
    account = account_make(1000);
    process.member.id = 7;
    thread_current()->process = &process;
    test_each_allocation();
    thread_current()->process = NULL;
    account_put(account);
    CHECK(job_root->quota.used[QUOTA_PAGES] == 0);
    test_last_frame();
    return 0;
}
