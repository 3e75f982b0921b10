// SPDX-License-Identifier: MIT
// Two threads of one space map, unmap and protect at once: one of them is let in wherever the other
// lets go of the lock. What comes out, results and regions, is what the two make one after the
// other, in one order or the other; no entry permits more than its region, and a fault that the
// region permits is resolved.
#include <arch/hooks.h>
#include <mm/page.h>
#include <mm/region.h>

#include <string.h>

#include "tests/host/check.h"
#include "world.h"

#define BASE   UINT64_C(0x40000000)
#define WINDOW 300u // pages
#define ROUNDS 8000u

static const unsigned protections[] = {0, TS_MAP_READ, TS_MAP_READ | TS_MAP_WRITE,
                                       TS_MAP_READ | TS_MAP_EXECUTE, TS_MAP_WRITE};

struct place {
    uint8_t mapped, protection, allowed;
};

struct state {
    struct place places[WINDOW];
};

struct act {
    enum { MAP, UNMAP, PROTECT } what;
    unsigned start, count;
    unsigned flags, allowed;
};

static struct address_space *space;
static struct memory *memory;
static struct state model;

static unsigned some_protection(void)
{
    return protections[random_below(sizeof(protections) / sizeof(protections[0]))];
}

static bool wide; // each page is a region, and most acts protect many

static struct act some_act(void)
{
    if (wide && random_below(4) != 0) {
        struct act act = {.what = PROTECT, .flags = some_protection()};
        act.start = (unsigned)random_below(WINDOW / 3);
        act.count = 2 * SPACE_CHUNK + (unsigned)random_below(WINDOW - act.start - 2 * SPACE_CHUNK);
        return act;
    }
    struct act act = {.what = (unsigned)random_below(5) < 3 ? PROTECT : (unsigned)random_below(2),
                      .start = (unsigned)random_below(WINDOW)};
    act.count = 1 + (unsigned)random_below(WINDOW - act.start);
    act.flags = some_protection();
    act.allowed = 7;
    if (act.what == MAP && random_below(3) == 0) {
        act.flags |= TS_MAP_POPULATE;
    }
    return act;
}

// What an act makes of a state, all of it or nothing.
static ts_status_t expect(struct state *state, const struct act *act)
{
    struct place *first = &state->places[act->start], *end = first + act->count;
    for (const struct place *at = first; at < end; at++) {
        if (act->what == MAP && at->mapped) {
            return TS_ERR_EXISTS;
        }
        if (act->what == PROTECT && !at->mapped) {
            return TS_ERR_NOT_FOUND;
        }
        if (act->what == PROTECT && (act->flags & ~(unsigned)at->allowed) != 0) {
            return TS_ERR_RIGHTS;
        }
    }
    for (struct place *at = first; at < end; at++) {
        if (act->what == UNMAP) {
            *at = (struct place){0};
        } else if (act->what == PROTECT) {
            at->protection = (uint8_t)act->flags;
        } else {
            *at = (struct place){1, (uint8_t)(act->flags & 7), (uint8_t)act->allowed};
        }
    }
    return TS_OK;
}

static ts_status_t perform(const struct act *act)
{
    vaddr_t address = BASE + act->start * PAGE_SIZE;
    uint64_t length = act->count * PAGE_SIZE;
    switch (act->what) {
    case MAP:
        return space_map(space, memory, act->start * PAGE_SIZE, length, act->flags | TS_MAP_FIXED,
                         act->allowed, &address);
    case UNMAP: return space_unmap(space, address, length);
    default: return space_protect(space, address, length, act->flags);
    }
}

// ---- The second actor

static struct act second;
static unsigned second_in; // gaps until its turn; 0: it had it
static ts_status_t second_status;

// Whether an act meets a change that is not decided yet.
static bool meets_undecided(const struct act *act)
{
    for (unsigned i = act->start; i < act->start + act->count; i++) {
        struct range *range = range_tree_find(&space->regions, BASE + i * PAGE_SIZE);
        const struct region_change *change = range == NULL ? NULL : region_of(range)->change;
        if (change != NULL && !change->decided) {
            return true;
        }
    }
    return false;
}

static void gap(void)
{
    if (second_in == 0 || space->lock.held || --second_in != 0) {
        return;
    }
    bool undecided = meets_undecided(&second);
    second_status = perform(&second);
    CHECK(second_status != TS_ERR_BUSY || undecided);
}

// The same, and there is room for regions by then.
static void gap_with_room(void)
{
    if (second_in == 1 && !space->lock.held && space->region_count > SPACE_REGIONS_MAX / 2) {
        uint32_t taken = 1000;
        space->region_count -= taken;
        gap();
        space->region_count += taken;
    } else {
        gap();
    }
}

// ---- What there is

