// SPDX-License-Identifier: MIT
// Mapping and unmapping; space_protect.c has protecting. What takes long goes on in chunks, between
// which the lock is free; a chunk is flushed before the lock is dropped, so that no address is
// given out again while a CPU remembers what was there.
#include <mm/memory.h>
#include <mm/page.h>
#include <mm/region.h>

#define MAP_FLAGS \
    (REGION_PROTECTION | TS_MAP_FIXED | TS_MAP_POPULATE | TS_MAP_STACK | SPACE_MAP_RING)

unsigned space_allowed(ts_rights_t rights)
{
    return ((rights & TS_RIGHT_READ) != 0 ? TS_MAP_READ : 0) |
           ((rights & TS_RIGHT_WRITE) != 0 ? TS_MAP_WRITE : 0) |
           ((rights & TS_RIGHT_EXECUTE) != 0 ? TS_MAP_EXECUTE : 0);
}

ts_status_t space_check_protection(unsigned protection, unsigned allowed)
{
    if ((protection & ~REGION_PROTECTION) != 0 ||
        (protection & (TS_MAP_WRITE | TS_MAP_EXECUTE)) == (TS_MAP_WRITE | TS_MAP_EXECUTE)) {
        return TS_ERR_ARGUMENT;
    }
    return (protection & ~allowed) != 0 ? TS_ERR_RIGHTS : TS_OK;
}

static enum space_area area_of(unsigned flags)
{
    if ((flags & SPACE_MAP_RING) != 0) {
        return SPACE_RINGS;
    }
    return (flags & TS_MAP_STACK) != 0 ? SPACE_STACKS : SPACE_MEMORY;
}

// A place for `length` bytes, with a page free on both sides. Lock held.
static ts_status_t space_choose(struct address_space *space, enum space_area area, vaddr_t wish,
                                uint64_t length, vaddr_t *out_address)
{
    uint64_t room = length + 2 * PAGE_SIZE;
    wish &= ~PAGE_MASK;
    if (wish != 0 && arch_user_range_ok(wish, length) &&
        !range_tree_overlaps(&space->regions, wish, wish + length)) {
        *out_address = wish;
        return TS_OK;
    }
    if (!range_tree_gap(&space->regions, space->base[area], TS_USER_END, room, out_address) &&
        !range_tree_gap(&space->regions, TS_USER_BASE, TS_USER_END, room, out_address)) {
        return TS_ERR_MEMORY;
    }
    *out_address += PAGE_SIZE;
    return TS_OK;
}

static ts_status_t map_locked(struct address_space *space, struct region *region, unsigned flags,
                              vaddr_t *inout_address, uint64_t length)
{
    if (space->dead) {
        return TS_ERR_GONE;
    }
    if ((flags & TS_MAP_FIXED) != 0) {
        if (range_tree_overlaps(&space->regions, *inout_address, *inout_address + length)) {
            return TS_ERR_EXISTS;
        }
    } else {
        ts_status_t status =
            space_choose(space, area_of(flags), *inout_address, length, inout_address);
        if (status != TS_OK) {
            return status;
        }
    }
    region->range.start = *inout_address;
    region->range.end = *inout_address + length;
    return region_insert(space, region);
}

static void unmap_number(struct address_space *space, vaddr_t address, uint64_t length,
                         uint64_t number);

// Touches every page of what the map call `number` made, as far as it is still there.
static ts_status_t populate(struct address_space *space, vaddr_t address, uint64_t length,
                            unsigned protection, uint64_t number)
{
    unsigned fault = (protection & TS_MAP_WRITE) != 0 ? ARCH_FAULT_WRITE : 0;
    ts_status_t status = TS_OK;
    for (uint64_t at = 0; at < length && status == TS_OK; at += PAGE_SIZE) {
        status = thread_is_stopping() ? TS_ERR_INTERRUPTED
                                      : space_populate(space, address + at, number, fault);
    }
    if (status != TS_OK && !space_is_ending(space)) {
        unmap_number(space, address, length, number);
    }
    return status;
}

