// SPDX-License-Identifier: MIT
// How pages are found: page faults, copies between processes, futex words.
#include <arch/hooks.h>
#include <arch/memory.h>
#include <mm/page.h>
#include <mm/region.h>
#include <object/memory.h>
#include <object/reaper.h>
#include <object/statistics.h>
#include <panic.h>
#include <sched/sched.h>

static struct region *find(struct address_space *space, vaddr_t address)
{
    struct range *range = space->dead ? NULL : range_tree_find(&space->regions, address);
    return range != NULL ? region_of(range) : NULL;
}

static bool permitted(const struct region *region, unsigned fault)
{
    if ((fault & ARCH_FAULT_WRITE) != 0)
        return (region->protection & TS_MAP_WRITE) != 0;
    if ((fault & ARCH_FAULT_EXECUTE) != 0)
        return (region->protection & TS_MAP_EXECUTE) != 0;
    return region->protection != 0;
}

// Enters the page at `address` into the page tables, made if need be. *out_page: NULL for device
// memory. Lock held.
static ts_status_t resolve(struct address_space *space, vaddr_t address, unsigned fault,
                           struct page **out_page)
{
    struct region *region = find(space, address);
    if (region == NULL || !permitted(region, fault))
        return TS_ERR_FAULT;
    vaddr_t at = address & ~PAGE_MASK;
    struct memory *memory = region->memory;
    paddr_t frame;
    spin_lock_off(&memory->lock);
    ts_status_t status =
        memory_page_locked(memory, region->offset + (at - region->range.start), out_page, &frame);
    spin_unlock_off(&memory->lock);
    if (status != TS_OK) // beyond the end, after it was shrunk
        return status == TS_ERR_RANGE ? TS_ERR_FAULT : status;
    // The frame cannot go before this lock is dropped: what removes pages from a memory takes the
    // lock of each space that maps them.
    status = arch_space_map(&space->arch, at, frame, arch_protection(region->protection),
                            (enum arch_cache)memory->cache);
    return status == TS_ERR_EXISTS ? TS_OK : status; // another thread touched it first
}

ts_status_t space_fault(struct address_space *space, vaddr_t address, unsigned fault)
{
    if (!arch_user_range_ok(address, 1))
        return TS_ERR_FAULT;
    struct page *page;
    irqflags_t flags = spin_lock(&space->lock);
    ts_status_t status = resolve(space, address, fault, &page);
    spin_unlock(&space->lock, flags);
    return status;
}

ts_status_t kernel_page_fault(vaddr_t address, unsigned fault)
{
    struct address_space *space = space_current();
    statistics_add(STATISTIC_FAULTS, 1);
    ts_status_t status = space != NULL ? space_fault(space, address, fault) : TS_ERR_FAULT;
    if ((status == TS_ERR_LIMIT || status == TS_ERR_MEMORY) && reaper_wait())
        status = space_fault(space, address, fault);
    if (status != TS_OK)
        thread_current()->fault_status = status;
    return status;
}

ts_status_t space_fault_reason(void)
{
    // What was true then: asked again, there may be memory.
    ts_status_t status = thread_current()->fault_status;
    return status == TS_ERR_LIMIT || status == TS_ERR_MEMORY ? status : TS_ERR_FAULT;
}

// The frame of a page that is present and may be accessed so; NULL: look closer. Lock held.
static struct page *present_page(struct address_space *space, vaddr_t address, bool write)
{
    paddr_t frame;
    unsigned protection;
    if (space->dead ||
        arch_space_query(&space->arch, address & ~PAGE_MASK, &frame, &protection) != TS_OK ||
        (write && (protection & ARCH_PROT_WRITE) == 0))
        return NULL;
    return page_find(frame);
}

ts_status_t space_page_get(struct address_space *space, vaddr_t address, bool write,
                           struct page **out_page, void **out_pointer)
{
    if (!arch_user_range_ok(address, 1))
        return TS_ERR_FAULT;
    ts_status_t status = TS_OK;
    irqflags_t flags = spin_lock(&space->lock);
    struct page *page = present_page(space, address, write);
    if (page == NULL) {
        status = resolve(space, address, write ? ARCH_FAULT_WRITE : 0, &page);
        if (status == TS_OK && page == NULL)
            status = TS_ERR_FAULT; // device memory
    }
    if (status == TS_OK)
        page_get(page);
    spin_unlock(&space->lock, flags);
    if (status != TS_OK)
        return status;
    *out_page = page;
    *out_pointer = (char *)page_pointer(page) + (address & PAGE_MASK);
    return TS_OK;
}

ts_status_t space_futex_key(struct address_space *space, vaddr_t address, struct futex_key *out_key)
{
    if ((address & 3) != 0)
        return TS_ERR_ARGUMENT;
    irqflags_t flags = spin_lock(&space->lock);
    const struct region *region = find(space, address);
    if (region != NULL) {
        out_key->memory = region->memory->id;
        out_key->offset = region->offset + (address - region->range.start);
    }
    spin_unlock(&space->lock, flags);
    return region != NULL ? TS_OK : TS_ERR_FAULT;
}