static struct state state_now(void)
{
    struct state state = {0};
    for (unsigned i = 0; i < WINDOW; i++) {
        struct range *range = range_tree_find(&space->regions, BASE + i * PAGE_SIZE);
        if (range == NULL) {
            continue;
        }
        const struct region *region = region_of(range);
        CHECK(region->change == NULL);
        state.places[i] = (struct place){1, region->protection, region->allowed};
    }
    return state;
}

static bool same(const struct state *a, const struct state *b)
{
    for (unsigned i = 0; i < WINDOW; i++) {
        if (a->places[i].mapped != b->places[i].mapped ||
            a->places[i].protection != b->places[i].protection ||
            a->places[i].allowed != b->places[i].allowed) {
            return false;
        }
    }
    return true;
}

static void check_entries(const struct state *state)
{
    for (unsigned i = 0; i < WINDOW; i++) {
        const struct place *place = &state->places[i];
        unsigned protection;
        vaddr_t address = BASE + i * PAGE_SIZE;
        if (world_mapped(space, address, &protection)) {
            CHECK(place->protection != 0 && (protection & ~(place->protection | TS_MAP_READ)) == 0);
        }
        if (random_below(8) != 0) {
            continue;
        }
        bool write = random_below(2) == 0;
        bool can = place->mapped && place->protection != 0 &&
                   (!write || (place->protection & TS_MAP_WRITE) != 0);
        CHECK(kernel_page_fault(address, write ? ARCH_FAULT_WRITE : 0) ==
              (can ? TS_OK : TS_ERR_FAULT));
        if (can) {
            CHECK(world_mapped(space, address, &protection) &&
                  protection == (place->protection | TS_MAP_READ));
        }
    }
    world_check();
}

// TS_ERR_BUSY has no effect; it is fine for a protect that meets another.
static bool explains(const struct act *first, ts_status_t first_status, const struct act *then,
                     ts_status_t then_status, const struct state *found)
{
    struct state state = model;
    if (first_status != TS_ERR_BUSY && expect(&state, first) != first_status) {
        return false;
    }
    if (then_status != TS_ERR_BUSY && expect(&state, then) != then_status) {
        return false;
    }
    return same(&state, found);
}

static void round_of_two(void)
{
    struct act first = some_act();
    second = some_act();
    second_in = 1 + (unsigned)random_below(random_below(2) == 0 ? 4 : 24);
    spin_gap = gap;
    ts_status_t status = perform(&first);
    spin_gap = NULL;
    if (second_in != 0) {
        second_status = perform(&second);
    }
    second_in = 0;
    struct state found = state_now();
    CHECK(status != TS_ERR_BUSY || first.what == PROTECT);
    CHECK(explains(&first, status, &second, second_status, &found) ||
          explains(&second, second_status, &first, status, &found));
    model = found;
    check_entries(&model);
}

// Fills the window with regions of some pages, so that acts meet many.
static void refill(void)
{
    CHECK(space_unmap(space, BASE, WINDOW * PAGE_SIZE) == TS_OK);
    wide = random_below(3) == 0;
    unsigned most = wide ? 1 : random_below(2) == 0 ? 3 : 120;
    for (unsigned i = 0; i < WINDOW;) {
        struct act act = {.what = MAP, .start = i, .flags = some_protection(), .allowed = 7};
        act.count = 1 + (unsigned)random_below(most);
        act.count = act.count < WINDOW - i ? act.count : WINDOW - i;
        // (Seldom where there are many: one hole is enough for a protect to be refused.)
        if (random_below(wide ? 1500 : 40) == 0) {
            act.allowed = act.flags;
        }
        if (random_below(wide ? 1500 : 60) != 0) {
            CHECK(perform(&act) == TS_OK);
        }
        i += act.count;
    }
    model = state_now();
    for (unsigned i = 0; i < WINDOW; i++) {
        (void)space_fault(space, BASE + i * PAGE_SIZE, 0);
    }
}

// A populate that fails undoes what is left of it, and nothing that came since.
static void second_maps_anew(void)
{
    static bool done;
    if (done || space->lock.held || space->maps == 0 || ++second_in < 20) {
        return;
    }
    done = true;
    vaddr_t at = BASE;
    CHECK(space_unmap(space, BASE, 4 * PAGE_SIZE) == TS_OK);
    CHECK(space_map(space, memory, 0, 2 * PAGE_SIZE, TS_MAP_READ | TS_MAP_FIXED, 7, &at) == TS_OK);
}