ts_status_t space_map(struct address_space *space, struct memory *memory, uint64_t offset,
                      uint64_t length, unsigned flags, unsigned allowed, vaddr_t *inout_address)
{
    unsigned protection = flags & REGION_PROTECTION;
    vaddr_t check = (flags & TS_MAP_FIXED) != 0 ? *inout_address : TS_USER_BASE;
    if ((flags & ~MAP_FLAGS) != 0 || (offset & PAGE_MASK) != 0) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = space_check_range(check, length);
    if (status == TS_OK) {
        status = space_check_protection(protection, allowed);
    }
    if (status != TS_OK) {
        return status;
    }
    uint64_t size = memory_size(memory);
    if (length > size || offset > size - length) {
        return TS_ERR_RANGE;
    }
    if ((flags & TS_MAP_POPULATE) != 0 && protection != 0 && memory_is_too_much(memory, length)) {
        return TS_ERR_MEMORY;
    }
    struct region *region = region_create(space, &status);
    if (region == NULL) {
        return status;
    }
    region->memory = memory_resolve(memory, &offset);
    region->offset = offset;
    region->protection = (uint8_t)protection;
    region->allowed = (uint8_t)allowed;
    irqflags_t irq = spin_lock(&space->lock);
    uint64_t number = region->number = ++space->maps; // by which it is known from now on
    status = map_locked(space, region, flags, inout_address, length);
    spin_unlock(&space->lock, irq);
    if (status != TS_OK) {
        region_free(space, region);
        return status;
    }
    if ((flags & TS_MAP_POPULATE) != 0 && protection != 0) {
        status = populate(space, *inout_address, length, protection, number);
    }
    return status;
}

// Removes the entries of [low, high) of a region, as many as a hold allows, from the front: returns
// how far that is. Every CPU has forgotten them then. Lock held.
static vaddr_t entries_remove(struct address_space *space, vaddr_t low, vaddr_t high)
{
    struct arch_flush flush;
    arch_flush_begin(&flush, &space->arch);
    vaddr_t end =
        arch_space_unmap_range(&space->arch, low, (high - low) / PAGE_SIZE, &flush, NULL, NULL);
    arch_flush_commit(&flush);
    return end;
}

// An unmapping goes up through its range and never looks back: what lies below `at` is done, and
// whatever is mapped there since is another's.
struct unmapping {
    struct address_space *space;
    vaddr_t at, end;
    uint64_t number; // only what this map call made; 0: everything
};

// Cuts off the front of the next region. *out_gone: it is gone and to be dropped. False: nothing is
// left in the range. Lock held.
static bool unmap_step(struct unmapping *unmapping, struct region **out_gone)
{
    struct address_space *space = unmapping->space;
    struct range *range = range_tree_after(&space->regions, unmapping->at);
    if (space->dead || range == NULL || range->start >= unmapping->end) {
        return false;
    }
    struct region *region = region_of(range);
    if (range->start < unmapping->at || // mapped since where we have been
        (unmapping->number != 0 && region->number != unmapping->number)) {
        unmapping->at = range->end;
        return range->end < unmapping->end;
    }
    vaddr_t high = range->end < unmapping->end ? range->end : unmapping->end;
    unmapping->at = entries_remove(space, range->start, high);
    if (unmapping->at == range->end) {
        region_remove(space, region);
        *out_gone = region;
    } else {
        region_trim(space, region, unmapping->at, range->end);
    }
    return unmapping->at < unmapping->end;
}

// Drops a region that was taken out of its space, if any. No lock held.
static void region_drop(struct address_space *space, struct region *region)
{
    if (region == NULL) {
        return;
    }
    object_put(&region->memory->object);
    region_free(space, region);
}

static ts_status_t unmap_upwards(struct unmapping *unmapping)
{
    for (bool more = unmapping->at < unmapping->end; more;) {
        struct region *gone = NULL;
        if (space_is_ending(unmapping->space)) {
            return TS_ERR_INTERRUPTED;
        }
        irqflags_t irq = spin_lock(&unmapping->space->lock);
        more = unmap_step(unmapping, &gone);
        spin_unlock(&unmapping->space->lock, irq);
        region_drop(unmapping->space, gone);
    }
    return TS_OK;
}

