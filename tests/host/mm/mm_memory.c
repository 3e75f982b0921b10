// SPDX-License-Identifier: MIT
// Memory objects under two actors that resize, pin, map for the kernel, map for themselves and
// touch them, and change places wherever a lock is released.
//
// What must hold at any time, whatever is half done: a kernel mapping is of the bytes it
// says, its memory keeps its size and its frames; pinned frames stay; no page table knows a frame
// that its memory does not have. And when nobody else was in the middle of anything, each call
// answers what the model says.
#include "actors.h"
#include "world.h"

#include <arch/hooks.h>
#include <arch/memory.h>
#include <mm/page.h>
#include <string.h>

#include <object/memory.h>
#include "tests/host/check.h"

#define BASE     UINT64_C(0x40000000)
#define MEMORIES 2u
#define PAGES    12u  // a memory, at the most
#define LOW      3u   // what the other actor maps all the time
#define VIEWS    3u   // a memory
#define HELD     3u   // mappings and pins that an actor has at a time
#define REGIONS  160u // of an actor: more than a walk passes without letting go of its lock
#define STEPS    4000u
#define ROUNDS   16u

static struct memory *memories[MEMORIES], *views[MEMORIES][VIEWS];
static struct account *account;

struct held_mapping {
    struct kernel_mapping mapping;
    unsigned memory;
    uint64_t offset, size; // bytes in the memory; the memory's size
};

struct held_pin {
    unsigned memory;
    uint64_t first, pages; // 0 pages: free
    struct page *frames[PAGES];
};

struct held_region {
    unsigned memory;
    uint64_t first, pages; // 0 pages: free
};

static struct actor {
    struct address_space *space;
    struct held_mapping mappings[HELD];
    struct held_pin pins[HELD];
    struct held_region regions[REGIONS];
    bool busy; // in the middle of a call
    uint64_t began;
} actors[ACTORS];

static uint64_t calls, alone; // how many, and how many of them undisturbed

// The other one of the two.
static struct actor *peer(const struct actor *actor)
{
    return &actors[actor == &actors[0]];
}

static void call_begin(struct actor *actor)
{
    actor->busy = true;
    actor->began = actors_switches();
}

// Whether the call was the only one at its time, so that its result can be told.
static bool call_end(struct actor *actor)
{
    bool undisturbed = !peer(actor)->busy && actor->began == actors_switches();
    actor->busy = false;
    calls++;
    alone += undisturbed;
    return undisturbed;
}

static uint64_t pages_of(unsigned memory)
{
    return memory_size(memories[memory]) / PAGE_SIZE;
}

// The frame that a memory has at a page, without making one; NULL: none, or beyond its end.
static struct page *frame_of(unsigned memory, uint64_t page)
{
    return page < pages_of(memory) ? radix_get(&memories[memory]->pages, page) : NULL;
}

static vaddr_t address_of(unsigned i)
{
    return BASE + i * (PAGES + 1) * PAGE_SIZE;
}

// ---- What must hold

static bool is_of_view(const struct held_mapping *held)
{
    return held->mapping.memory != memories[held->memory];
}

static void check_mapping(const struct held_mapping *held)
{
    const struct kernel_range *range = &held->mapping.range;
    if (held->mapping.memory == NULL) {
        return;
    }
    // A view's keeps the memory from shrinking, and no more.
    uint64_t size = memory_size(memories[held->memory]);
    CHECK(is_of_view(held) ? size >= held->size : size == held->size);
    CHECK(held->offset + range->bytes <= held->size);
    for (uint64_t at = 0; at < range->bytes; at += PAGE_SIZE) {
        const struct page *frame = frame_of(held->memory, (held->offset + at) / PAGE_SIZE);
        paddr_t seen = world_kernel_frame(kernel_range_at(range, at, PAGE_SIZE));
        CHECK(frame != NULL && frame->state == PAGE_USED && page_address(frame) == seen);
    }
}

static void check_pin(const struct held_pin *pin)
{
    for (uint64_t i = 0; i < pin->pages; i++) {
        CHECK(frame_of(pin->memory, pin->first + i) == pin->frames[i]);
    }
}

// Nothing is entered that the memory does not have there.
static void check_region(const struct actor *actor, unsigned i)
{
    const struct held_region *region = &actor->regions[i];
    for (uint64_t page = 0; page < region->pages; page++) {
        unsigned protection;
        paddr_t frame;
        vaddr_t address = address_of(i) + page * PAGE_SIZE;
        if (!world_mapped(actor->space, address, &protection)) {
            continue;
        }
        CHECK(arch_space_query(&actor->space->arch, address, &frame, &protection) == TS_OK);
        const struct page *is = frame_of(region->memory, region->first + page);
        CHECK(is != NULL && page_address(is) == frame);
    }
}

