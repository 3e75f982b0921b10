// SPDX-License-Identifier: MIT
// Address spaces and memory objects against a model, by random sequences: what is mapped where with
// which content and protection, what is charged, and that nothing is left over in the end.
//
// Everything happens in a window of WINDOW pages at fixed addresses of two spaces.
#include "world.h"

#include <arch/hooks.h>
#include <core/hooks.h>
#include <mm/heap.h>
#include <mm/page.h>
#include <object/memory.h>
#include <string.h>

#include "tests/host/check.h"

#define BASE       UINT64_C(0x40000000)
#define WINDOW     96u
#define MEMORIES   6u
#define MEMORY_MAX 80u // pages
#define STEPS      60000u
#define NONE       (-1)

static struct memory *memories[MEMORIES];
static uint64_t sizes[MEMORIES];               // pages
static uint8_t contents[MEMORIES][MEMORY_MAX]; // a byte a page; 0: never written
static struct address_space *spaces[2];
static struct account *account;

static struct place {
    int memory; // NONE: hole
    uint64_t page;
    unsigned protection, allowed;
} model[2][WINDOW];

static const unsigned protections[] = {0, TS_MAP_READ, TS_MAP_READ | TS_MAP_WRITE,
                                       TS_MAP_READ | TS_MAP_EXECUTE, TS_MAP_WRITE};

static unsigned some_protection(void)
{
    return protections[random_below(sizeof(protections) / sizeof(protections[0]))];
}

static void check_page(unsigned s, unsigned i)
{
    const struct place *slot = &model[s][i];
    vaddr_t address = BASE + i * PAGE_SIZE;
    unsigned protection;
    bool inside = slot->memory != NONE && slot->page < sizes[slot->memory];
    if (world_mapped(spaces[s], address, &protection)) {
        CHECK(inside && slot->protection != 0 &&
              (protection & ~(slot->protection | TS_MAP_READ)) == 0);
    }
    struct page *page;
    void *pointer;
    ts_status_t status = space_page_get(spaces[s], address + 5, false, &page, &pointer);
    CHECK(status == (inside && slot->protection != 0 ? TS_OK : TS_ERR_FAULT));
    if (status == TS_OK) {
        CHECK(*(uint8_t *)pointer == contents[slot->memory][slot->page]);
        page_put(page);
    }
}

static void write_page(unsigned s, unsigned i)
{
    const struct place *slot = &model[s][i];
    struct page *page;
    void *pointer;
    bool can = slot->memory != NONE && slot->page < sizes[slot->memory] &&
               (slot->protection & TS_MAP_WRITE) != 0;
    ts_status_t status = space_page_get(spaces[s], BASE + i * PAGE_SIZE + 5, true, &page, &pointer);
    CHECK(status == (can ? TS_OK : TS_ERR_FAULT));
    if (!can) {
        return;
    }
    uint8_t value = (uint8_t)random_next();
    *(uint8_t *)pointer = value;
    contents[slot->memory][slot->page] = value;
    page_put(page);
    CHECK(space_fault(spaces[s], BASE + i * PAGE_SIZE, ARCH_FAULT_EXECUTE) == TS_ERR_FAULT);
}

static void map(unsigned s, unsigned start, unsigned count)
{
    int m = (int)random_below(MEMORIES);
    uint64_t offset = random_below(MEMORY_MAX);
    unsigned flags = some_protection(), allowed = flags | some_protection();
    if (random_below(5) == 0) {
        flags |= TS_MAP_POPULATE;
    }
    bool taken = false;
    for (unsigned i = start; i < start + count; i++) {
        taken = taken || model[s][i].memory != NONE;
    }
    vaddr_t address = BASE + start * PAGE_SIZE;
    ts_status_t status = space_map(spaces[s], memories[m], offset * PAGE_SIZE, count * PAGE_SIZE,
                                   flags | TS_MAP_FIXED, allowed, &address);
    if (offset + count > sizes[m]) {
        CHECK(status == TS_ERR_RANGE);
        return;
    }
    CHECK(status == (taken ? TS_ERR_EXISTS : TS_OK));
    for (unsigned i = 0; i < count && status == TS_OK; i++) {
        model[s][start + i] = (struct place){
            .memory = m, .page = offset + i, .protection = flags & 7, .allowed = allowed};
    }
}

