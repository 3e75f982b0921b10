// SPDX-License-Identifier: MIT
// See world.h.
#include "world.h"

#include <arch/boot.h>
#include <arch/memory.h>
#include <arch/smp.h>
#include <arch/user.h>
#include <cpu.h>
#include <mm/heap.h>
#include <mm/page.h>
#include <object/process.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/check.h"

#define RAM_BYTES  (UINT64_C(32) << 20)
#define EARLY_BASE (UINT64_C(1) << 20)
#define EARLY_END  (UINT64_C(4) << 20)
#define ENTRIES    65536u
#define SPACES     64u

char *world_ram;
uint64_t world_map_calls;
struct boot_info boot_info;

// Page table entries of all spaces, open hashing; what was removed and not flushed stays `stale`.
static struct entry {
    uint32_t space; // number + 1; 0: free
    bool present, stale;
    unsigned remembered; // protections that a CPU may still use
    vaddr_t address;
    paddr_t page;
    unsigned protection;
} entries[ENTRIES];

// Those that a CPU may still know otherwise: a flush goes through these alone.
static struct entry *noted[ENTRIES];
static uint32_t noted_count;

static struct table {
    struct arch_space *space;
    paddr_t pages[4096];
    vaddr_t covers[4096]; // 2 MiB each
    uint32_t count;
} tables[SPACES];

static struct arch_space kernel_space = {.number = 0};
static uint32_t flushes_open;
static paddr_t early = EARLY_BASE;
static struct cpu cpus[2];
static _Thread_local struct cpu *cpu = &cpus[0];
static _Thread_local struct thread current;

struct thread *arch_cpu_thread(void)
{
    return &current;
}

struct cpu *arch_cpu_self(void)
{
    return cpu;
}

uint32_t cpu_count(void)
{
    return sizeof(cpus) / sizeof(cpus[0]);
}

void world_cpu(uint32_t id)
{
    cpu = &cpus[id];
    cpu->id = id;
}

// ---- Boot

paddr_t boot_page_alloc(uint64_t bytes, uint64_t align)
{
    early = (early + align - 1) & ~(align - 1);
    paddr_t at = early;
    early += (bytes + PAGE_MASK) & ~PAGE_MASK;
    CHECK(early <= EARLY_END);
    memset(world_ram + at, 0, bytes);
    return at;
}

static void range_add(paddr_t base, paddr_t end, enum boot_memory_kind kind)
{
    boot_info.ranges[boot_info.range_count++] =
        (struct boot_range){.base = base, .size = end - base, .kind = kind};
}

void boot_memory_iterate(void (*take)(paddr_t base, uint64_t size, void *context), void *context)
{
    take(0x10000, 0x90000, context);
    take(EARLY_END, RAM_BYTES / 2 - EARLY_END, context);
    take(RAM_BYTES / 2 + 0x5000, RAM_BYTES / 2 - 0x5000, context);
}

void world_start(void)
{
    world_ram = aligned_alloc(PAGE_SIZE, RAM_BYTES);
    memset(world_ram, 0x77, RAM_BYTES);
    range_add(0, 0xa0000, BOOT_MEMORY_RAM);
    range_add(0x100000, RAM_BYTES / 2, BOOT_MEMORY_RAM);
    range_add(RAM_BYTES / 2, RAM_BYTES / 2 + 0x5000, BOOT_MEMORY_FIRMWARE);
    range_add(RAM_BYTES / 2 + 0x5000, RAM_BYTES, BOOT_MEMORY_RAM);
    // What the table has behind its last entry is none, whatever it looks like.
    range_add(0xa0000, UINT64_C(1) << 30, BOOT_MEMORY_RAM);
    boot_info.range_count--;
    page_init();
    heap_init();
    job_init();
}

uint64_t world_pages_free(void)
{
    struct page_statistics statistics;
    page_statistics_get(&statistics);
    return statistics.free;
}

// ---- Page tables

static struct entry *entry_find(const struct arch_space *space, vaddr_t address, bool make)
{
    uint64_t hash = (address >> PAGE_SHIFT) * UINT64_C(0x9e3779b97f4a7c15) + space->number * 77;
    for (uint32_t i = (uint32_t)(hash >> 40);; i++) {
        struct entry *entry = &entries[i % ENTRIES];
        if (entry->space == space->number + 1 && entry->address == address) {
            return entry;
        }
        if (entry->space == 0) {
            if (make) {
                *entry = (struct entry){.space = space->number + 1, .address = address};
            }
            return make ? entry : NULL;
        }
    }
}

struct arch_space *arch_kernel_space(void)
{
    return &kernel_space;
}