static void check_all(const struct actor *actor)
{
    for (unsigned a = 0; a < ACTORS; a++) {
        for (unsigned i = 0; i < HELD; i++) {
            check_mapping(&actors[a].mappings[i]);
            check_pin(&actors[a].pins[i]);
        }
        // While the other one shrinks a memory its own page tables know more than is left.
        unsigned first = (unsigned)random_below(REGIONS);
        for (unsigned i = 0; i < 20 && (&actors[a] == actor || !actors[a].busy); i++) {
            check_region(&actors[a], (first + i) % REGIONS);
        }
    }
}

// The whole of it, or a part.
static bool memory_is_mapped(unsigned memory, bool part)
{
    bool found = false;
    for (unsigned i = 0; i < ACTORS * HELD; i++) {
        const struct held_mapping *held = &actors[i / HELD].mappings[i % HELD];
        found = found || (held->mapping.memory != NULL && held->memory == memory &&
                          is_of_view(held) == part);
    }
    return found;
}

static bool memory_is_pinned(unsigned memory)
{
    bool found = false;
    for (unsigned i = 0; i < ACTORS * HELD; i++) {
        const struct held_pin *pin = &actors[i / HELD].pins[i % HELD];
        found = found || (pin->pages != 0 && pin->memory == memory);
    }
    return found;
}

static bool memory_is_in_use_beyond(const struct actor *by, unsigned memory, uint64_t pages)
{
    bool found = false;
    for (unsigned i = 0; i < REGIONS; i++) {
        const struct held_region *region = &by->regions[i];
        found = found || (region->memory == memory && region->pages != 0 &&
                          region->first + region->pages > pages);
    }
    return found;
}

// ---- What the actors do

static void resize(struct actor *actor)
{
    unsigned m = (unsigned)random_below(MEMORIES);
    uint64_t pages = random_below(PAGES + 1), before = pages_of(m);
    ts_status_t expected = TS_OK;
    if ((pages != before && memory_is_mapped(m, false)) ||
        (pages < before && (memory_is_mapped(m, true) || memory_is_pinned(m) ||
                            memory_is_in_use_beyond(peer(actor), m, pages)))) {
        expected = TS_ERR_BUSY;
    }
    call_begin(actor);
    ts_status_t status = memory_resize(memories[m], pages * PAGE_SIZE);
    if (call_end(actor)) {
        CHECK_EQUAL(status, expected);
        CHECK_EQUAL(pages_of(m), status == TS_OK ? pages : before);
    } else {
        CHECK(status == TS_OK || status == TS_ERR_BUSY);
    }
}

// As a port does with its inbox: what was mapped has to be large enough.
static void kernel_map(struct actor *actor, struct held_mapping *held)
{
    unsigned m = (unsigned)random_below(MEMORIES), v = (unsigned)random_below(VIEWS + 1);
    struct memory *named = v < VIEWS ? views[m][v] : memories[m];
    uint64_t offset = 0, need = (1 + random_below(PAGES)) * PAGE_SIZE;
    uint64_t length = v < VIEWS ? named->size : memory_size(named);
    (void)memory_resolve(named, &offset);
    bool fits = length != 0 && offset + length <= memory_size(memories[m]);
    struct kernel_mapping mapping;
    call_begin(actor);
    ts_status_t status = memory_kernel_map(named, &mapping);
    bool undisturbed = call_end(actor);
    if (undisturbed) {
        CHECK_EQUAL(status, fits ? TS_OK : TS_ERR_RANGE);
    } else {
        CHECK(status == TS_OK || status == TS_ERR_BUSY || status == TS_ERR_RANGE);
    }
    if (status != TS_OK) {
        return;
    }
    CHECK(!undisturbed || mapping.range.bytes == length);
    *held = (struct held_mapping){mapping, m, offset, memory_size(memories[m])};
    check_mapping(held);
    if (mapping.range.bytes >= need) {
        return;
    }
    held->mapping.memory = NULL;
    call_begin(actor);
    memory_kernel_unmap(&mapping);
    (void)call_end(actor);
}

static void kernel_unmap(struct actor *actor, struct held_mapping *held)
{
    struct kernel_mapping mapping = held->mapping;
    held->mapping.memory = NULL;
    call_begin(actor);
    memory_kernel_unmap(&mapping);
    (void)call_end(actor);
    CHECK(mapping.memory == NULL && mapping.range.bytes == 0);
}

