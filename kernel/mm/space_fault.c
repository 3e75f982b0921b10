// SPDX-License-Identifier: MIT
// How pages are found: page faults, copies between processes, futex words.
#include <arch/hooks.h>
#include <arch/memory.h>
#include <mm/memory.h>
#include <mm/page.h>
#include <mm/region.h>
#include <panic.h>
#include <sched/sched.h>

#define FAULT_REPEATS_MAX 128u
_Static_assert(FAULT_REPEATS_MAX > CPU_MAX, "each CPU may have one for nothing");

static struct region *find(struct address_space *space, vaddr_t address)
{
    struct range *range = space->dead ? NULL : range_tree_find(&space->regions, address);
    return range != NULL ? region_of(range) : NULL;
}

static bool permitted(unsigned protection, unsigned fault)
{
    if ((fault & ARCH_FAULT_WRITE) != 0) {
        return (protection & TS_MAP_WRITE) != 0;
    }
    if ((fault & ARCH_FAULT_EXECUTE) != 0) {
        return (protection & TS_MAP_EXECUTE) != 0;
    }
    return protection != 0;
}

// Brings the entry of a page that is present in line with its region. Nothing to do: another thread
// did it first, or this CPU remembered an older entry, which it has forgotten by faulting. Lock
// held.
static __attribute__((cold, noinline)) void entry_update(struct address_space *space, vaddr_t at,
                                                         unsigned wanted)
{
    paddr_t frame;
    unsigned found;
    if (arch_space_query(&space->arch, at, &frame, &found) != TS_OK || found == wanted) {
        return;
    }
    struct arch_flush flush;
    arch_flush_begin(&flush, &space->arch);
    (void)arch_space_protect(&space->arch, at, wanted, &flush);
    arch_flush_commit(&flush);
    // Once more, for a page that was writable and becomes executable, or the other way round.
    (void)arch_space_protect(&space->arch, at, wanted, &flush);
    arch_flush_commit(&flush);
    space->changes++;
}

// Enters the page at `address`, of a region that permits it, into the page tables, made if need be.
// *out_page: NULL for device memory. Lock held.
static inline ts_status_t enter(struct address_space *space, const struct region *region,
                                unsigned protection, vaddr_t address, struct page **out_page)
{
    vaddr_t at = address & ~PAGE_MASK;
    struct memory *memory = region->memory;
    paddr_t frame;
    spin_lock_off(&memory->lock);
    ts_status_t status =
        memory_page_locked(memory, region->offset + (at - region->range.start), out_page, &frame);
    spin_unlock_off(&memory->lock);
    if (status != TS_OK) { // beyond the end, after it was shrunk
        return status == TS_ERR_RANGE ? TS_ERR_FAULT : status;
    }
    // The frame cannot go before this lock is dropped: what removes pages from a memory takes the
    // lock of each space that maps them.
    unsigned wanted = arch_protection(protection);
    status = arch_space_map(&space->arch, at, frame, wanted, (enum arch_cache)memory->cache);
    if (status == TS_OK) {
        space->changes++;
    }
    if (status != TS_ERR_EXISTS) {
        return status;
    }
    entry_update(space, at, wanted);
    return TS_OK;
}

// What a fault asks for. Lock held.
static ts_status_t resolve(struct address_space *space, vaddr_t address, unsigned fault,
                           struct page **out_page)
{
    const struct region *region = find(space, address);
    if (region == NULL) {
        return TS_ERR_FAULT;
    }
    unsigned protection = region_protection(region);
    return permitted(protection, fault) ? enter(space, region, protection, address, out_page)
                                        : TS_ERR_FAULT;
}

ts_status_t space_fault(struct address_space *space, vaddr_t address, unsigned fault)
{
    if (!arch_user_range_ok(address, 1)) {
        return TS_ERR_FAULT;
    }
    struct page *page;
    irqflags_t flags = spin_lock(&space->lock);
    ts_status_t status = resolve(space, address, fault, &page);
    spin_unlock(&space->lock, flags);
    return status;
}