ts_status_t arch_space_create(struct arch_space *space)
{
    for (uint32_t i = 1; i < SPACES; i++) {
        if (tables[i].space != NULL) {
            continue;
        }
        ts_status_t status = page_table_alloc(space, &space->root);
        if (status == TS_OK) {
            tables[i] = (struct table){.space = space};
            space->number = i;
        }
        return status;
    }
    abort();
}

static void entry_note(struct entry *entry)
{
    if (!entry->stale && entry->remembered == 0) {
        noted[noted_count++] = entry;
    }
}

// Every CPU knows the entries of a space as they are.
static void entries_forget(const struct arch_space *space)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < noted_count; i++) {
        struct entry *entry = noted[i];
        if (entry->space == space->number + 1) {
            entry->stale = false, entry->remembered = 0;
        } else {
            noted[kept++] = entry;
        }
    }
    noted_count = kept;
}

bool arch_space_destroy_some(struct arch_space *space)
{
    if (space->root == 0) {
        return false;
    }
    struct table *table = &tables[space->number];
    for (uint32_t i = 0; i < table->count; i++) {
        page_table_free(space, table->pages[i]);
    }
    page_table_free(space, space->root);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        if (entries[i].space == space->number + 1) {
            entries[i].present = false;
        }
    }
    entries_forget(space);
    table->space = NULL;
    space->root = 0;
    return false;
}

static ts_status_t table_make(struct arch_space *space, vaddr_t address)
{
    struct table *table = &tables[space->number];
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->covers[i] == address >> 21) {
            return TS_OK;
        }
    }
    ts_status_t status = page_table_alloc(space, &table->pages[table->count]);
    if (status == TS_OK) {
        table->covers[table->count++] = address >> 21;
    }
    return status;
}

ts_status_t arch_space_map(struct arch_space *space, vaddr_t address, paddr_t page, unsigned prot,
                           enum arch_cache cache)
{
    (void)cache;
    world_map_calls++;
    CHECK((address & PAGE_MASK) == 0 && (page & PAGE_MASK) == 0);
    CHECK((prot & (ARCH_PROT_WRITE | ARCH_PROT_EXECUTE)) != (ARCH_PROT_WRITE | ARCH_PROT_EXECUTE));
    ts_status_t status = table_make(space, address);
    if (status != TS_OK) {
        return status;
    }
    struct entry *entry = entry_find(space, address, true);
    if (entry->present) {
        return TS_ERR_EXISTS;
    }
    CHECK(!entry->stale); // given out again before every CPU forgot it
    entry->present = true;
    entry->page = page;
    entry->protection = prot;
    return TS_OK;
}

ts_status_t arch_space_query(struct arch_space *space, vaddr_t address, paddr_t *out_page,
                             unsigned *out_prot)
{
    const struct entry *entry = entry_find(space, address, false);
    if (entry == NULL || !entry->present) {
        return TS_ERR_NOT_FOUND;
    }
    *out_page = entry->page;
    *out_prot = entry->protection;
    return TS_OK;
}

static void flush_note(struct arch_flush *flush, struct entry *entry)
{
    flushes_open += flush->count == 0;
    flush->count++;
    entry_note(entry);
    entry->stale = true;
}

void arch_flush_commit(struct arch_flush *flush)
{
    if (flush->count == 0) {
        return;
    }
    entries_forget(flush->space);
    flushes_open--;
    flush->count = 0;
}

vaddr_t arch_space_unmap_range(struct arch_space *space, vaddr_t address, uint64_t count,
                               struct arch_flush *flush,
                               void (*removed)(vaddr_t address, paddr_t page, void *context),
                               void *context)
{
    for (uint32_t left = ARCH_RANGE_PAGES; count > 0 && left > 0; count--, address += PAGE_SIZE) {
        struct entry *entry = entry_find(space, address, false);
        if (entry == NULL || !entry->present) {
            continue;
        }
        flush_note(flush, entry);
        entry->present = false;
        if (removed != NULL) {
            removed(address, entry->page, context);
        }
        left--;
    }
    return address;
}

ts_status_t arch_space_unmap(struct arch_space *space, vaddr_t address, struct arch_flush *flush,
                             paddr_t *out_page)
{
    if (arch_space_query(space, address, out_page, &(unsigned){0}) != TS_OK) {
        return TS_ERR_NOT_FOUND;
    }
    (void)arch_space_unmap_range(space, address, 1, flush, NULL, NULL);
    return TS_OK;
}