// As a domain does: kept first, committed then.
static void pin(struct actor *actor, struct held_pin *held)
{
    struct held_pin made = {.memory = (unsigned)random_below(MEMORIES)};
    made.first = random_below(PAGES);
    made.pages = 1 + random_below(PAGES - made.first);
    struct memory *memory = memories[made.memory];
    call_begin(actor);
    ts_status_t status = memory_fix(memory);
    CHECK(status == TS_OK || status == TS_ERR_BUSY);
    if (status == TS_OK) {
        status = memory_commit(memory, made.first * PAGE_SIZE, made.pages * PAGE_SIZE);
        CHECK(status == TS_OK || status == TS_ERR_RANGE);
        if (status != TS_OK) {
            memory_unfix(memory);
        }
    }
    for (uint64_t i = 0; i < made.pages && status == TS_OK; i++) {
        made.frames[i] = frame_of(made.memory, made.first + i);
        CHECK(made.frames[i] != NULL);
    }
    if (status == TS_OK) {
        *held = made;
    }
    (void)call_end(actor);
}

static void unpin(struct actor *actor, struct held_pin *held)
{
    struct memory *memory = memories[held->memory];
    held->pages = 0;
    call_begin(actor);
    memory_unfix(memory);
    (void)call_end(actor);
}

// Each has a memory of its own, and of the other's the first pages: so it may shrink. `far`: but
// for a visit to the last ones.
static void map(struct actor *actor, unsigned i, bool far)
{
    unsigned own = (unsigned)(actor - actors);
    struct held_region made = {.memory = far || random_below(3) == 0 ? !own : own};
    made.first = far ? PAGES - 3 : random_below(made.memory == own ? PAGES : LOW);
    made.pages = 1 + random_below(made.first + 3 < PAGES ? 3 : PAGES - made.first);
    bool fits = made.first + made.pages <= pages_of(made.memory);
    vaddr_t address = address_of(i);
    call_begin(actor);
    ts_status_t status = space_map(
        actor->space, memories[made.memory], made.first * PAGE_SIZE, made.pages * PAGE_SIZE,
        TS_MAP_READ | TS_MAP_WRITE | TS_MAP_FIXED, TS_MAP_READ | TS_MAP_WRITE, &address);
    if (status == TS_OK) {
        actor->regions[i] = made;
    }
    if (call_end(actor)) {
        CHECK_EQUAL(status, fits ? TS_OK : TS_ERR_RANGE);
    } else {
        CHECK(status == TS_OK || status == TS_ERR_RANGE || status == TS_ERR_BUSY);
    }
}

// From page `cut` of it on.
static void unmap(struct actor *actor, unsigned i, uint64_t cut)
{
    struct held_region *region = &actor->regions[i];
    call_begin(actor);
    CHECK(space_unmap(actor->space, address_of(i) + cut * PAGE_SIZE,
                      (region->pages - cut) * PAGE_SIZE) == TS_OK);
    region->pages = cut;
    (void)call_end(actor);
}

// Cuts a region in up to three that stay.
static void protect(struct actor *actor, unsigned i)
{
    const struct held_region *region = &actor->regions[i];
    uint64_t first = random_below(region->pages), count = 1 + random_below(region->pages - first);
    call_begin(actor);
    CHECK(space_protect(actor->space, address_of(i) + first * PAGE_SIZE, count * PAGE_SIZE,
                        TS_MAP_READ | TS_MAP_WRITE) == TS_OK);
    (void)call_end(actor);
}

// By a thread of the actor's process, or by a copy of the other's.
static void touch(struct actor *actor, struct address_space *space, unsigned i)
{
    const struct actor *owner = space == actor->space ? actor : peer(actor);
    const struct held_region *region = &owner->regions[i];
    uint64_t page = random_below(region->pages);
    bool inside = region->first + page < pages_of(region->memory);
    struct page *frame;
    void *pointer;
    call_begin(actor);
    ts_status_t status =
        space_page_get(space, address_of(i) + page * PAGE_SIZE, true, &frame, &pointer);
    if (call_end(actor)) {
        CHECK_EQUAL(status, inside ? TS_OK : TS_ERR_FAULT);
    } else {
        CHECK(status == TS_OK || status == TS_ERR_FAULT);
    }
    if (status != TS_OK) {
        return;
    }
    actors_pause(); // whatever happens to the memory meanwhile, the frame is there
    CHECK(frame->state == PAGE_USED && frame->references >= 1);
    memset(pointer, 0x11, 64);
    page_put(frame);
}