static void unmap(unsigned s, unsigned start, unsigned count)
{
    CHECK(space_unmap(spaces[s], BASE + start * PAGE_SIZE, count * PAGE_SIZE) == TS_OK);
    for (unsigned i = start; i < start + count; i++) {
        model[s][i].memory = NONE;
    }
}

static void protect(unsigned s, unsigned start, unsigned count)
{
    unsigned protection = some_protection();
    ts_status_t expected = TS_OK;
    for (unsigned i = start; i < start + count && expected == TS_OK; i++) {
        if (model[s][i].memory == NONE) {
            expected = TS_ERR_NOT_FOUND;
        } else if ((protection & ~model[s][i].allowed) != 0) {
            expected = TS_ERR_RIGHTS;
        }
    }
    CHECK(space_protect(spaces[s], BASE + start * PAGE_SIZE, count * PAGE_SIZE, protection) ==
          expected);
    for (unsigned i = start; i < start + count && expected == TS_OK; i++) {
        model[s][i].protection = protection;
    }
}

static void resize(unsigned s)
{
    unsigned m = (unsigned)random_below(MEMORIES);
    uint64_t size = random_below(MEMORY_MAX + 1);
    bool busy = false;
    for (unsigned i = 0; i < WINDOW && size < sizes[m]; i++) {
        busy = busy || (model[!s][i].memory == (int)m && model[!s][i].page >= size);
    }
    world_enter(spaces[s]);
    ts_status_t status = memory_resize(memories[m], size * PAGE_SIZE);
    CHECK(status == (busy ? TS_ERR_BUSY : TS_OK));
    if (busy) {
        return;
    }
    for (uint64_t page = size; page < MEMORY_MAX; page++) {
        contents[m][page] = 0;
    }
    sizes[m] = size;
}

// pull and push between the two spaces, over page borders of the receiving side.
static void copy(unsigned s)
{
    unsigned i = (unsigned)random_below(WINDOW), j = (unsigned)random_below(WINDOW - 1);
    uint32_t length = 1 + (uint32_t)random_below(PAGE_SIZE);
    const struct place *client = &model[!s][i], *own = &model[s][j];
    bool there =
        client->memory != NONE && client->page < sizes[client->memory] && client->protection != 0;
    world_enter(spaces[s]);
    ts_status_t status =
        environment_copy(spaces[!s], BASE + (i + 1) * PAGE_SIZE - length,
                         BASE + j * PAGE_SIZE + random_below(PAGE_SIZE), length, COPY_PULL);
    if (!there) {
        CHECK(status == TS_ERR_CLIENT_FAULT);
    } else if (own->memory == NONE) {
        CHECK(status == TS_ERR_FAULT);
    } else {
        CHECK(status == TS_OK || status == TS_ERR_FAULT);
    }
    // What was written is taken over from the pages themselves.
    for (unsigned k = j; k <= j + 1; k++) {
        const struct place *slot = &model[s][k];
        struct page *page;
        if (slot->memory == NONE || slot->page >= sizes[slot->memory] ||
            memory_page_get(memories[slot->memory], slot->page * PAGE_SIZE, &page) != TS_OK) {
            continue;
        }
        contents[slot->memory][slot->page] = ((uint8_t *)page_pointer(page))[5];
        page_put(page);
    }
}

static void step(void)
{
    unsigned s = (unsigned)random_below(2);
    unsigned start = (unsigned)random_below(WINDOW);
    unsigned count = 1 + (unsigned)random_below(WINDOW - start);
    count = count > 24 && random_below(4) != 0 ? 1 + count % 24 : count;
    switch (random_below(8)) {
    case 0:
    case 1: map(s, start, count); break;
    case 2: unmap(s, start, count); break;
    case 3: protect(s, start, count); break;
    case 4: resize(s); break;
    case 5: copy(s); break;
    default: write_page(s, start); break;
    }
    check_page(s, (unsigned)random_below(WINDOW));
}

static struct account *account_make(uint64_t pages)
{
    struct job *job;
    struct ts_job_limits limits = {.pages = pages};
    CHECK(job_create(NULL, job_root, &limits, false, &job) == TS_OK);
    ts_status_t status;
    struct account *made = job_account_create(job, &status);
    CHECK(made != NULL);
    object_put(&job->object);
    return made;
}

static void space_end(struct address_space *space)
{
    while (space_destroy_some(space)) {
        ;
    }
    space_free(space);
}

