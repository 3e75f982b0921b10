// SPDX-License-Identifier: MIT
// Regions of a space, for the files of kernel/mm alone. All with the space's lock held unless it
// says otherwise; those that change a region's borders take the memory's lock for it too, so that
// either lock is enough to read them.
#pragma once

#include <mm/address_space.h>
#include <sched/sched.h>

#define REGION_PROTECTION (TS_MAP_READ | TS_MAP_WRITE | TS_MAP_EXECUTE)

// What a protect of many regions makes of them, all at once: the regions point to it until it is
// decided and each has taken it over. In the frame of space_protect().
struct region_change {
    uint8_t protection;
    bool decided;
};

static inline struct region *region_of(struct range *range)
{
    return list_entry(range, struct region, range);
}

// What entries of such a region have. (The machine knows no page that can be written and not read.)
static inline unsigned arch_protection(unsigned protection)
{
    return ARCH_PROT_USER | (protection != 0 ? ARCH_PROT_READ : 0) |
           ((protection & TS_MAP_WRITE) != 0 ? ARCH_PROT_WRITE : 0) |
           ((protection & TS_MAP_EXECUTE) != 0 ? ARCH_PROT_EXECUTE : 0);
}

// What a region permits now.
static inline unsigned region_protection(const struct region *region)
{
    const struct region_change *change = region->change;
    return change != NULL && change->decided ? change->protection : region->protection;
}

// Whether what the current thread does to a space may be left half done: both end.
static inline bool space_is_ending(const struct address_space *space)
{
    return thread_is_stopping() && space == space_current();
}

// Makes the page at `address` present as a fault would, if it is of the map call with this number
// still and permits it. TS_ERR_LIMIT, TS_ERR_MEMORY. No lock held.
TS_MUST_USE ts_status_t space_populate(struct address_space *space, vaddr_t address,
                                       uint64_t number, unsigned fault);

// Whether [address, address + length) is of whole pages and of user addresses: TS_ERR_ARGUMENT,
// TS_ERR_RANGE.
TS_MUST_USE ts_status_t space_check_range(vaddr_t address, uint64_t length);

// TS_ERR_ARGUMENT: unknown bits, or WRITE with EXECUTE; TS_ERR_RIGHTS: not in `allowed`.
TS_MUST_USE ts_status_t space_check_protection(unsigned protection, unsigned allowed);

// A record, not in the tree, charged to the space's account. NULL: *out_status is TS_ERR_MEMORY or
// TS_ERR_LIMIT. No lock needed.
struct region *region_create(struct address_space *space, ts_status_t *out_status);

// Enters a filled record (all but `space` and `link`) and takes a reference to its memory.
// TS_ERR_LIMIT (too many regions), TS_ERR_RANGE (the memory is shorter now), TS_ERR_BUSY (it is
// about to be).
TS_MUST_USE ts_status_t region_insert(struct address_space *space, struct region *region);

// Takes a record out. The caller frees it and puts the reference of its memory, without the lock.
void region_remove(struct address_space *space, struct region *region);
void region_free(struct address_space *space, struct region *region);

// Cuts a region at an address inside of it: `upper`, a fresh record, gets the upper part.
TS_MUST_USE ts_status_t region_split(struct address_space *space, struct region *region, vaddr_t at,
                                     struct region *upper);

// Moves the borders of a region inwards.
void region_trim(struct address_space *space, struct region *region, vaddr_t start, vaddr_t end);
