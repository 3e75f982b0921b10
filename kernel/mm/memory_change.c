// SPDX-License-Identifier: MIT
// A memory's size changes.
//
// Shrinking goes on in chunks, between which the locks are free. First nothing is mapped
// anew beyond the new end any more, and all regions are looked at for one of another
// process beyond it. If there is none the size follows: no page beyond it is found any more. Then
// the calling process's page table entries go, region by region, and last the pages.
#include <mm/address_space.h>
#include <mm/page.h>
#include <mm/memory.h>
#include <panic.h>
#include <sched/sched.h>
#include <stdatomic.h>

#define REGIONS_PER_HOLD 48u

// ---- The walk over the regions

static void walk_begin(struct memory *memory)
{
    memory->change->next = memory->regions.next;
    memory->change->next_offset = 0;
}

static void walk_on(struct memory *memory)
{
    memory->change->next = memory->change->next->next;
    memory->change->next_offset = 0;
}

// Where the walk is; NULL: at its end.
static const struct region *walk_region(const struct memory *memory)
{
    struct list *next = memory->change->next;
    return next != &memory->regions ? list_entry(next, struct region, link) : NULL;
}

static uint64_t region_end(const struct region *region)
{
    return region->offset + (region->range.end - region->range.start);
}

// ---- Changing the size

// Looks at some regions: does another process than that of `own` map what is to go? When all were
// looked at and none does, the size is less from then on. False: that is decided.
static bool shrink_look_some(struct memory *memory, const struct address_space *own,
                             ts_status_t *out_status)
{
    const struct region *region;
    irqflags_t flags = spin_lock(&memory->lock);
    unsigned left = REGIONS_PER_HOLD;
    for (; (region = walk_region(memory)) != NULL && left > 0 && *out_status == TS_OK; left--) {
        if (region->space != own && region_end(region) > memory->change->end) {
            *out_status = TS_ERR_BUSY;
        }
        walk_on(memory);
    }
    bool more = region != NULL && *out_status == TS_OK;
    if (!more && *out_status == TS_OK) {
        atomic_store_explicit(TS_ATOMIC(&memory->size), memory->change->end, memory_order_relaxed);
        walk_begin(memory);
    }
    spin_unlock(&memory->lock, flags);
    return more;
}

// Removes page table entries of the region at which the walk is, from beyond the size; walks on if
// none are left. Adds to *spent, which stops it, the pages that it had to look for. Both locks
// held. False: it has to go on in another hold.
static bool shrink_unmap(struct memory *memory, const struct region *region,
                         struct address_space *own, struct arch_flush *flush, uint64_t *spent)
{
    uint64_t low = region->offset > memory->size ? region->offset : memory->size;
    low = low > memory->change->next_offset ? low : memory->change->next_offset;
    uint64_t high = region_end(region);
    if (region->space == own && low < high) {
        uint64_t pages = (high - low) / PAGE_SIZE;
        // Many small ones, or a part of a large one: either is a bounded number of steps.
        if (*spent != 0 && *spent + pages > ARCH_RANGE_PAGES) {
            return false;
        }
        *spent += pages;
        vaddr_t address = region->range.start + (low - region->offset);
        vaddr_t reached = arch_space_unmap_range(&own->arch, address, pages, flush, NULL, NULL);
        memory->change->next_offset = low + (reached - address);
        if (memory->change->next_offset < high) {
            return false;
        }
    }
    walk_on(memory);
    return true;
}

// The same for some regions; false when there are none left.
static bool shrink_unmap_some(struct memory *memory, struct address_space *own)
{
    const struct region *region;
    struct arch_flush flush;
    uint64_t spent = 0;
    irqflags_t flags = spin_lock(&own->lock);
    spin_lock_off(&memory->lock);
    arch_flush_begin(&flush, &own->arch);
    unsigned left = REGIONS_PER_HOLD;
    while ((region = walk_region(memory)) != NULL && left-- > 0 &&
           shrink_unmap(memory, region, own, &flush, &spent)) {
        ;
    }
    arch_flush_commit(&flush);
    spin_unlock_off(&memory->lock);
    spin_unlock(&own->lock, flags);
    return region != NULL;
}

// Gives some pages beyond the size back, which nothing maps; false when there are none left.
static bool shrink_free_some(struct memory *memory, uint64_t *inout_index)
{
    struct memory_removed removed;
    irqflags_t flags = spin_lock(&memory->lock);
    bool more = memory_remove_some(memory, inout_index, &removed);
    spin_unlock(&memory->lock, flags);
    memory_removed_free(memory, &removed);
    return more;
}

static ts_status_t shrink(struct memory *memory, struct address_space *own)
{
    ts_status_t status = TS_OK;
    while (shrink_look_some(memory, own, &status)) {
        ;
    }
    if (status == TS_OK) {
        uint64_t index = memory->size / PAGE_SIZE; // which stays while there is a change
        while (shrink_unmap_some(memory, own)) {
            ;
        }
        while (shrink_free_some(memory, &index)) {
            ;
        }
    }
    irqflags_t flags = spin_lock(&memory->lock);
    memory->change = NULL;
    spin_unlock(&memory->lock, flags);
    return status;
}

#if TS_DEBUG
bool memory_plant_growth;
#endif

ts_status_t memory_resize(struct memory *memory, uint64_t size)
{
    if (size > MEMORY_SIZE_MAX) {
        return TS_ERR_TOO_LARGE;
    }
    if (memory->type != MEMORY_ANONYMOUS) {
        return TS_ERR_UNSUPPORTED;
    }
    size = (size + PAGE_MASK) & ~PAGE_MASK;
    struct memory_change change = {.end = size};
    ts_status_t status = TS_OK;
    irqflags_t flags = spin_lock(&memory->lock);
    bool shrinks = size < memory->size;
    bool fixed = memory->kernel_maps != 0 && (shrinks || !memory_plant_growth);
    if (memory->change != NULL || (size != memory->size && fixed) ||
        (shrinks && memory->pins != 0)) {
        status = TS_ERR_BUSY;
    } else if (shrinks) {
        memory->change = &change;
        walk_begin(memory);
    } else {
        atomic_store_explicit(TS_ATOMIC(&memory->size), size, memory_order_relaxed);
    }
    spin_unlock(&memory->lock, flags);
    return status == TS_OK && shrinks ? shrink(memory, space_current()) : status;
}