static void step_held(struct actor *actor, unsigned i)
{
    if (actor->mappings[i].mapping.memory != NULL) {
        kernel_unmap(actor, &actor->mappings[i]);
    } else if (actor->pins[i].pages != 0) {
        unpin(actor, &actor->pins[i]);
    } else if (random_below(2) == 0) {
        pin(actor, &actor->pins[i]);
    } else {
        kernel_map(actor, &actor->mappings[i]);
    }
}

static void step_region(struct actor *actor, unsigned i)
{
    if (actor->regions[i].pages == 0) {
        bool far = random_below(4) == 0;
        map(actor, i, far);
        if (far && actor->regions[i].pages != 0) {
            touch(actor, actor->space, i);
            protect(actor, i);
            unmap(actor, i, 0);
        }
    } else if (random_below(4) == 0) {
        unmap(actor, i, random_below(actor->regions[i].pages));
    } else if (random_below(3) == 0) {
        protect(actor, i);
    } else {
        touch(actor, actor->space, i);
    }
    if (peer(actor)->regions[i].pages != 0) {
        touch(actor, peer(actor)->space, i);
    }
}

// For some time there is nothing held, so that sizes change, and at others much.
static void step(struct actor *actor, unsigned number)
{
    bool much = number / 200 % 3 == 2;
    switch (random_below(8)) {
    case 0:
    case 1: resize(actor); break;
    case 2:
    case 3: {
        unsigned i = (unsigned)random_below(HELD);
        if (much || actor->mappings[i].mapping.memory != NULL || actor->pins[i].pages != 0 ||
            random_below(10) == 0) {
            step_held(actor, i);
        }
        break;
    }
    default: step_region(actor, (unsigned)random_below(REGIONS));
    }
}

static void act(unsigned number)
{
    struct actor *actor = &actors[number];
    world_enter(actor->space);
    for (unsigned i = 0; i < STEPS; i++) {
        step(actor, i);
        check_all(actor);
    }
    for (unsigned i = 0; i < HELD; i++) {
        if (actor->mappings[i].mapping.memory != NULL) {
            kernel_unmap(actor, &actor->mappings[i]);
        }
        if (actor->pins[i].pages != 0) {
            unpin(actor, &actor->pins[i]);
        }
    }
}

// ---- A round

static void round_begin(void)
{
    struct job *job;
    struct ts_job_limits limits = {.pages = 3000};
    CHECK(job_create(NULL, job_root, &limits, false, &job) == TS_OK);
    ts_status_t status;
    account = job_account_create(job, &status);
    CHECK(account != NULL);
    object_put(&job->object);
    for (unsigned m = 0; m < MEMORIES; m++) {
        CHECK(memory_create(account, PAGES * PAGE_SIZE, 0, &memories[m]) == TS_OK);
        for (unsigned v = 0; v < VIEWS; v++) {
            uint64_t first = random_below(PAGES);
            CHECK(memory_create_view(account, memories[m], first * PAGE_SIZE,
                                     (1 + random_below(PAGES - first)) * PAGE_SIZE,
                                     &views[m][v]) == TS_OK);
        }
    }
    memset(actors, 0, sizeof(actors));
    for (unsigned a = 0; a < ACTORS; a++) {
        CHECK(world_space_create(account, &actors[a].space) == TS_OK);
    }
}

static void round_end(void)
{
    for (unsigned m = 0; m < MEMORIES; m++) {
        CHECK(memories[m]->pins == 0 && memories[m]->kernel_maps == 0);
        CHECK(memories[m]->change == NULL);
        for (unsigned v = 0; v < VIEWS; v++) {
            object_put(&views[m][v]->object);
        }
    }
    for (unsigned a = 0; a < ACTORS; a++) {
        while (space_destroy_some(actors[a].space)) {
            ;
        }
        space_free(actors[a].space);
    }
    world_check();
    for (unsigned m = 0; m < MEMORIES; m++) {
        object_put(&memories[m]->object);
    }
    CHECK(account_used(account) <= 2); // for itself, and a page that is kept
    account_put(account);
    CHECK(job_root->quota.used[QUOTA_PAGES] == 0);
}

int main(void)
{
    world_start();
    uint64_t free = world_pages_free();
    for (unsigned i = 0; i < ROUNDS; i++) {
        round_begin();
        actors_run(act);
        round_end();
    }
    // Both kinds of call were common: those that can be told exactly, and those cut into.
    CHECK(alone > calls / 20 && alone < calls - calls / 20);
    printf("%llu calls, %llu of them undisturbed, %llu changes of turn\n",
           (unsigned long long)calls, (unsigned long long)alone,
           (unsigned long long)actors_switches());
    // But for what the heap and the window keep, all is back.
    CHECK(world_pages_free() + 64 >= free);
    return 0;
}
