// SPDX-License-Identifier: MIT
// The memory map, made orderly, and the early allocator.
//
// Firmware maps may overlap and come unsorted. Where entries overlap the more careful kind wins;
// RAM is rounded inwards to pages, everything else outwards.
//
// Free memory is RAM without the first 64 KiB (firmware's data and the page from which further
// CPUs start), the kernel image and the modules. The early allocator takes from the start of the
// first free range above 1 MiB that has room; so what is left is again a list of ranges.
#include "boot.h"

#include <arch/memory.h>
#include <log.h>
#include <panic.h>
#include <string.h>

#define FREE_MAX     (BOOT_RANGE_MAX + BOOT_MODULE_MAX + 4)
#define LOW_RESERVED 0x10000u
#define EARLY_MIN    0x100000u
#define EARLY_END    (UINT64_C(1) << 32) // what the boot page tables reach

extern char kernel_load_start[], kernel_load_end[];

static struct boot_range raw[BOOT_RANGE_MAX];
static uint32_t raw_count;

struct free_range {
    paddr_t base, end;
};
static struct free_range free_ranges[FREE_MAX];
static uint32_t free_count;
static bool early_over;

void boot_range_add(paddr_t base, uint64_t size, enum boot_memory_kind kind)
{
    paddr_t end = base + size;
    if (kind == BOOT_MEMORY_RAM) {
        base = (base + PAGE_MASK) & ~PAGE_MASK;
        end &= ~PAGE_MASK;
    } else {
        base &= ~PAGE_MASK;
        end = (end + PAGE_MASK) & ~PAGE_MASK;
    }
    if (end <= base) {
        return;
    }
    if (raw_count == BOOT_RANGE_MAX) {
        log_warn("boot: memory map too long, a range at %#lx is left out", (unsigned long)base);
        return;
    }
    raw[raw_count++] = (struct boot_range){.base = base, .size = end - base, .kind = kind};
}

// The most careful kind that covers [base, next border), 0 for a hole; moves *next to that border.
static unsigned kind_at(paddr_t base, paddr_t *next)
{
    unsigned kind = 0;
    *next = UINT64_MAX;
    for (uint32_t i = 0; i < raw_count; i++) {
        paddr_t start = raw[i].base, end = start + raw[i].size;
        if (start <= base && base < end) {
            kind = raw[i].kind > kind ? raw[i].kind : kind;
            *next = end < *next ? end : *next;
        } else if (start > base) {
            *next = start < *next ? start : *next;
        }
    }
    return kind;
}

void boot_range_normalise(void)
{
    struct boot_range *last = NULL;
    paddr_t at = 0, next;
    for (; at != UINT64_MAX; at = next) {
        unsigned kind = kind_at(at, &next);
        if (!kind || next == UINT64_MAX) {
            continue;
        }
        if (last != NULL && last->kind == kind && last->base + last->size == at) {
            last->size = next - last->base;
        } else if (boot_info.range_count < BOOT_RANGE_MAX) {
            last = &boot_info.ranges[boot_info.range_count++];
            *last = (struct boot_range){.base = at, .size = next - at, .kind = kind};
        }
        boot_info.ram_bytes += kind == BOOT_MEMORY_RAM ? next - at : 0;
    }
}

static void free_remove(paddr_t base, paddr_t end)
{
    for (uint32_t i = 0; i < free_count; i++) {
        struct free_range *r = &free_ranges[i];
        if (end <= r->base || base >= r->end) {
            continue;
        }
        if (base > r->base && end < r->end) { // split
            if (free_count < FREE_MAX) {
                memmove(r + 1, r, (free_count - i) * sizeof(*r));
                free_count++;
                r[1].base = end;
            }
            r->end = base;
        } else if (base <= r->base) {
            r->base = end < r->end ? end : r->end;
        } else {
            r->end = base;
        }
    }
}

void boot_memory_init(void)
{
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        const struct boot_range *r = &boot_info.ranges[i];
        if (r->kind == BOOT_MEMORY_RAM) {
            free_ranges[free_count++] = (struct free_range){r->base, r->base + r->size};
        }
    }
    free_remove(0, LOW_RESERVED);
    free_remove((paddr_t)kernel_load_start, (paddr_t)kernel_load_end);
    for (uint32_t i = 0; i < boot_info.module_count; i++) {
        const struct boot_module *module = &boot_info.modules[i];
        free_remove(module->base, (module->base + module->size + PAGE_MASK) & ~PAGE_MASK);
    }
}

bool boot_memory_active(void)
{
    return !early_over;
}

paddr_t boot_page_alloc(uint64_t bytes, uint64_t align)
{
    KREQUIRE(!early_over);
    bytes = (bytes + PAGE_MASK) & ~PAGE_MASK;
    for (uint32_t i = 0; i < free_count; i++) {
        struct free_range *r = &free_ranges[i];
        paddr_t base = (r->base + align - 1) & ~(align - 1);
        if (base < EARLY_MIN || base + bytes > r->end || base + bytes > EARLY_END) {
            continue;
        }
        free_remove(base, base + bytes); // what alignment skipped stays free
        memset(phys_to_virt(base), 0, bytes);
        return base;
    }
    panic("boot: no memory for %lu bytes", (unsigned long)bytes);
}

void boot_memory_iterate(void (*take)(paddr_t base, uint64_t size, void *context), void *context)
{
    early_over = true;
    for (uint32_t i = 0; i < free_count; i++) {
        if (free_ranges[i].end > free_ranges[i].base) {
            take(free_ranges[i].base, free_ranges[i].end - free_ranges[i].base, context);
        }
    }
}

paddr_t boot_low_page(void)
{
    for (paddr_t page = LOW_RESERVED - PAGE_SIZE; page >= PAGE_SIZE; page -= PAGE_SIZE) {
        for (uint32_t i = 0; i < boot_info.range_count; i++) {
            const struct boot_range *r = &boot_info.ranges[i];
            if (r->kind == BOOT_MEMORY_RAM && r->base <= page &&
                page + PAGE_SIZE <= r->base + r->size) {
                return page;
            }
        }
    }
    return 0;
}