static void test_model(void)
{
    account = account_make(4000);
    for (unsigned m = 0; m < MEMORIES; m++) {
        sizes[m] = 1 + random_below(MEMORY_MAX);
        CHECK(memory_create(account, sizes[m] * PAGE_SIZE - 17, 0, &memories[m]) == TS_OK);
    }
    for (unsigned s = 0; s < 2; s++) {
        CHECK(world_space_create(account, &spaces[s]) == TS_OK);
        for (unsigned i = 0; i < WINDOW; i++) {
            model[s][i].memory = NONE;
        }
    }
    for (unsigned i = 0; i < STEPS; i++) {
        step();
        if (i % 100 == 0) {
            world_check();
        }
    }
    for (unsigned s = 0; s < 2; s++) {
        for (unsigned i = 0; i < WINDOW; i++) {
            check_page(s, i);
        }
        space_end(spaces[s]);
    }
    for (unsigned m = 0; m < MEMORIES; m++) {
        object_put(&memories[m]->object);
    }
    CHECK(account_used(account) <= 2);
    account_put(account);
    CHECK(job_root->quota.used[QUOTA_PAGES] == 0);
}

static void test_bad_arguments(void)
{
    struct account *payer = account_make(100);
    struct address_space *space;
    struct memory *memory, *device;
    CHECK(world_space_create(payer, &space) == TS_OK);
    CHECK(memory_create(payer, 0, 0, &memory) == TS_ERR_ARGUMENT);
    CHECK(memory_create(payer, 1, 0x80, &memory) == TS_ERR_ARGUMENT);
    CHECK(memory_create(payer, UINT64_MAX, 0, &memory) == TS_ERR_TOO_LARGE);
    CHECK(memory_create(payer, 1, 0, &memory) == TS_OK && memory->size == PAGE_SIZE);
    CHECK(memory_create_physical(NULL, DEVICE_BASE, 4 * PAGE_SIZE, ARCH_CACHE_UNCACHED, NULL,
                                 &device) == TS_OK);
    const unsigned rw = TS_MAP_READ | TS_MAP_WRITE, all = rw | TS_MAP_EXECUTE;
    vaddr_t at = 0;
    CHECK(space_map(space, memory, 0, 0, rw, all, &at) == TS_ERR_ARGUMENT);
    CHECK(space_map(space, memory, 0, 100, rw, all, &at) == TS_ERR_ARGUMENT);
    CHECK(space_map(space, memory, 8, PAGE_SIZE, rw, all, &at) == TS_ERR_ARGUMENT);
    CHECK(space_map(space, memory, 0, PAGE_SIZE, all, all, &at) == TS_ERR_ARGUMENT);
    CHECK(space_map(space, memory, 0, PAGE_SIZE, rw | 64, all, &at) == TS_ERR_ARGUMENT);
    CHECK(space_map(space, memory, 0, PAGE_SIZE, rw, TS_MAP_READ, &at) == TS_ERR_RIGHTS);
    CHECK(space_map(space, memory, PAGE_SIZE, PAGE_SIZE, rw, all, &at) == TS_ERR_RANGE);
    CHECK(space_map(space, memory, -PAGE_SIZE, 2 * PAGE_SIZE, rw, all, &at) == TS_ERR_RANGE);
    static const vaddr_t bad[] = {
        0, 0xf000, TS_USER_END, TS_USER_END + PAGE_SIZE, UINT64_C(0xffff800000000000), -PAGE_SIZE};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        at = bad[i];
        CHECK(space_map(space, memory, 0, PAGE_SIZE, rw | TS_MAP_FIXED, all, &at) == TS_ERR_RANGE);
        CHECK(space_unmap(space, bad[i], PAGE_SIZE) == TS_ERR_RANGE);
        CHECK(space_protect(space, bad[i], PAGE_SIZE, rw) == TS_ERR_RANGE);
        CHECK(space_fault(space, bad[i], 0) == TS_ERR_FAULT);
    }
    // A wish that is taken or senseless is not followed; choices do not touch each other.
    vaddr_t chosen[8];
    for (unsigned i = 0; i < 8; i++) {
        chosen[i] = i < 4 ? 0 : i == 4 ? chosen[0] : i == 5 ? ~UINT64_C(0) : 0x500000;
        CHECK(space_map(space, memory, 0, PAGE_SIZE, rw, all, &chosen[i]) == TS_OK);
        for (unsigned j = 0; j < i; j++) {
            CHECK(chosen[i] > chosen[j] ? chosen[i] - chosen[j] > PAGE_SIZE
                                        : chosen[j] - chosen[i] > PAGE_SIZE);
        }
    }
    CHECK(chosen[6] == 0x500000);
    // Device memory can be mapped and touched, but not copied from.
    struct page *page;
    void *pointer;
    at = 0;
    CHECK(space_map(space, device, PAGE_SIZE, PAGE_SIZE, rw, all, &at) == TS_OK);
    CHECK(space_page_get(space, at, false, &page, &pointer) == TS_ERR_FAULT);
    CHECK(space_fault(space, at, ARCH_FAULT_WRITE) == TS_OK);
    CHECK(space_page_get(space, at, false, &page, &pointer) == TS_ERR_FAULT);
    CHECK(memory_kernel_map(device, &(struct kernel_mapping){0}) == TS_ERR_UNSUPPORTED);
    struct futex_key a, b;
    CHECK(space_futex_key(space, chosen[0] + 2, &a) == TS_ERR_ARGUMENT);
    CHECK(space_futex_key(space, chosen[0] - 8, &a) == TS_ERR_FAULT);
    CHECK(space_futex_key(space, chosen[0] + 8, &a) == TS_OK);
    CHECK(space_futex_key(space, chosen[3] + 8, &b) == TS_OK);
    CHECK(a.memory == memory->id && a.memory == b.memory && a.offset == 8 && b.offset == 8);
    space_end(space);
    object_put(&memory->object);
    object_put(&device->object);
    CHECK(account_used(payer) <= 2); // for itself, and a page that is kept
    account_put(payer);
}

