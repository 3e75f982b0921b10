// SPDX-License-Identifier: MIT
// Spaces and their regions: making and ending them. space_map.c has what programs do with them,
// space_fault.c how pages are found.
#include <arch/hooks.h>
#include <cpu.h>
#include <mm/memory.h>
#include <mm/page.h>
#include <mm/paid.h>
#include <mm/region.h>
#include <panic.h>

// Where the kernel looks for room first: between 64 GiB and 80 TiB, at any page, so that there are
// 34 random bits. The regions of an area share page tables.
#define BASE_LOW  (UINT64_C(64) << 30)
#define BASE_HIGH (UINT64_C(80) << 40)

static void bases_choose(struct address_space *space, const uint64_t random[SPACE_AREAS])
{
    for (unsigned i = 0; i < SPACE_AREAS; i++) {
        space->base[i] = BASE_LOW + random[i] % ((BASE_HIGH - BASE_LOW) / PAGE_SIZE) * PAGE_SIZE;
    }
}

ts_status_t space_create(struct account *account, const uint64_t random[SPACE_AREAS],
                         struct address_space **out_space)
{
    ts_status_t status;
    struct address_space *space = paid_alloc_zeroed(account, sizeof(*space), &status);
    if (space == NULL) {
        return status;
    }
    spin_init(&space->lock, "address space");
    range_tree_init(&space->regions);
    bases_choose(space, random);
    space->account = account;
    account_get(account);
    status = arch_space_create(&space->arch);
    if (status != TS_OK) {
        paid_free(account, space, sizeof(*space));
        account_put(account);
        return status;
    }
    *out_space = space;
    return TS_OK;
}

bool space_destroy_some(struct address_space *space)
{
    irqflags_t flags = spin_lock(&space->lock);
    space->dead = true;
    spin_unlock(&space->lock, flags);
    if (arch_space_destroy_some(&space->arch)) {
        return true;
    }
    // No entry is left: what is below needs no flush.
    for (unsigned i = 0; i < SPACE_CHUNK; i++) {
        if (space->regions.root == NULL) {
            return false;
        }
        struct region *region = region_of(space->regions.root);
        flags = spin_lock(&space->lock);
        region_remove(space, region);
        spin_unlock(&space->lock, flags);
        object_put(&region->memory->object);
        region_free(space, region);
    }
    return true;
}

void space_free(struct address_space *space)
{
    KASSERT(space->dead && space->regions.root == NULL);
    struct account *account = space->account;
    paid_free(account, space, sizeof(*space));
    account_put(account);
}

struct address_space *space_current(void)
{
    const struct thread *thread = thread_current();
    struct arch_space *arch = thread != NULL ? thread->machine.space : NULL;
    return arch != NULL ? list_entry(arch, struct address_space, arch) : NULL;
}

ts_status_t space_check_range(vaddr_t address, uint64_t length)
{
    if (((address | length) & PAGE_MASK) != 0 || length == 0) {
        return TS_ERR_ARGUMENT;
    }
    return arch_user_range_ok(address, length) ? TS_OK : TS_ERR_RANGE;
}

struct region *region_create(struct address_space *space, ts_status_t *out_status)
{
    return paid_alloc_zeroed(space->account, sizeof(struct region), out_status);
}

void region_free(struct address_space *space, struct region *region)
{
    paid_free(space->account, region, sizeof(*region));
}

ts_status_t region_insert(struct address_space *space, struct region *region)
{
    struct memory *memory = region->memory;
    uint64_t length = region->range.end - region->range.start;
    if (space->region_count == SPACE_REGIONS_MAX) {
        return TS_ERR_LIMIT;
    }
    ts_status_t status = TS_OK;
    spin_lock_off(&memory->lock);
    if (length > memory->size || region->offset > memory->size - length) {
        status = TS_ERR_RANGE;
    } else if (memory->change != NULL && region->offset + length > memory->change->end) {
        status = TS_ERR_BUSY;
    }
    if (status == TS_OK) {
        region->space = space;
        memory_region_add(memory, &region->link);
        object_get(&memory->object);
        range_tree_insert(&space->regions, &region->range);
        space->region_count++;
    }
    spin_unlock_off(&memory->lock);
    return status;
}

void region_remove(struct address_space *space, struct region *region)
{
    spin_lock_off(&region->memory->lock);
    memory_region_remove(region->memory, &region->link);
    spin_unlock_off(&region->memory->lock);
    range_tree_remove(&space->regions, &region->range);
    space->region_count--;
}

void region_trim(struct address_space *space, struct region *region, vaddr_t start, vaddr_t end)
{
    spin_lock_off(&region->memory->lock);
    region->offset += start - region->range.start;
    range_tree_resize(&space->regions, &region->range, start, end);
    spin_unlock_off(&region->memory->lock);
}

ts_status_t region_split(struct address_space *space, struct region *region, vaddr_t at,
                         struct region *upper)
{
    if (space->region_count == SPACE_REGIONS_MAX) {
        return TS_ERR_LIMIT;
    }
    space->region_count++;
    *upper = *region;
    upper->range.start = at;
    upper->offset += at - region->range.start;
    object_get(&region->memory->object);
    // A walk over the memory's regions finds one part or two, never the lower one alone.
    spin_lock_off(&region->memory->lock);
    range_tree_resize(&space->regions, &region->range, region->range.start, at);
    memory_region_split(&region->link, &upper->link);
    range_tree_insert(&space->regions, &upper->range);
    spin_unlock_off(&region->memory->lock);
    return TS_OK;
}
