// SPDX-License-Identifier: MIT
// Page tables of address spaces. Four levels; every table is one page, reached through the direct
// map. Entries are read by CPUs at any time, so each is written whole, by one store.
//
// The caller serialises changes to a user space. The kernel's own half is changed from several
// places and has a lock of its own, kernel_space_lock, taken here.
#include <arch/space.h>

#include <arch/boot.h>
#include <arch/hooks.h>
#include <arch/memory.h>
#include <machine/paging.h>
#include <spinlock.h>
#include <string.h>
#include <tessera/abi/status.h>

bool boot_memory_active(void);

struct arch_space kernel_space;
static struct spinlock kernel_space_lock = SPINLOCK_INIT("kernel space");

static irqflags_t space_lock(const struct arch_space *space) LOCK_UNCHECKED
{
    return space == &kernel_space ? spin_lock(&kernel_space_lock) : 0;
}

static void space_unlock(const struct arch_space *space, irqflags_t flags) LOCK_UNCHECKED
{
    if (space == &kernel_space) {
        spin_unlock(&kernel_space_lock, flags);
    }
}

struct arch_space *arch_kernel_space(void)
{
    return &kernel_space;
}

static void entry_set(uint64_t *entry, uint64_t value)
{
    *(volatile uint64_t *)entry = value;
}

static uint64_t *table_of(uint64_t entry)
{
    return phys_to_virt(entry & PTE_ADDRESS);
}

static ts_status_t table_alloc(struct arch_space *space, paddr_t *out_page)
{
    if (boot_memory_active()) {
        *out_page = boot_page_alloc(PAGE_SIZE, PAGE_SIZE);
        return TS_OK;
    }
    return page_table_alloc(space, out_page);
}

uint64_t pte_make(paddr_t page, unsigned prot, enum arch_cache cache)
{
    uint64_t entry = page | PTE_PRESENT;
    entry |= prot & ARCH_PROT_WRITE ? PTE_WRITE : 0;
    entry |= prot & ARCH_PROT_USER ? PTE_USER : PTE_GLOBAL;
    entry |= prot & ARCH_PROT_EXECUTE ? 0 : PTE_NX;
    entry |= cache == ARCH_CACHE_UNCACHED        ? PTE_PCD | PTE_PWT
             : cache == ARCH_CACHE_WRITE_COMBINE ? PTE_PWT
                                                 : 0;
    return entry;
}

static unsigned prot_of(uint64_t entry)
{
    unsigned prot = ARCH_PROT_READ;
    prot |= entry & PTE_WRITE ? ARCH_PROT_WRITE : 0;
    prot |= entry & PTE_USER ? ARCH_PROT_USER : 0;
    prot |= entry & PTE_NX ? 0 : ARCH_PROT_EXECUTE;
    return prot;
}

// The entry for `address` at the lowest level, or NULL where a table is missing (or a large page
// of the kernel's is met: those never change).
static uint64_t *entry_find(struct arch_space *space, vaddr_t address)
{
    uint64_t *table = phys_to_virt(space->root);
    for (unsigned level = 4; level > 1; level--) {
        uint64_t entry = table[pte_index(address, level)];
        if (!(entry & PTE_PRESENT) || (entry & PTE_LARGE)) {
            return NULL;
        }
        table = table_of(entry);
    }
    return &table[pte_index(address, 1)];
}

// The same, making what tables are missing.
static __attribute__((noinline)) ts_status_t entry_make(struct arch_space *space, vaddr_t address,
                                                        uint64_t **out_entry)
{
    uint64_t *table = phys_to_virt(space->root);
    uint64_t user = space == &kernel_space ? 0 : PTE_USER;
    for (unsigned level = 4; level > 1; level--) {
        uint64_t *entry = &table[pte_index(address, level)];
        if (!(*entry & PTE_PRESENT)) {
            paddr_t page;
            ts_status_t status = table_alloc(space, &page);
            if (status != TS_OK) {
                return status;
            }
            entry_set(entry, page | PTE_PRESENT | PTE_WRITE | user);
        } else if (*entry & PTE_LARGE) {
            return TS_ERR_EXISTS;
        }
        table = table_of(*entry);
    }
    *out_entry = &table[pte_index(address, 1)];
    return TS_OK;
}