// More than the machine has is refused before any page is taken: others need some meanwhile.
static void test_too_much(void)
{
    struct account *payer = account_make(1u << 20);
    struct address_space *space;
    struct memory *memory;
    vaddr_t at = 0;
    uint64_t free = world_pages_free(), pages = 2 * free;
    CHECK(world_space_create(payer, &space) == TS_OK);
    CHECK(memory_create(payer, pages * PAGE_SIZE, 0, &memory) == TS_OK);
    CHECK(memory_commit(memory, 0, pages * PAGE_SIZE) == TS_ERR_MEMORY);
    CHECK(space_map(space, memory, 0, pages * PAGE_SIZE, TS_MAP_READ | TS_MAP_POPULATE, 7, &at) ==
          TS_ERR_MEMORY);
    CHECK(memory->resident == 0 && world_pages_free() + 16 > free);
    // What cannot be touched takes no page.
    CHECK(space_map(space, memory, 0, pages * PAGE_SIZE, TS_MAP_POPULATE, 7, &at) == TS_OK);
    CHECK(memory->resident == 0 && world_pages_free() + 16 > free);
    space_end(space);
    object_put(&memory->object);
    account_close(payer);
    account_put(payer);
}

// A touch over the limit is refused and charges nothing; what is given back can be used again.
static void test_limit(void)
{
    struct account *payer = account_make(40);
    struct address_space *space;
    struct memory *memory, *other;
    vaddr_t at = 0;
    CHECK(world_space_create(payer, &space) == TS_OK);
    CHECK(memory_create(payer, 64 * PAGE_SIZE, 0, &memory) == TS_OK);
    CHECK(space_map(space, memory, 0, 64 * PAGE_SIZE, TS_MAP_READ | TS_MAP_WRITE, 7, &at) == TS_OK);
    unsigned touched = 0;
    while (space_fault(space, at + touched * PAGE_SIZE, ARCH_FAULT_WRITE) == TS_OK) {
        touched++;
    }
    CHECK(touched > 30 && touched < 40 && account_used(payer) == 40);
    CHECK(space_fault(space, at + 63 * PAGE_SIZE, 0) == TS_ERR_LIMIT);
    world_enter(space);
    CHECK(kernel_page_fault(8, 0) == TS_ERR_FAULT && space_fault_reason() == TS_ERR_FAULT);
    CHECK(kernel_page_fault(at + 63 * PAGE_SIZE, 0) == TS_ERR_LIMIT);
    CHECK(memory_resize(memory, 64 * PAGE_SIZE) == TS_OK);
    CHECK(space_fault_reason() == TS_ERR_LIMIT); // as it was then
    CHECK(memory_create(payer, PAGE_SIZE, TS_MEMORY_CONTIGUOUS, &other) == TS_ERR_LIMIT);
    CHECK(memory_commit(memory, 0, 64 * PAGE_SIZE) == TS_ERR_LIMIT);
    CHECK(memory_resize(memory, 8 * PAGE_SIZE) == TS_OK);
    CHECK(account_used(payer) == 40 - (touched - 8));
    CHECK(space_fault(space, at + 8 * PAGE_SIZE, 0) == TS_ERR_FAULT);
    CHECK(memory_create(payer, 5 * PAGE_SIZE, TS_MEMORY_CONTIGUOUS, &other) == TS_OK);
    struct page *first, *fifth;
    CHECK(memory_page_get(other, 0, &first) == TS_OK);
    CHECK(memory_page_get(other, 4 * PAGE_SIZE, &fifth) == TS_OK);
    CHECK(fifth == first + 4 && memory_page_get(other, 5 * PAGE_SIZE, &fifth) == TS_ERR_RANGE);
    page_put(first);
    page_put(first + 4);
    object_put(&other->object);
    // The memory outlives the process and stays charged to its job.
    account_get(payer);
    space_end(space);
    account_close(payer);
    CHECK(job_root->quota.used[QUOTA_PAGES] == account_used(payer) && account_used(payer) > 7);
    object_put(&memory->object);
    CHECK(account_used(payer) <= 2); // for itself, and a page that is kept
    account_put(payer);
    account_put(payer);
    CHECK(job_root->quota.used[QUOTA_PAGES] == 0);
}

