// SPDX-License-Identifier: MIT
// Mapping, unmapping and protecting. What takes long goes on in chunks, between which the lock is
// free; a chunk is flushed before the lock is dropped, so that no address is given out again while
// a CPU remembers what was there.
#include <mm/page.h>
#include <mm/region.h>
#include <object/memory.h>

#define MAP_FLAGS \
    (REGION_PROTECTION | TS_MAP_FIXED | TS_MAP_POPULATE | TS_MAP_STACK | SPACE_MAP_RING)

unsigned space_allowed(ts_rights_t rights)
{
    return ((rights & TS_RIGHT_READ) != 0 ? TS_MAP_READ : 0) |
           ((rights & TS_RIGHT_WRITE) != 0 ? TS_MAP_WRITE : 0) |
           ((rights & TS_RIGHT_EXECUTE) != 0 ? TS_MAP_EXECUTE : 0);
}

static ts_status_t check_protection(unsigned protection, unsigned allowed)
{
    if ((protection & ~REGION_PROTECTION) != 0 ||
        (protection & (TS_MAP_WRITE | TS_MAP_EXECUTE)) == (TS_MAP_WRITE | TS_MAP_EXECUTE))
        return TS_ERR_ARGUMENT;
    return (protection & ~allowed) != 0 ? TS_ERR_RIGHTS : TS_OK;
}

static enum space_area area_of(unsigned flags)
{
    if ((flags & SPACE_MAP_RING) != 0)
        return SPACE_RINGS;
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
        !range_tree_gap(&space->regions, TS_USER_BASE, TS_USER_END, room, out_address))
        return TS_ERR_MEMORY;
    *out_address += PAGE_SIZE;
    return TS_OK;
}

static ts_status_t map_locked(struct address_space *space, struct region *region, unsigned flags,
                              vaddr_t *inout_address, uint64_t length)
{
    if (space->dead)
        return TS_ERR_GONE;
    if ((flags & TS_MAP_FIXED) != 0) {
        if (range_tree_overlaps(&space->regions, *inout_address, *inout_address + length))
            return TS_ERR_EXISTS;
    } else {
        ts_status_t status =
            space_choose(space, area_of(flags), *inout_address, length, inout_address);
        if (status != TS_OK)
            return status;
    }
    region->range.start = *inout_address;
    region->range.end = *inout_address + length;
    return region_insert(space, region);
}

static ts_status_t populate(struct address_space *space, vaddr_t address, uint64_t length,
                            unsigned protection)
{
    unsigned fault = (protection & TS_MAP_WRITE) != 0 ? ARCH_FAULT_WRITE : 0;
    for (uint64_t at = 0; at < length; at += PAGE_SIZE) {
        ts_status_t status = space_fault(space, address + at, fault);
        if (status != TS_OK) {
            (void)space_unmap(space, address, length);
            return status;
        }
    }
    return TS_OK;
}

ts_status_t space_map(struct address_space *space, struct memory *memory, uint64_t offset,
                      uint64_t length, unsigned flags, unsigned allowed, vaddr_t *inout_address)
{
    unsigned protection = flags & REGION_PROTECTION;
    vaddr_t check = (flags & TS_MAP_FIXED) != 0 ? *inout_address : TS_USER_BASE;
    if ((flags & ~MAP_FLAGS) != 0 || (offset & PAGE_MASK) != 0)
        return TS_ERR_ARGUMENT;
    ts_status_t status = space_check_range(check, length);
    if (status == TS_OK)
        status = check_protection(protection, allowed);
    if (status != TS_OK)
        return status;
    uint64_t size = memory_size(memory);
    if (offset > size || length > size - offset)
        return TS_ERR_RANGE;
    struct region *region = region_create(space, &status);
    if (region == NULL)
        return status;
    region->memory = memory_resolve(memory, &offset);
    region->offset = offset;
    region->protection = (uint8_t)protection;
    region->allowed = (uint8_t)allowed;
    irqflags_t irq = spin_lock(&space->lock);
    status = map_locked(space, region, flags, inout_address, length);
    spin_unlock(&space->lock, irq);
    if (status != TS_OK) {
        region_free(space, region);
        return status;
    }
    if ((flags & TS_MAP_POPULATE) != 0 && protection != 0)
        status = populate(space, *inout_address, length, protection);
    return status;
}

// Unmaps a chunk at one end of [low, high) of a region, and cuts it off. Returns whether the region
// is gone. Lock held.
static bool unmap_chunk(struct address_space *space, struct region *region, vaddr_t low,
                        vaddr_t high)
{
    uint64_t most = (uint64_t)ARCH_RANGE_PAGES * PAGE_SIZE;
    if (low != region->range.start && high - low > most)
        low = high - most;
    struct arch_flush flush;
    arch_flush_begin(&flush, &space->arch);
    vaddr_t end =
        arch_space_unmap_range(&space->arch, low, (high - low) / PAGE_SIZE, &flush, NULL, NULL);
    arch_flush_commit(&flush);
    if (low == region->range.start)
        high = end;
    if (low == region->range.start && high == region->range.end) {
        region_remove(space, region);
        return true;
    }
    if (low == region->range.start)
        region_trim(space, region, high, region->range.end);
    else
        region_trim(space, region, region->range.start, low);
    return false;
}