static bool map_ok(const struct arch_space *space, vaddr_t address, uint64_t count, unsigned prot)
{
    if ((address & PAGE_MASK) || ((prot & ARCH_PROT_WRITE) && (prot & ARCH_PROT_EXECUTE))) {
        return false;
    }
    if (prot & ARCH_PROT_USER) {
        return space != &kernel_space && count <= TS_USER_END >> PAGE_SHIFT &&
               arch_user_range_ok(address, count << PAGE_SHIFT);
    }
    return space == &kernel_space && address >= KERNEL_WINDOW_BASE && address < KERNEL_WINDOW_END &&
           count <= (KERNEL_WINDOW_END - address) >> PAGE_SHIFT;
}

static void unmap_locked(struct arch_space *space, vaddr_t address, uint64_t count)
{
    for (; count; count--, address += PAGE_SIZE) {
        entry_set(entry_find(space, address), 0);
    }
}

ts_status_t arch_space_map_range(struct arch_space *space, vaddr_t address, paddr_t page,
                                 uint64_t count, unsigned prot, enum arch_cache cache)
{
    if (!map_ok(space, address, count, prot) || (page & ~PTE_ADDRESS)) {
        return TS_ERR_ARGUMENT;
    }
    irqflags_t flags = space_lock(space);
    ts_status_t status = TS_OK;
    uint64_t done = 0;
    uint64_t *entry = NULL;
    for (; done < count; done++) {
        vaddr_t at = address + (done << PAGE_SHIFT);
        if (!done || !pte_index(at, 1)) {
            status = entry_make(space, at, &entry);
        } else {
            entry++;
        }
        if (status == TS_OK && (*entry & PTE_PRESENT)) {
            status = TS_ERR_EXISTS;
        }
        if (status != TS_OK) {
            // Nobody was told of these pages, and what was never used is not remembered.
            unmap_locked(space, address, done);
            break;
        }
        entry_set(entry, pte_make(page + (done << PAGE_SHIFT), prot, cache));
    }
    space_unlock(space, flags);
    return status;
}

ts_status_t arch_space_map(struct arch_space *space, vaddr_t address, paddr_t page, unsigned prot,
                           enum arch_cache cache)
{
    if (!map_ok(space, address, 1, prot) || (page & ~PTE_ADDRESS)) {
        return TS_ERR_ARGUMENT;
    }
    irqflags_t flags = space_lock(space);
    uint64_t *entry = entry_find(space, address);
    ts_status_t status = entry != NULL ? TS_OK : entry_make(space, address, &entry);
    if (status == TS_OK && (*entry & PTE_PRESENT)) {
        status = TS_ERR_EXISTS;
    }
    if (status == TS_OK) {
        entry_set(entry, pte_make(page, prot, cache));
    }
    space_unlock(space, flags);
    return status;
}

ts_status_t arch_space_query(struct arch_space *space, vaddr_t address, paddr_t *out_page,
                             unsigned *out_prot)
{
    const uint64_t *at = entry_find(space, address);
    uint64_t entry = at != NULL ? *(const volatile uint64_t *)at : 0;
    if (!(entry & PTE_PRESENT)) {
        return TS_ERR_NOT_FOUND;
    }
    if (out_page != NULL) {
        *out_page = entry & PTE_ADDRESS;
    }
    if (out_prot != NULL) {
        *out_prot = prot_of(entry);
    }
    return TS_OK;
}

static void flush_add(struct arch_flush *flush, vaddr_t address)
{
    if (flush->count < ARCH_FLUSH_MAX) {
        flush->addresses[flush->count++] = address;
    } else {
        flush->count = ARCH_FLUSH_MAX + 1;
    }
}