static void test_failed_populate(struct account *payer)
{
    struct memory *large;
    vaddr_t at = BASE;
    CHECK(memory_create(payer, 600 * PAGE_SIZE, 0, &large) == TS_OK);
    second_in = 0;
    spin_gap = second_maps_anew;
    CHECK(space_map(space, large, 0, 600 * PAGE_SIZE,
                    TS_MAP_READ | TS_MAP_WRITE | TS_MAP_FIXED | TS_MAP_POPULATE, 7,
                    &at) == TS_ERR_LIMIT);
    spin_gap = NULL;
    struct state state = state_now();
    for (unsigned i = 0; i < WINDOW; i++) {
        CHECK(state.places[i].mapped == (i < 2));
    }
    CHECK(space_unmap(space, BASE, WINDOW * PAGE_SIZE) == TS_OK);
    object_put(&large->object);
}

// A space that can have no more regions: an unmap from inside of one goes down from its end.
// Another takes the end meanwhile, or cuts it: all of the range is unmapped nevertheless.
static void test_unmap_without_records(const struct act *other, bool full)
{
    for (unsigned in = 1; in < 40; in++) {
        struct act map = {.what = MAP, .count = 280, .flags = TS_MAP_READ, .allowed = 7};
        struct act first = {.what = UNMAP, .start = 50, .count = WINDOW - 50};
        memset(&model, 0, sizeof(model));
        CHECK(perform(&map) == TS_OK && expect(&model, &map) == TS_OK);
        for (unsigned i = 0; i < WINDOW; i++) {
            (void)space_fault(space, BASE + i * PAGE_SIZE, 0);
        }
        second = *other;
        second_in = in;
        uint32_t more = SPACE_REGIONS_MAX - space->region_count;
        space->region_count += more;
        spin_gap = full ? gap : gap_with_room;
        ts_status_t status = perform(&first);
        spin_gap = NULL;
        if (second_in != 0) {
            second_status = perform(&second);
        }
        second_in = 0;
        space->region_count -= more;
        struct state found = state_now();
        CHECK(status == TS_OK);
        for (unsigned i = 50; i < WINDOW; i++) {
            CHECK(!found.places[i].mapped);
        }
        model = found;
        check_entries(&model);
        CHECK(space_unmap(space, BASE, WINDOW * PAGE_SIZE) == TS_OK);
    }
}

// The machine refuses what the entry permits: that ends.
static void test_fault_loop(void)
{
    vaddr_t at = BASE;
    unsigned count = 0;
    CHECK(space_map(space, memory, 0, 2 * PAGE_SIZE, TS_MAP_READ | TS_MAP_FIXED, 7, &at) == TS_OK);
    while (kernel_page_fault(BASE + 8, ARCH_FAULT_PRESENT) == TS_OK && count < 1000) {
        count++;
    }
    CHECK(count > CPU_MAX && count < 1000);
    // A page that went and came in between is another matter.
    for (count = 0; count < 1000; count++) {
        CHECK(space_protect(space, BASE, PAGE_SIZE, 0) == TS_OK);
        CHECK(space_protect(space, BASE, PAGE_SIZE, TS_MAP_READ) == TS_OK);
        CHECK(kernel_page_fault(BASE + 8, 0) == TS_OK);
    }
    for (count = 0; count < 1000; count++) {
        CHECK(space_unmap(space, BASE, PAGE_SIZE) == TS_OK);
        CHECK(space_map(space, memory, 0, PAGE_SIZE, TS_MAP_READ | TS_MAP_FIXED, 7, &at) == TS_OK);
        CHECK(kernel_page_fault(BASE + 8, 0) == TS_OK);
    }
    CHECK(space_unmap(space, BASE, WINDOW * PAGE_SIZE) == TS_OK);
}

int main(void)
{
    world_start();
    struct job *job;
    struct ts_job_limits limits = {.pages = 800};
    CHECK(job_create(NULL, job_root, &limits, false, &job) == TS_OK);
    ts_status_t made;
    struct account *payer = job_account_create(job, &made);
    object_put(&job->object);
    CHECK(world_space_create(payer, &space) == TS_OK);
    CHECK(memory_create(payer, WINDOW * PAGE_SIZE, 0, &memory) == TS_OK);
    world_enter(space);
    test_fault_loop();
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (i % 8 == 0) {
            refill();
        }
        round_of_two();
    }
    CHECK(space_unmap(space, BASE, WINDOW * PAGE_SIZE) == TS_OK);
    test_failed_populate(payer);
    test_unmap_without_records(&(struct act){.what = UNMAP, .start = 100, .count = 180}, true);
    test_unmap_without_records(&(struct act){.what = UNMAP, .start = 20, .count = 60}, false);
    test_unmap_without_records(
        &(struct act){.what = PROTECT, .start = 100, .count = 90, .flags = 0}, false);
    test_unmap_without_records( // cut exactly where the unmap begins
        &(struct act){.what = PROTECT, .start = 50, .count = 90, .flags = 0}, false);
    while (space_destroy_some(space)) {
        ;
    }
    space_free(space);
    object_put(&memory->object);
    CHECK(account_used(payer) <= 2); // for itself, and a page that is kept
    account_put(payer);
    return 0;
}