// A step of space_unmap: *out_gone is a region to drop. False: nothing is left in the range, or
// what is cannot be cut for want of a record (`missing`). The lock is held.
static bool unmap_step(struct address_space *space, vaddr_t address, vaddr_t end,
                       struct region **inout_spare, ts_status_t missing, struct region **out_gone,
                       ts_status_t *out_status)
{
    struct range *range = range_tree_after(&space->regions, address);
    if (space->dead || range == NULL || range->start >= end)
        return false;
    struct region *region = region_of(range);
    vaddr_t low = range->start > address ? range->start : address;
    vaddr_t high = range->end < end ? range->end : end;
    if (low > range->start && *inout_spare != NULL) {
        // What begins inside of a region becomes one of its own, which is cut off from its front.
        ts_status_t status = region_split(space, region, low, *inout_spare);
        if (status == TS_OK) {
            region = *inout_spare;
            *inout_spare = NULL;
        } else if (high < range->end) {
            *out_status = status;
            return false;
        } // else there is a slower way, from its end, which needs nothing
    } else if (low > range->start && high < range->end) {
        *out_status = missing;
        return false; // (else others unmapped around it and mapped anew: what came later stays)
    }
    if (unmap_chunk(space, region, low, high))
        *out_gone = region;
    return true;
}

ts_status_t space_unmap(struct address_space *space, vaddr_t address, uint64_t length)
{
    ts_status_t status = space_check_range(address, length);
    if (status != TS_OK)
        return status;
    // Only what lies inside of a region needs a record: whoever is at the limit can unmap the rest.
    ts_status_t missing;
    struct region *spare = region_create(space, &missing);
    bool more;
    do {
        struct region *gone = NULL;
        irqflags_t irq = spin_lock(&space->lock);
        more = unmap_step(space, address, address + length, &spare, missing, &gone, &status);
        spin_unlock(&space->lock, irq);
        if (gone != NULL) {
            object_put(&gone->memory->object);
            region_free(space, gone);
        }
    } while (more);
    if (spare != NULL)
        region_free(space, spare);
    return status;
}

// Whether the range from *address on is mapped and may be protected so; moves *address past some of
// its regions.
static ts_status_t protect_check_some(struct address_space *space, vaddr_t *address, vaddr_t end,
                                      unsigned protection)
{
    ts_status_t status = TS_OK;
    irqflags_t irq = spin_lock(&space->lock);
    for (unsigned i = 0; i < SPACE_CHUNK && *address < end && status == TS_OK; i++) {
        struct range *range = range_tree_find(&space->regions, *address);
        if (range == NULL)
            status = TS_ERR_NOT_FOUND;
        else if ((protection & ~region_of(range)->allowed) != 0)
            status = TS_ERR_RIGHTS;
        else
            *address = range->end;
    }
    spin_unlock(&space->lock, irq);
    return status;
}

// Cuts the region in which `at` lies, if any, in two there.
static ts_status_t protect_cut(struct address_space *space, vaddr_t at)
{
    ts_status_t status;
    struct region *spare = region_create(space, &status);
    if (spare == NULL)
        return status;
    irqflags_t irq = spin_lock(&space->lock);
    struct range *range = range_tree_find(&space->regions, at);
    if (space->dead)
        status = TS_ERR_GONE;
    bool cut = status == TS_OK && range != NULL && range->start != at;
    if (cut)
        status = region_split(space, region_of(range), at, spare);
    spin_unlock(&space->lock, irq);
    if (!cut || status != TS_OK)
        region_free(space, spare);
    return status;
}

// Protects the region at *address, or a part of it, which it moves past. Lock held.
static ts_status_t protect_some(struct address_space *space, vaddr_t *address, vaddr_t end,
                                unsigned protection)
{
    struct range *range = range_tree_find(&space->regions, *address);
    if (space->dead)
        return TS_ERR_GONE;
    if (range == NULL || range->end > end) // since it was looked at, others mapped and unmapped
        return TS_ERR_NOT_FOUND;
    struct region *region = region_of(range);
    if ((protection & ~region->allowed) != 0)
        return TS_ERR_RIGHTS;
    region->protection = (uint8_t)protection;
    uint64_t pages = (range->end - *address) / PAGE_SIZE;
    struct arch_flush flush;
    arch_flush_begin(&flush, &space->arch);
    if (protection == 0)
        *address = arch_space_unmap_range(&space->arch, *address, pages, &flush, NULL, NULL);
    else
        *address = arch_space_protect_range(&space->arch, *address, pages,
                                            arch_protection(protection), &flush);
    arch_flush_commit(&flush);
    return TS_OK;
}

ts_status_t space_protect(struct address_space *space, vaddr_t address, uint64_t length,
                          unsigned protection)
{
    ts_status_t status = space_check_range(address, length);
    if (status == TS_OK)
        status = check_protection(protection, REGION_PROTECTION);
    vaddr_t end = address + length, checked = address;
    while (status == TS_OK && checked < end)
        status = protect_check_some(space, &checked, end, protection);
    if (status == TS_OK)
        status = protect_cut(space, address);
    if (status == TS_OK)
        status = protect_cut(space, end);
    while (status == TS_OK && address < end) {
        irqflags_t irq = spin_lock(&space->lock);
        status = protect_some(space, &address, end, protection);
        spin_unlock(&space->lock, irq);
    }
    return status;
}
