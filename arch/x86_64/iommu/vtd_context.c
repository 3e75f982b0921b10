// SPDX-License-Identifier: MIT
// VT-d's entries for functions (context entries, a table for each bus), and what else the common
// code wants of a unit.
//
// An entry that is not present stops every access of its function.
#include "device.h"
#include "vtd.h"

#include <arch/memory.h>

#define PRESENT        1u // of root and context entries
#define COUNT_SHIFT    52 // of entries for pages and tables
#define COUNT_MASK     0x1ffu
#define RIGHTS         3u // read, write
#define CONTEXT_LEVELS 2u // less than the tables have

// The entry of a function; NULL: its bus has no table, and none can be made.
static uint64_t *context(struct vtd *u, uint16_t source)
{
    uint64_t *bus = &u->root[2 * (source >> 8)];
    if (!(*bus & PRESENT)) {
        paddr_t page = table_page();
        if (!page) {
            return NULL;
        }
        vtd_write_back(u, phys_to_virt(page), PAGE_SIZE);
        *(volatile uint64_t *)bus = page | PRESENT;
        vtd_write_back(u, bus, sizeof(*bus));
    }
    uint64_t *table = phys_to_virt(*bus & ~PAGE_MASK);
    return &table[2 * (source & 0xff)];
}

// Sets an entry that the hardware may be reading: absent while its halves do not fit together.
static void context_set(struct vtd *u, uint64_t *entry, uint64_t low, uint64_t high)
{
    volatile uint64_t *words = entry;
    words[0] = 0;
    vtd_write_back(u, entry, 2 * sizeof(*entry));
    words[1] = high;
    vtd_write_back(u, entry, 2 * sizeof(*entry));
    words[0] = low;
    vtd_write_back(u, entry, 2 * sizeof(*entry));
}

static bool entry_change(struct iommu *unit, uint16_t source, uint64_t low, uint64_t high)
{
    struct vtd *u = vtd_of(unit);
    uint64_t *entry = context(u, source);
    if (entry != NULL) {
        context_set(u, entry, low, high);
        vtd_forget_contexts(u);
    }
    return entry != NULL;
}

static bool block(struct iommu *unit, uint16_t source, bool silent)
{
    return entry_change(unit, source, silent ? VTD_CONTEXT_NO_FAULT : 0, 0);
}

static bool admit(struct iommu *unit, uint16_t source, paddr_t root, uint16_t id)
{
    return entry_change(unit, source, root | PRESENT,
                        (uint64_t)id << 8 | (unit->levels - CONTEXT_LEVELS));
}

static bool prepare(struct iommu *unit)
{
    return vtd_prepare(vtd_of(unit));
}

static bool translate(struct iommu *unit)
{
    return vtd_translate(vtd_of(unit));
}

static void write_back(const struct iommu *unit, const volatile void *start, size_t bytes)
{
    vtd_write_back(vtd_of(unit), start, bytes);
}

static void forget_pages(struct iommu *unit, uint16_t id)
{
    vtd_forget_pages(vtd_of(unit), id);
}

static void faults_on(struct iommu *unit, uint32_t vector, uint32_t apic_id)
{
    vtd_faults_on(vtd_of(unit), vector, apic_id);
}

static void faults_off(struct iommu *unit)
{
    vtd_faults_off(vtd_of(unit));
}

static bool fault_next(struct iommu *unit, uint32_t *at, struct iommu_fault *out)
{
    return vtd_fault_next(vtd_of(unit), at, out);
}

static void faults_drop(struct iommu *unit, uint16_t source)
{
    vtd_faults_drop(vtd_of(unit), source);
}

static bool fault_more(struct iommu *unit)
{
    return vtd_fault_more(vtd_of(unit));
}

static uint64_t count_of(uint64_t entry)
{
    return entry >> COUNT_SHIFT & COUNT_MASK;
}

static uint64_t count_bits(uint64_t count)
{
    return count << COUNT_SHIFT;
}

const struct iommu_kind vtd_kind = {.name = "VT-d",
                                    .format = {.present = RIGHTS,
                                               .page = RIGHTS,
                                               .table = RIGHTS,
                                               .counts = (uint64_t)COUNT_MASK << COUNT_SHIFT,
                                               .count_of = count_of,
                                               .count_bits = count_bits},
                                    .prepare = prepare,
                                    .translate = translate,
                                    .write_back = write_back,
                                    .block = block,
                                    .admit = admit,
                                    .forget_pages = forget_pages,
                                    .faults_on = faults_on,
                                    .faults_off = faults_off,
                                    .fault_next = fault_next,
                                    .faults_drop = faults_drop,
                                    .fault_more = fault_more};