// Unmaps [at, end), the end of the region that map call `number` made, from its end downwards: this
// needs no record. Others may take a part of it meanwhile, or cut it: what that leaves above goes
// as any other regions do.
static ts_status_t unmap_downwards(struct address_space *space, vaddr_t at, vaddr_t end,
                                   uint64_t number)
{
    const uint64_t most = (uint64_t)ARCH_RANGE_PAGES * PAGE_SIZE;
    ts_status_t status = TS_OK;
    while (end > at && status == TS_OK) {
        if (space_is_ending(space)) {
            return TS_ERR_INTERRUPTED;
        }
        irqflags_t irq = spin_lock(&space->lock);
        struct range *range = space->dead ? NULL : range_tree_find(&space->regions, at - 1);
        bool ours = range != NULL && range->end > at && region_of(range)->number == number;
        vaddr_t high = ours ? range->end : at, low = high;
        if (high == end) {
            low = end - at > most ? end - most : at;
            (void)entries_remove(space, low, end);
            region_trim(space, region_of(range), range->start, low);
        }
        spin_unlock(&space->lock, irq);
        struct unmapping above = {.space = space, .at = high, .end = end, .number = number};
        status = unmap_upwards(&above);
        end = low;
    }
    return status;
}

static void unmap_number(struct address_space *space, vaddr_t address, uint64_t length,
                         uint64_t number)
{
    struct unmapping unmapping = {
        .space = space, .at = address, .end = address + length, .number = number};
    (void)unmap_upwards(&unmapping);
}

// Where an unmapping begins inside of a region, its upper part becomes one of its own. If there is
// no room for one and nothing of the region is to stay above, *out_end is its end and *out_number
// its map call: it can be unmapped from there. Else *out_end is 0.
static ts_status_t unmap_cut(struct address_space *space, vaddr_t address, vaddr_t end,
                             vaddr_t *out_end, uint64_t *out_number)
{
    *out_end = 0;
    ts_status_t status = TS_OK, missing;
    struct region *spare = region_create(space, &missing);
    irqflags_t irq = spin_lock(&space->lock);
    struct range *range = space->dead ? NULL : range_tree_find(&space->regions, address);
    bool cut = range != NULL && range->start < address;
    if (cut) {
        status = spare != NULL ? region_split(space, region_of(range), address, spare) : missing;
        if (status != TS_OK && range->end <= end) {
            *out_end = range->end;
            *out_number = region_of(range)->number;
            status = TS_OK;
            cut = false;
        }
    }
    spin_unlock(&space->lock, irq);
    if (spare != NULL && (!cut || status != TS_OK)) {
        region_free(space, spare);
    }
    return status;
}

ts_status_t space_unmap(struct address_space *space, vaddr_t address, uint64_t length)
{
    vaddr_t tail = 0;
    uint64_t number;
    struct unmapping unmapping = {.space = space, .at = address, .end = address + length};
    struct region *gone = NULL;
    ts_status_t status = space_check_range(address, length);
    if (status != TS_OK) {
        return status;
    }
    irqflags_t irq = spin_lock(&space->lock);
    const struct range *first = range_tree_find(&space->regions, address);
    bool inside = first != NULL && first->start < address;
    bool more = inside || unmap_step(&unmapping, &gone); // most are through with this
    spin_unlock(&space->lock, irq);
    region_drop(space, gone);
    if (!more) {
        return TS_OK;
    }
    if (inside) {
        status = unmap_cut(space, address, address + length, &tail, &number);
    }
    if (status != TS_OK) {
        return status;
    }
    unmapping.at = tail != 0 ? tail : unmapping.at;
    status = unmap_upwards(&unmapping);
    if (status == TS_OK && tail != 0) {
        status = unmap_downwards(space, address, tail, number);
    }
    return status;
}