// As the machine's page tables do it: nothing goes from writable to executable, or back, before
// every CPU knows.
static void entry_protect(struct entry *entry, unsigned prot, struct arch_flush *flush)
{
    const unsigned both = ARCH_PROT_WRITE | ARCH_PROT_EXECUTE;
    if (((entry->protection | prot) & both) == both) {
        prot &= ~both;
    }
    if ((entry->protection & both & ~prot) != 0) {
        flushes_open += flush->count == 0;
        flush->count++;
        entry_note(entry);
        entry->remembered |= entry->protection;
    }
    entry->protection = prot;
    CHECK(((entry->protection | entry->remembered) & both) != both);
}

vaddr_t arch_space_protect_range(struct arch_space *space, vaddr_t address, uint64_t count,
                                 unsigned prot, struct arch_flush *flush)
{
    for (uint32_t left = ARCH_RANGE_PAGES; count > 0 && left > 0; count--, address += PAGE_SIZE) {
        struct entry *entry = entry_find(space, address, false);
        if (entry == NULL || !entry->present) {
            continue;
        }
        entry_protect(entry, prot, flush);
        left--;
    }
    return address;
}

ts_status_t arch_space_protect(struct arch_space *space, vaddr_t address, unsigned prot,
                               struct arch_flush *flush)
{
    struct entry *entry = entry_find(space, address, false);
    if (entry == NULL || !entry->present) {
        return TS_ERR_NOT_FOUND;
    }
    entry_protect(entry, prot, flush);
    return TS_OK;
}

ts_status_t kernel_window_alloc(uint64_t bytes, vaddr_t *out_address)
{
    static vaddr_t next = KERNEL_WINDOW_BASE;
    *out_address = next;
    next += bytes;
    return TS_OK;
}

void page_zero(void *page)
{
    memset(page, 0, PAGE_SIZE);
}

bool world_mapped(const struct address_space *space, vaddr_t address, unsigned *out_protection)
{
    const struct entry *entry = entry_find(&space->arch, address, false);
    if (entry == NULL || !entry->present) {
        return false;
    }
    CHECK((entry->protection & ARCH_PROT_USER) != 0);
    *out_protection = ((entry->protection & ARCH_PROT_READ) != 0 ? TS_MAP_READ : 0) |
                      ((entry->protection & ARCH_PROT_WRITE) != 0 ? TS_MAP_WRITE : 0) |
                      ((entry->protection & ARCH_PROT_EXECUTE) != 0 ? TS_MAP_EXECUTE : 0);
    return true;
}

paddr_t world_kernel_frame(const void *pointer)
{
    vaddr_t address = (vaddr_t)pointer;
    if (address < KERNEL_WINDOW_BASE) {
        return virt_to_phys(pointer) & ~PAGE_MASK;
    }
    const struct entry *entry = entry_find(&kernel_space, address & ~PAGE_MASK, false);
    CHECK(entry != NULL && entry->present && (entry->protection & ARCH_PROT_USER) == 0);
    return entry->page;
}

void world_check(void)
{
    CHECK(flushes_open == 0);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        if (entries[i].space == 0 || (!entries[i].present && !entries[i].stale)) {
            continue;
        }
        CHECK(!entries[i].stale);
        const struct page *page = page_find(entries[i].page);
        CHECK(page == NULL ? entries[i].page >= DEVICE_BASE
                           : page->state == PAGE_USED && page->references == 1);
    }
}

// ---- User memory

void world_enter(struct address_space *space)
{
    current.machine.space = space != NULL ? &space->arch : NULL;
    cpu->machine_thread = &current.machine;
}

bool world_copies_as_is;

// As a copy with interrupts on: faults are resolved.
static ts_status_t user_move(vaddr_t user, char *kernel, size_t length, bool write)
{
    if (!arch_user_range_ok(user, length)) {
        return TS_ERR_FAULT;
    }
    for (; length > 0; length--, user++, kernel++) {
        vaddr_t at = user & ~PAGE_MASK;
        const struct entry *entry = entry_find(current.machine.space, at, false);
        if (entry == NULL || !entry->present ||
            (write && (entry->protection & ARCH_PROT_WRITE) == 0)) {
            if (world_copies_as_is ||
                kernel_page_fault(user, write ? ARCH_FAULT_WRITE : 0) != TS_OK) {
                return TS_ERR_FAULT;
            }
            entry = entry_find(current.machine.space, at, false);
        }
        CHECK(entry != NULL && entry->present);
        char *memory = world_ram + entry->page + (user & PAGE_MASK);
        if (write) {
            *memory = *kernel;
        } else {
            *kernel = *memory;
        }
    }
    return TS_OK;
}

ts_status_t copy_from_user(void *to, vaddr_t from, size_t length)
{
    return user_move(from, to, length, false);
}

ts_status_t copy_to_user(vaddr_t to, const void *from, size_t length)
{
    return user_move(to, (char *)(uintptr_t)from, length, true);
}