static void test_heap(void)
{
    static struct {
        uint8_t *at;
        size_t size;
        uint8_t fill;
    } blocks[600];
    for (unsigned step = 0; step < 60000; step++) {
        unsigned i = (unsigned)random_below(600);
        if (blocks[i].at == NULL) {
            size_t size = 1 + random_below(random_below(20) == 0 ? 9000 : 700);
            uint8_t *at = heap_alloc(size);
            CHECK(at != NULL && ((uintptr_t)at & (size > 96 ? 63 : 15)) == 0);
            blocks[i].at = at;
            blocks[i].size = size;
            blocks[i].fill = (uint8_t)step;
            memset(at, (int)step, size);
        } else {
            for (size_t b = 0; b < blocks[i].size; b++) {
                CHECK(blocks[i].at[b] == blocks[i].fill);
            }
            heap_free(blocks[i].at, blocks[i].size);
            blocks[i].at = NULL;
        }
    }
    for (unsigned i = 0; i < 600; i++) {
        heap_free(blocks[i].at, blocks[i].size);
    }
    CHECK(heap_alloc(HEAP_LARGE_MAX + 1) == NULL);
}

static void test_jobs(void)
{
    struct job *outer, *inner;
    struct ts_job_limits limits = {.pages = 100, .threads = 5}, none = {0};
    CHECK(job_create(NULL, job_root, &limits, false, &outer) == TS_OK);
    CHECK(job_create(NULL, outer, &none, false, &inner) == TS_OK);
    CHECK(quota_limit(&inner->quota, QUOTA_PAGES) == 100 &&
          quota_limit(&inner->quota, QUOTA_THREADS) == 5);
    CHECK(job_charge(inner, QUOTA_PAGES, 60) == TS_OK &&
          job_charge(outer, QUOTA_PAGES, 40) == TS_OK);
    // The inner job has room, the outer one has not: nothing is charged anywhere.
    CHECK(job_charge(inner, QUOTA_PAGES, 1) == TS_ERR_LIMIT);
    CHECK(inner->quota.used[QUOTA_PAGES] == 60 && outer->quota.used[QUOTA_PAGES] == 100);
    CHECK(job_charge(inner, QUOTA_PAGES, UINT64_MAX) == TS_ERR_LIMIT);
    job_uncharge(outer, QUOTA_PAGES, 40);
    job_uncharge(inner, QUOTA_PAGES, 60);
    CHECK(outer->quota.used[QUOTA_PAGES] == 0 && job_root->quota.used[QUOTA_PAGES] == 0);
    CHECK(outer->quota.peak[QUOTA_PAGES] == 100);
    job_kill(outer);
    struct job *late;
    struct job_member member;
    CHECK(job_create(NULL, inner, &none, false, &late) == TS_ERR_GONE);
    CHECK(job_member_add(&member, inner, &inner->object) == TS_ERR_GONE);
    object_put(&outer->object); // kept by the inner one
    object_put(&inner->object);
}

static struct job *job_below(struct job *parent, bool client)
{
    struct job *job;
    const struct ts_job_limits none = {0};
    CHECK(job_create(NULL, parent, &none, client, &job) == TS_OK);
    return job;
}

