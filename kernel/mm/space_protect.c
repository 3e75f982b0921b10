// SPDX-License-Identifier: MIT
// Protecting. First it is decided, for all regions at one moment; then the entries follow, chunk by
// chunk, each as its region says at that time. So the order in which two threads' chunks come does
// not matter, nor that one of them meets holes: no entry stays wider than its region, and what is
// narrower is widened by the next fault.
//
// Up to SPACE_CHUNK regions are decided in one hold. More are pointed at a record in this frame (a
// struct region_change), hold by hold, and decided by one store; then they take it over.
#include <mm/region.h>

// Looks at up to SPACE_CHUNK regions from *at on, which must follow each other, and moves *at past
// them. Lock held.
static ts_status_t check_some(struct address_space *space, vaddr_t *at, vaddr_t end,
                              unsigned protection)
{
    for (unsigned i = 0; i < SPACE_CHUNK && *at < end; i++) {
        struct range *range = range_tree_find(&space->regions, *at);
        if (range == NULL) {
            return TS_ERR_NOT_FOUND;
        }
        if ((protection & ~(unsigned)region_of(range)->allowed) != 0) {
            return TS_ERR_RIGHTS;
        }
        *at = range->end;
    }
    return TS_OK;
}

// Cuts the region in which `at` lies, if any, in two there, with *inout_spare. Lock held.
static ts_status_t cut(struct address_space *space, vaddr_t at, struct region **inout_spare)
{
    struct range *range = range_tree_find(&space->regions, at);
    if (range == NULL || range->start == at) {
        return TS_OK;
    }
    ts_status_t status = region_split(space, region_of(range), at, *inout_spare);
    if (status == TS_OK) {
        *inout_spare = NULL;
    }
    return status;
}

// What is decided comes after what was: a region takes over a change that is decided.
static void settle(struct region *region)
{
    region->protection = (uint8_t)region_protection(region);
    if (region->change != NULL && region->change->decided) {
        region->change = NULL;
    }
}

// In one hold, if the range has no more than SPACE_CHUNK regions; *out_wide: it has more, which
// have been cut at its borders. An error may leave a region as two, which mean the same. Lock held.
static ts_status_t decide(struct address_space *space, vaddr_t address, vaddr_t end,
                          unsigned protection, struct region **spares, bool *out_wide)
{
    vaddr_t at = address;
    ts_status_t status = space->dead ? TS_ERR_GONE : check_some(space, &at, end, protection);
    *out_wide = at < end;
    if (status == TS_OK) {
        status = cut(space, address, &spares[0]);
    }
    if (status == TS_OK) {
        status = cut(space, end, &spares[1]);
    }
    if (status != TS_OK || *out_wide) {
        return status;
    }
    for (at = address; at < end;) {
        struct region *region = region_of(range_tree_find(&space->regions, at));
        settle(region);
        region->protection = (uint8_t)protection; // one that is undecided yet comes after this
        at = region->range.end;
    }
    return TS_OK;
}

// Points some regions from *at on at a change. TS_ERR_BUSY: another's is there, or the borders are
// not where they were. Lock held.
static ts_status_t mark_some(struct address_space *space, vaddr_t *at, vaddr_t end,
                             struct region_change *change)
{
    for (unsigned i = 0; i < SPACE_CHUNK && *at < end; i++) {
        struct range *range = range_tree_find(&space->regions, *at);
        if (range == NULL) {
            return TS_ERR_NOT_FOUND;
        }
        struct region *region = region_of(range);
        if ((change->protection & ~region->allowed) != 0) {
            return TS_ERR_RIGHTS;
        }
        settle(region);
        if (region->change != NULL || range->start < *at || range->end > end) {
            return TS_ERR_BUSY;
        }
        region->change = change;
        *at = range->end;
    }
    return TS_OK;
}

// Takes a change, decided or not, out of some regions. Lock held.
static void unmark_some(struct address_space *space, vaddr_t *at, vaddr_t end,
                        const struct region_change *change)
{
    for (unsigned i = 0; i < SPACE_CHUNK && *at < end; i++) {
        struct range *range = range_tree_after(&space->regions, *at);
        if (range == NULL || range->start >= end) {
            *at = end;
            return;
        }
        struct region *region = region_of(range);
        if (region->change == change) {
            settle(region);
            region->change = NULL;
        }
        *at = range->end;
    }
}

// The same for more regions than a hold allows. Nothing stays marked.
static ts_status_t decide_wide(struct address_space *space, vaddr_t address, vaddr_t end,
                               unsigned protection)
{
    struct region_change change = {.protection = (uint8_t)protection};
    ts_status_t status = TS_OK;
    for (vaddr_t at = address; status == TS_OK && at < end;) {
        irqflags_t irq = spin_lock(&space->lock);
        status = thread_is_stopping() ? TS_ERR_INTERRUPTED : mark_some(space, &at, end, &change);
        change.decided = status == TS_OK && at >= end;
        spin_unlock(&space->lock, irq);
    }
    for (vaddr_t at = address; at < end;) {
        irqflags_t irq = spin_lock(&space->lock);
        unmark_some(space, &at, end, &change);
        spin_unlock(&space->lock, irq);
    }
    return status;
}

// Brings the entries of a part of the next region in line with it; returns where to go on. Every
// CPU has forgotten what they were. Lock held.
static vaddr_t follow_some(struct address_space *space, vaddr_t at, vaddr_t end)
{
    struct range *range = space->dead ? NULL : range_tree_after(&space->regions, at);
    if (range == NULL || range->start >= end) {
        return end;
    }
    at = range->start > at ? range->start : at;
    end = range->end < end ? range->end : end;
    unsigned protection = region_protection(region_of(range));
    uint64_t pages = (end - at) / PAGE_SIZE;
    struct arch_flush flush;
    arch_flush_begin(&flush, &space->arch);
    if (protection == 0) {
        at = arch_space_unmap_range(&space->arch, at, pages, &flush, NULL, NULL);
    } else {
        at = arch_space_protect_range(&space->arch, at, pages, arch_protection(protection), &flush);
    }
    arch_flush_commit(&flush);
    space->changes++;
    return at;
}

ts_status_t space_protect(struct address_space *space, vaddr_t address, uint64_t length,
                          unsigned protection)
{
    vaddr_t end = address + length;
    ts_status_t status = space_check_range(address, length);
    if (status == TS_OK) {
        status = space_check_protection(protection, REGION_PROTECTION);
    }
    if (status != TS_OK) {
        return status;
    }
    struct region *spares[2] = {region_create(space, &status), NULL};
    bool wide = false;
    if (spares[0] != NULL) {
        spares[1] = region_create(space, &status);
    }
    if (status == TS_OK) {
        irqflags_t irq = spin_lock(&space->lock);
        status = decide(space, address, end, protection, spares, &wide);
        spin_unlock(&space->lock, irq);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (spares[i] != NULL) {
            region_free(space, spares[i]);
        }
    }
    if (status == TS_OK && wide) {
        status = decide_wide(space, address, end, protection);
    }
    // From here on it is done, whatever happens: also a thread that is to end goes on for another's
    // space.
    for (vaddr_t at = address; status == TS_OK && at < end && !space_is_ending(space);) {
        irqflags_t irq = spin_lock(&space->lock);
        at = follow_some(space, at, end);
        spin_unlock(&space->lock, irq);
    }
    return status;
}