ts_status_t space_populate(struct address_space *space, vaddr_t address, uint64_t number,
                           unsigned fault)
{
    struct page *page;
    ts_status_t status = TS_OK;
    irqflags_t flags = spin_lock(&space->lock);
    const struct region *region = find(space, address);
    if (region != NULL && region->number == number && permitted(region_protection(region), fault)) {
        status = enter(space, region, region_protection(region), address, &page);
    }
    spin_unlock(&space->lock, flags);
    return status == TS_ERR_FAULT ? TS_OK : status; // its memory was shrunk
}

// A fault of the current thread had nothing to do. Each CPU may remember an entry that permitted
// less, and forgets it by faulting; so while no entry of the space is changed, no page can give a
// thread more such faults than there are CPUs, unless the machine refuses what the entry permits.
static __attribute__((cold, noinline)) ts_status_t fault_repeated(vaddr_t address, uint64_t changes)
{
    struct thread *thread = thread_current();
    if (thread->fault_address != address || thread->fault_changes != changes) {
        thread->fault_address = address;
        thread->fault_changes = changes;
        thread->fault_repeats = 0;
    }
    return ++thread->fault_repeats < FAULT_REPEATS_MAX ? TS_OK : TS_ERR_FAULT;
}

// The current thread's fault in its space.
static inline ts_status_t fault_here(struct address_space *space, vaddr_t address, unsigned fault)
{
    if ((fault & ARCH_FAULT_COPY) != 0 && thread_is_stopping()) {
        return TS_ERR_INTERRUPTED;
    }
    struct page *page;
    irqflags_t flags = spin_lock(&space->lock);
    uint64_t before = space->changes;
    ts_status_t status = resolve(space, address, fault, &page);
    uint64_t changes = space->changes;
    spin_unlock(&space->lock, flags);
    return status == TS_OK && changes == before ? fault_repeated(address, changes) : status;
}

ts_status_t space_fault_current(vaddr_t address, unsigned fault)
{
    struct address_space *space = space_current();
    if (space == NULL || !arch_user_range_ok(address, 1)) {
        return TS_ERR_FAULT;
    }
    ts_status_t status = fault_here(space, address, fault);
    if ((fault & ARCH_FAULT_COPY) == 0) { // a copy's is its caller's error
        thread_current()->fault_status = status;
    }
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
        (write && (protection & ARCH_PROT_WRITE) == 0)) {
        return NULL;
    }
    return page_find(frame);
}

ts_status_t space_page_get(struct address_space *space, vaddr_t address, bool write,
                           struct page **out_page, void **out_pointer)
{
    if (!arch_user_range_ok(address, 1)) {
        return TS_ERR_FAULT;
    }
    ts_status_t status = TS_OK;
    irqflags_t flags = spin_lock(&space->lock);
    struct page *page = present_page(space, address, write);
    if (page == NULL) {
        status = resolve(space, address, write ? ARCH_FAULT_WRITE : 0, &page);
        if (status == TS_OK && page == NULL) {
            status = TS_ERR_FAULT; // device memory
        }
    }
    if (status == TS_OK) {
        page_get(page);
    }
    spin_unlock(&space->lock, flags);
    if (status != TS_OK) {
        return status;
    }
    *out_page = page;
    *out_pointer = (char *)page_pointer(page) + (address & PAGE_MASK);
    return TS_OK;
}

ts_status_t space_futex_key(struct address_space *space, vaddr_t address, struct futex_key *out_key)
{
    if ((address & 3) != 0) {
        return TS_ERR_ARGUMENT;
    }
    irqflags_t flags = spin_lock(&space->lock);
    const struct region *region = find(space, address);
    if (region != NULL) {
        out_key->memory = region->memory->id;
        out_key->offset = region->offset + (address - region->range.start);
    }
    spin_unlock(&space->lock, flags);
    return region != NULL ? TS_OK : TS_ERR_FAULT;
}