// Replaces a present entry and notes what CPUs may remember of the old one.
static void entry_replace(uint64_t *entry, uint64_t value, vaddr_t address,
                          struct arch_flush *flush)
{
    entry_set(entry, value);
    flush_add(flush, address & ~PAGE_MASK);
}

ts_status_t arch_space_unmap(struct arch_space *space, vaddr_t address, struct arch_flush *flush,
                             paddr_t *out_page)
{
    irqflags_t flags = space_lock(space);
    uint64_t *entry = entry_find(space, address);
    uint64_t old = entry != NULL ? *entry : 0;
    if (old & PTE_PRESENT) {
        entry_replace(entry, 0, address, flush);
    }
    space_unlock(space, flags);
    if (!(old & PTE_PRESENT)) {
        return TS_ERR_NOT_FOUND;
    }
    if (out_page != NULL) {
        *out_page = old & PTE_ADDRESS;
    }
    return TS_OK;
}

// A walk's work is bounded, since locks are held: an empty entry looked at costs one, a present one
// and a hole, to which the way is from the root, this many.
#define WALK_WORK    1120
#define WALK_PRESENT 16
#define WALK_HOLE    16
_Static_assert((WALK_PRESENT + 1) * ARCH_RANGE_PAGES + 2 * WALK_HOLE <= WALK_WORK,
               "as many are promised");

// The first present entry at or after *address, before `end`; moves *address to it, or as far as
// the work goes.
static uint64_t *entry_next(struct arch_space *space, vaddr_t *address, vaddr_t end, int *work)
{
    while (*work > 0 && *address < end) {
        uint64_t *table = phys_to_virt(space->root);
        unsigned level = 4;
        uint64_t *entry = &table[pte_index(*address, level)];
        while (level > 1 && (*entry & PTE_PRESENT) && !(*entry & PTE_LARGE)) {
            table = table_of(*entry);
            entry = &table[pte_index(*address, --level)];
        }
        if (level > 1) { // a hole as large as the missing table's reach
            uint64_t reach = PAGE_SIZE << 9 * (level - 1);
            *address = (*address & ~(reach - 1)) + reach;
            *work -= WALK_HOLE;
            continue;
        }
        for (;; entry++) {
            if (*entry & PTE_PRESENT) {
                *work -= WALK_PRESENT;
                return entry;
            }
            *address += PAGE_SIZE;
            if (*address >= end || --*work <= 0 || !pte_index(*address, 1)) {
                break;
            }
        }
    }
    return NULL;
}

vaddr_t arch_space_unmap_range(struct arch_space *space, vaddr_t address, uint64_t count,
                               struct arch_flush *flush,
                               void (*removed)(vaddr_t address, paddr_t page, void *context),
                               void *context)
{
    vaddr_t end = address + (count << PAGE_SHIFT);
    int work = WALK_WORK;
    irqflags_t flags = space_lock(space);
    for (uint64_t *entry; ((entry = entry_next(space, &address, end, &work)) != NULL);
         address += PAGE_SIZE) {
        paddr_t page = *entry & PTE_ADDRESS;
        entry_replace(entry, 0, address, flush);
        if (removed != NULL) {
            removed(address, page, context);
        }
    }
    space_unlock(space, flags);
    return address < end ? address : end;
}

static bool narrows(uint64_t old, uint64_t new)
{
    return ((old ^ new) & PTE_ADDRESS) || ((old & PTE_WRITE) && !(new &PTE_WRITE)) ||
           (!(old & PTE_NX) && (new &PTE_NX));
}

// Whether a page that can be written would become one that can be executed, or the other way
// round. CPUs that remember the old entry go on using it until the flush.
static bool crosses(uint64_t old, unsigned prot)
{
    return ((old & PTE_WRITE) && (prot & ARCH_PROT_EXECUTE)) ||
           (!(old & PTE_NX) && (prot & ARCH_PROT_WRITE));
}