// The manager of a job divides it into clients; below a job that was made without, none does.
static void test_clients(void)
{
    struct job *first = job_below(job_root, true), *second = job_below(job_root, true);
    CHECK(first->client != second->client && first->client != job_root->client);
    struct job *part = job_below(first, false), *below = job_below(part, true);
    CHECK(part->client == first->client && below->client == first->client);
    struct job *own = job_below(first, true);
    CHECK(own->client != first->client && own->client != second->client);
    uint32_t was = own->client;
    object_put(&own->object);
    own = job_below(first, true);
    CHECK(own->client > was); // never the same again
    object_put(&own->object);
    object_put(&below->object);
    object_put(&part->object);
    object_put(&second->object);
    object_put(&first->object);
}

static void test_pages(void)
{
    struct page *page;
    CHECK(page_find(0xa0000) == NULL && page_find(0xff000) == NULL && page_find(0x9f000) != NULL);
    CHECK(page_find(DEVICE_BASE) == NULL && page_find(UINT64_MAX) == NULL);
    CHECK(page_find(UINT64_C(16) << 20) == NULL); // firmware's
    CHECK(page_range_is_ram(0x9f000, PAGE_SIZE) && !page_range_is_ram(0xa0000, 0x60000));
    CHECK(page_range_is_ram(0xa0000, 0x60001) && page_range_is_ram(0, UINT64_MAX));
    CHECK(!page_range_is_ram(UINT64_C(32) << 20, UINT64_MAX));
    CHECK(page_find(UINT64_C(64) << 20) == NULL && page_frame_end() == UINT64_C(128) << 8);
    CHECK(page_alloc_contiguous(PAGE_CONTIGUOUS_MAX + 1, 0, &page) == TS_ERR_MEMORY);
    CHECK(page_alloc_contiguous(0, 0, &page) == TS_ERR_MEMORY);
    // Programs' memory ends before the kernel's does.
    uint64_t free = world_pages_free();
    struct page *pages[8192];
    uint32_t count = 0;
    while (page_alloc(PAGE_ALLOC_USER, &pages[count]) == TS_OK) {
        count++;
    }
    CHECK(count < free && page_alloc(0, &page) == TS_OK);
    page_put(page);
    while (count > 0) {
        page_put(pages[--count]);
    }
    CHECK(world_pages_free() == free);
    // Adjacent ones: until there are none, and all of them come back.
    while (page_alloc_contiguous(5, 0, &pages[count]) == TS_OK) {
        count++;
    }
    CHECK(count > 500 && page_alloc(0, &page) == TS_OK); // single ones are left
    page_put(page);
    while (count-- > 0) {
        for (unsigned i = 0; i < 5; i++) {
            page_put(pages[count] + i);
        }
    }
    CHECK(world_pages_free() == free);
}

// The reaper destroys many objects in a step, so each frees a chunk of its pages there; what is
// left is queued, to go on among other work.
#define LARGE 600u // pages

static uint64_t free_when_queued;

static void note_free(void)
{
    free_when_queued = world_pages_free();
    world_queued = NULL;
}

static void check_end_in_chunks(unsigned flags)
{
    struct memory *memory;
    CHECK(memory_create(NULL, LARGE * PAGE_SIZE, flags, &memory) == TS_OK);
    CHECK(memory_commit(memory, 0, LARGE * PAGE_SIZE) == TS_OK);
    uint64_t before = world_pages_free();
    free_when_queued = 0;
    world_queued = note_free;
    object_put(&memory->object);
    CHECK(free_when_queued > before && free_when_queued - before <= 2 * MEMORY_CHUNK);
    CHECK(world_pages_free() >= before + LARGE);
}

static void rule_d06_the_end_of_a_memory_goes_in_chunks(void)
{
    check_end_in_chunks(0);
    check_end_in_chunks(TS_MEMORY_CONTIGUOUS);
}

int main(void)
{
    struct account_totals before, after;
    world_start();
    account_totals_get(&before);
    test_pages();
    test_heap();
    test_jobs();
    test_clients();
    test_bad_arguments();
    test_too_much();
    test_limit();
    rule_d06_the_end_of_a_memory_goes_in_chunks();
    uint64_t free = world_pages_free();
    test_model();
    // But for a page that a size class keeps, all is back, and nobody is charged any more.
    CHECK(world_pages_free() + 8 >= free);
    account_totals_get(&after);
    CHECK(after.charged == before.charged && after.shares == before.shares);
    CHECK(after.own == before.own);
    return 0;
}
