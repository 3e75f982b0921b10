// SPDX-License-Identifier: MIT
// The layout of the table is described in tools/mksymbols.py.
#include <base/symbol.h>

#include <arch/memory.h>

struct entry {
    uint32_t offset, name;
};

struct table {
    uint32_t count, name_bytes;
    struct entry entries[];
};

extern const struct table kernel_symbols_start __attribute__((weak));

const char *symbol_find(vaddr_t address, uint64_t *out_offset)
{
    const struct table *table = &kernel_symbols_start;
    __asm__("" : "+r"(table)); // in the first links it is absent: let no one reason it is not NULL
    if (table == NULL || address < KERNEL_IMAGE_BASE || !table->count) {
        return NULL;
    }
    uint64_t offset = address - KERNEL_IMAGE_BASE;
    uint32_t low = 0, high = table->count; // the last entry at or below `offset` is in [low, high)
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (table->entries[middle].offset <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const struct entry *entry = &table->entries[low];
    const char *name = (const char *)&table->entries[table->count] + entry->name;
    if (entry->offset > offset || !*name) {
        return NULL;
    }
    *out_offset = offset - entry->offset;
    return name;
}
