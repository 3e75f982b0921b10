// SPDX-License-Identifier: MIT
// Regions of a space, for the files of kernel/mm alone. All with the space's lock held unless it
// says otherwise; those that change a region's borders take the memory's lock for it too, so that
// either lock is enough to read them.
#pragma once

#include <mm/address_space.h>

#define REGION_PROTECTION (TS_MAP_READ | TS_MAP_WRITE | TS_MAP_EXECUTE)

static inline struct region *region_of(struct range *range)
{
    return list_entry(range, struct region, range);
}

static inline unsigned arch_protection(unsigned protection)
{
    return ARCH_PROT_USER | ((protection & TS_MAP_READ) != 0 ? ARCH_PROT_READ : 0) |
           ((protection & TS_MAP_WRITE) != 0 ? ARCH_PROT_WRITE : 0) |
           ((protection & TS_MAP_EXECUTE) != 0 ? ARCH_PROT_EXECUTE : 0);
}

// Whether [address, address + length) is of whole pages and of user addresses: TS_ERR_ARGUMENT,
// TS_ERR_RANGE.
ts_status_t space_check_range(vaddr_t address, uint64_t length);

// A record, not in the tree, charged to the space's account. NULL: *out_status is TS_ERR_MEMORY or
// TS_ERR_LIMIT. No lock needed.
struct region *region_create(struct address_space *space, ts_status_t *out_status);

// Enters a filled record (all but `space` and `link`) and takes a reference to its memory.
// TS_ERR_LIMIT (too many regions), TS_ERR_RANGE (the memory is shorter now), TS_ERR_BUSY (it is
// about to be).
ts_status_t region_insert(struct address_space *space, struct region *region);

// Takes a record out. The caller frees it and puts the reference of its memory, without the lock.
void region_remove(struct address_space *space, struct region *region);
void region_free(struct address_space *space, struct region *region);

// Cuts a region at an address inside of it: `upper`, a fresh record, gets the upper part.
ts_status_t region_split(struct address_space *space, struct region *region, vaddr_t at,
                         struct region *upper);

// Moves the borders of a region inwards.
void region_trim(struct address_space *space, struct region *region, vaddr_t start, vaddr_t end);