static void entry_change(uint64_t *entry, paddr_t page, unsigned prot, vaddr_t address,
                         struct arch_flush *flush)
{
    uint64_t old = *entry;
    if (crosses(old, prot)) {
        prot &= ~(ARCH_PROT_WRITE | ARCH_PROT_EXECUTE);
    }
    uint64_t new = pte_make(page, prot, ARCH_CACHE_WRITE_BACK) | (old & (PTE_PCD | PTE_PWT));
    if (narrows(old, new)) {
        entry_replace(entry, new, address, flush);
    } else {
        entry_set(entry, new);
    }
}

static ts_status_t change(struct arch_space *space, vaddr_t address, const paddr_t *page,
                          unsigned prot, struct arch_flush *flush)
{
    if (!map_ok(space, address & ~PAGE_MASK, 1, prot) || (page != NULL && (*page & ~PTE_ADDRESS))) {
        return TS_ERR_ARGUMENT;
    }
    irqflags_t flags = space_lock(space);
    uint64_t *entry = entry_find(space, address);
    bool found = entry != NULL && (*entry & PTE_PRESENT);
    if (found) {
        entry_change(entry, page != NULL ? *page : *entry & PTE_ADDRESS, prot, address, flush);
    }
    space_unlock(space, flags);
    return found ? TS_OK : TS_ERR_NOT_FOUND;
}

ts_status_t arch_space_protect(struct arch_space *space, vaddr_t address, unsigned prot,
                               struct arch_flush *flush)
{
    return change(space, address, NULL, prot, flush);
}

ts_status_t arch_space_remap(struct arch_space *space, vaddr_t address, paddr_t page, unsigned prot,
                             struct arch_flush *flush)
{
    return change(space, address, &page, prot, flush);
}

vaddr_t arch_space_protect_range(struct arch_space *space, vaddr_t address, uint64_t count,
                                 unsigned prot, struct arch_flush *flush)
{
    vaddr_t end = address + (count << PAGE_SHIFT);
    int work = WALK_WORK;
    irqflags_t flags = space_lock(space);
    for (uint64_t *entry; ((entry = entry_next(space, &address, end, &work)) != NULL);
         address += PAGE_SIZE) {
        entry_change(entry, *entry & PTE_ADDRESS, prot, address, flush);
    }
    space_unlock(space, flags);
    return address < end ? address : end;
}

ts_status_t arch_space_create(struct arch_space *space)
{
    paddr_t page;
    ts_status_t status = table_alloc(space, &page);
    if (status == TS_OK) {
        kernel_root_copy(phys_to_virt(page));
        space->root = page;
    }
    return status;
}

#define LINE 16 // entries that are looked at together: most are empty

static bool line_is_empty(const uint64_t *line)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < LINE; i++) {
        any |= line[i];
    }
    return any == 0;
}

// Frees tables below one of level 2 or more, lowest first, as many as *left says. True: all of
// them. None walks them any more, and a later step finds none twice.
static bool tables_free_some(struct arch_space *space, uint64_t *table, unsigned level,
                             unsigned count, unsigned *left)
{
    for (uint64_t *line = table; line < table + count; line += LINE) {
        if (line_is_empty(line)) {
            continue;
        }
        for (unsigned i = 0; i < LINE; i++) {
            if (!(line[i] & PTE_PRESENT)) {
                continue;
            }
            if (level > 2 &&
                !tables_free_some(space, table_of(line[i]), level - 1, PTE_COUNT, left)) {
                return false;
            }
            if (!*left) {
                return false;
            }
            --*left;
            paddr_t page = line[i] & PTE_ADDRESS;
            entry_set(&line[i], 0);
            page_table_free(space, page);
        }
    }
    return true;
}

#define TABLES_A_STEP 32u

void space_leave_everywhere(struct arch_space *space); // smp/request.c

bool arch_space_destroy_some(struct arch_space *space)
{
    if (!space->root) {
        return false;
    }
    unsigned left = TABLES_A_STEP;
    space_leave_everywhere(space);
    if (!tables_free_some(space, phys_to_virt(space->root), 4, PTE_COUNT / 2, &left)) {
        return true;
    }
    page_table_free(space, space->root);
    space->root = 0;
    return false;
}
