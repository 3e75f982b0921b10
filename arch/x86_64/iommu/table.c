// SPDX-License-Identifier: MIT
// Tables of what a device reaches. Three or four levels of a page each, as the CPU's; what their
// entries look like is the unit's format. Bits that the hardware ignores have counts: in an entry
// for a table how many entries of that are in use, modulo 512 (nobody looks at it while the table
// is full), in one for a page how often it is mapped. So a table is given back when its last entry
// goes.
//
// The hardware remembers tables as it does pages: one that was taken out is kept in a chain until
// arch_dma_flush(). The chain is threaded through the tables' first words: addresses of pages,
// which read as entries without rights.
#include "device.h"

#include <arch/boot.h>
#include <arch/hooks.h>
#include <arch/memory.h>
#include <string.h>
#include <tessera/abi/status.h>

#define ADDRESS    UINT64_C(0x000ffffffffff000)
#define COUNT_MAX  511u
#define LEVELS_MAX 4u

struct path {
    uint64_t *entries[LEVELS_MAX + 1]; // by level; 1: of the page
};

static const struct iommu_format *format(const struct arch_dma *dma)
{
    return &dma->unit->kind->format;
}

static uint64_t count_of(const struct arch_dma *dma, uint64_t entry)
{
    return format(dma)->count_of(entry);
}

static void entry_set(const struct arch_dma *dma, uint64_t *entry, uint64_t value)
{
    *(volatile uint64_t *)entry = value;
    dma->unit->kind->write_back(dma->unit, entry, sizeof(*entry));
}

static void count_set(const struct arch_dma *dma, uint64_t *entry, uint64_t count)
{
    const struct iommu_format *f = format(dma);
    entry_set(dma, entry, (*entry & ~f->counts) | f->count_bits(count & COUNT_MAX));
}

static ts_status_t table_alloc(const struct arch_dma *dma, uint64_t **out_table)
{
    paddr_t page;
    ts_status_t status = TS_OK;
    if (boot_memory_active()) {
        page = boot_page_alloc(PAGE_SIZE, PAGE_SIZE);
    } else {
        status = dma_table_alloc(dma->owner, &page);
    }
    if (status == TS_OK) {
        *out_table = phys_to_virt(page);
        dma->unit->kind->write_back(dma->unit, *out_table, PAGE_SIZE);
    }
    return status;
}

ts_status_t table_root(struct arch_dma *dma)
{
    return dma->root != NULL ? TS_OK : table_alloc(dma, &dma->root);
}

static uint64_t *entry_at(uint64_t *table, paddr_t page, unsigned level)
{
    return &table[page >> (PAGE_SHIFT + 9 * (level - 1)) & 511];
}

// One entry more or less is in use in the table that the entry of level `level` + 1 leads to.
static void count_add(struct arch_dma *dma, const struct path *path, unsigned level, bool more)
{
    if (level == dma->unit->levels) {
        dma->used += more ? 1 : -UINT64_C(1);
    } else {
        uint64_t *above = path->entries[level + 1];
        uint64_t count = count_of(dma, *above);
        count_set(dma, above, more ? count + 1 : count - 1);
    }
}

// Takes tables without entries out, from the one that the entry of `level` leads to upwards.
static void prune(struct arch_dma *dma, const struct path *path, unsigned level)
{
    for (; level <= dma->unit->levels && count_of(dma, *path->entries[level]) == 0; level++) {
        uint64_t *table = phys_to_virt(*path->entries[level] & ADDRESS);
        entry_set(dma, path->entries[level], 0);
        entry_set(dma, table, dma->given_back);
        dma->given_back = virt_to_phys(table);
        count_add(dma, path, level, false);
    }
}

// Finds the entries for a page; with `make`, tables that are missing are made. TS_ERR_NOT_FOUND.
static ts_status_t walk(struct arch_dma *dma, paddr_t page, bool make, struct path *path)
    LOCK_REQUIRES(dma->lock)
{
    ts_status_t status = make ? table_root(dma) : dma->root != NULL ? TS_OK : TS_ERR_NOT_FOUND;
    uint64_t *table = dma->root;
    unsigned level = dma->unit->levels;
    for (; status == TS_OK && level > 1; level--) {
        uint64_t *entry = path->entries[level] = entry_at(table, page, level);
        if (!(*entry & format(dma)->present)) {
            status = make ? table_alloc(dma, &table) : TS_ERR_NOT_FOUND;
            if (status != TS_OK) {
                break;
            }
            entry_set(dma, entry,
                      virt_to_phys(table) | format(dma)->table | (level - 1) * format(dma)->level);
            count_add(dma, path, level, true);
        }
        table = phys_to_virt(*entry & ADDRESS);
    }
    if (status == TS_OK) {
        path->entries[1] = entry_at(table, page, 1);
    } else if (make && level < dma->unit->levels) {
        prune(dma, path, level + 1); // what was made for nothing
    }
    return status;
}

static ts_status_t map_locked(struct arch_dma *dma, paddr_t page) LOCK_REQUIRES(dma->lock)
{
    struct path path;
    ts_status_t status = walk(dma, page, true, &path);
    if (status != TS_OK) {
        return status;
    }
    uint64_t *entry = path.entries[1];
    if (count_of(dma, *entry) == COUNT_MAX) {
        return TS_ERR_LIMIT;
    }
    if (!*entry) {
        entry_set(dma, entry, page | format(dma)->page | format(dma)->count_bits(1));
        count_add(dma, &path, 1, true);
    } else {
        count_set(dma, entry, count_of(dma, *entry) + 1);
    }
    return TS_OK;
}

ts_status_t arch_dma_map(struct arch_dma *dma, paddr_t page)
{
    if (page >> dma->unit->width) {
        return TS_ERR_RANGE;
    }
    irqflags_t flags = spin_lock(&dma->lock);
    ts_status_t status = map_locked(dma, page);
    spin_unlock(&dma->lock, flags);
    if (status == TS_OK && dma->unit->caches_absent) {
        arch_dma_flush(dma);
    }
    return status;
}

void arch_dma_unmap(struct arch_dma *dma, paddr_t page)
{
    struct path path;
    irqflags_t flags = spin_lock(&dma->lock);
    if (walk(dma, page, false, &path) == TS_OK && *path.entries[1]) {
        uint64_t *entry = path.entries[1];
        uint64_t count = count_of(dma, *entry);
        if (count > 1) {
            count_set(dma, entry, count - 1);
        } else {
            entry_set(dma, entry, 0);
            count_add(dma, &path, 1, false);
            prune(dma, &path, 2);
        }
    }
    spin_unlock(&dma->lock, flags);
}

void arch_dma_flush(struct arch_dma *dma)
{
    irqflags_t flags = spin_lock(&dma->lock);
    paddr_t chain = dma->given_back;
    dma->given_back = 0;
    if (dma->root != NULL && dma->used == 0 && !atomic_load(&dma->admitted)) {
        dma->root[0] = chain;
        chain = virt_to_phys(dma->root);
        dma->root = NULL;
    }
    spin_lock_off(&dma->unit->lock);
    dma->unit->kind->forget_pages(dma->unit, dma->id);
    spin_unlock_off(&dma->unit->lock);
    spin_unlock(&dma->lock, flags);
    while (chain) {
        paddr_t next = *(uint64_t *)phys_to_virt(chain);
        dma_table_free(dma->owner, chain);
        chain = next;
    }
}
