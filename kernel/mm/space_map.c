// SPDX-License-Identifier: MIT
// Mapping, unmapping and protecting. What takes long goes on in chunks, between which the lock is
// free; a chunk is flushed before the lock is dropped, so that no address is given out again while
// a CPU remembers what was there.
#include <mm/page.h>
#include <mm/region.h>
#include <object/memory.h>

#define MAP_FLAGS (REGION_PROTECTION | TS_MAP_FIXED | TS_MAP_POPULATE)

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

// A place for `length` bytes, with a page free on both sides. Lock held.
static ts_status_t space_choose(struct address_space *space, vaddr_t wish, uint64_t length,
                                vaddr_t *out_address)
{
    uint64_t room = length + 2 * PAGE_SIZE;
    wish &= ~PAGE_MASK;
    if (wish != 0 && arch_user_range_ok(wish, length) &&
        !range_tree_overlaps(&space->regions, wish, wish + length)) {
        *out_address = wish;
        return TS_OK;
    }
    if (!range_tree_gap(&space->regions, space->base, TS_USER_END, room, out_address) &&
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
        ts_status_t status = space_choose(space, *inout_address, length, inout_address);
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
    if (offset > memory->size || length > memory->size - offset)
        return TS_ERR_RANGE;
    struct region *region = region_create();
    if (region == NULL)
        return TS_ERR_MEMORY;
    region->memory = memory_resolve(memory, &offset);
    region->offset = offset;
    region->protection = (uint8_t)protection;
    region->allowed = (uint8_t)allowed;
    irqflags_t irq = spin_lock(&space->lock);
    status = map_locked(space, region, flags, inout_address, length);
    spin_unlock(&space->lock, irq);
    if (status != TS_OK) {
        region_free(region);
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
    uint64_t length = region_chunk(region, low, high);
    if (low == region->range.start)
        high = low + length;
    else
        low = high - length;
    struct arch_flush flush;
    arch_flush_begin(&flush, &space->arch);
    arch_space_unmap_range(&space->arch, low, length / PAGE_SIZE, &flush, NULL, NULL);
    arch_flush_commit(&flush);
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

// A step of space_unmap: *out_gone is a region to drop. False: nothing is left in the range. The
// lock is held.
static bool unmap_step(struct address_space *space, vaddr_t address, vaddr_t end,
                       struct region **inout_spare, struct region **out_gone,
                       ts_status_t *out_status)
{
    struct range *range = range_tree_after(&space->regions, address);
    if (space->dead || range == NULL || range->start >= end)
        return false;
    struct region *region = region_of(range);
    vaddr_t low = range->start > address ? range->start : address;
    vaddr_t high = range->end < end ? range->end : end;
    if (low > range->start && high < range->end) {
        // The whole range lies inside of one region. A second time only if others unmapped around
        // it and mapped anew since: what came later stays.
        if (*inout_spare == NULL)
            return false;
        *out_status = region_split(space, region, high, *inout_spare);
        if (*out_status != TS_OK)
            return false;
        *inout_spare = NULL;
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
    struct region *spare = region_create();
    if (spare == NULL)
        return TS_ERR_MEMORY;
    bool more;
    do {
        struct region *gone = NULL;
        irqflags_t irq = spin_lock(&space->lock);
        more = unmap_step(space, address, address + length, &spare, &gone, &status);
        spin_unlock(&space->lock, irq);
        if (gone != NULL) {
            object_put(&gone->memory->object);
            region_free(gone);
        }
    } while (more);
    if (spare != NULL)
        region_free(spare);
    return status;
}

// Whether the whole range is mapped and may be protected so. Lock held.
static ts_status_t protect_check(struct address_space *space, vaddr_t address, vaddr_t end,
                                 unsigned protection)
{
    while (address < end) {
        struct range *range = range_tree_find(&space->regions, address);
        if (range == NULL)
            return TS_ERR_NOT_FOUND;
        if ((protection & ~region_of(range)->allowed) != 0)
            return TS_ERR_RIGHTS;
        address = range->end;
    }
    return TS_OK;
}

static ts_status_t protect_cut(struct address_space *space, vaddr_t at, struct region **inout_spare)
{
    struct range *range = range_tree_find(&space->regions, at);
    if (range == NULL || range->start == at)
        return TS_OK;
    ts_status_t status = region_split(space, region_of(range), at, *inout_spare);
    if (status == TS_OK)
        *inout_spare = NULL;
    return status;
}

// Cuts regions at the range's ends and notes the protection. Lock held.
static ts_status_t protect_begin(struct address_space *space, vaddr_t address, vaddr_t end,
                                 unsigned protection, struct region **spares)
{
    if (space->dead)
        return TS_ERR_GONE;
    ts_status_t status = protect_check(space, address, end, protection);
    if (status == TS_OK)
        status = protect_cut(space, address, &spares[0]);
    if (status == TS_OK)
        status = protect_cut(space, end, &spares[1]);
    while (status == TS_OK && address < end) {
        struct region *region = region_of(range_tree_find(&space->regions, address));
        region->protection = (uint8_t)protection;
        address = region->range.end;
    }
    return status;
}

// Brings the page tables of a chunk in line with what its region says now. Lock held. Returns where
// to go on.
static vaddr_t protect_chunk(struct address_space *space, vaddr_t address, vaddr_t end)
{
    struct range *range = range_tree_after(&space->regions, address);
    if (space->dead || range == NULL || range->start >= end)
        return end;
    struct region *region = region_of(range);
    vaddr_t low = range->start > address ? range->start : address;
    uint64_t length = region_chunk(region, low, range->end < end ? range->end : end);
    struct arch_flush flush;
    arch_flush_begin(&flush, &space->arch);
    if (region->protection == 0)
        arch_space_unmap_range(&space->arch, low, length / PAGE_SIZE, &flush, NULL, NULL);
    else
        arch_space_protect_range(&space->arch, low, length / PAGE_SIZE,
                                 arch_protection(region->protection), &flush);
    arch_flush_commit(&flush);
    return low + length;
}

ts_status_t space_protect(struct address_space *space, vaddr_t address, uint64_t length,
                          unsigned protection)
{
    ts_status_t status = space_check_range(address, length);
    if (status == TS_OK)
        status = check_protection(protection, REGION_PROTECTION);
    if (status != TS_OK)
        return status;
    struct region *spares[2] = {region_create(), region_create()};
    vaddr_t end = address + length;
    if (spares[0] != NULL && spares[1] != NULL) {
        irqflags_t irq = spin_lock(&space->lock);
        status = protect_begin(space, address, end, protection, spares);
        spin_unlock(&space->lock, irq);
    } else {
        status = TS_ERR_MEMORY;
    }
    while (status == TS_OK && address < end) {
        irqflags_t irq = spin_lock(&space->lock);
        address = protect_chunk(space, address, end);
        spin_unlock(&space->lock, irq);
    }
    for (unsigned i = 0; i < 2; i++)
        if (spares[i] != NULL)
            region_free(spares[i]);
    return status;
}
