// SPDX-License-Identifier: MIT
// What firmware said of functions: which unit has them, whose number their accesses bear, what they
// go on reaching. And what is asked of the machine for that.
#include "device.h"

#include <arch/boot.h>
#include <arch/hooks.h>
#include <arch/memory.h>
#include <log.h>
#include <machine/x86.h>
#include <tessera/abi/status.h>

#define RANGES_MAX    256u
#define CONFIG_SELECT 0xcf8
#define CONFIG_DATA   0xcfc
#define CONFIG_ENABLE 0x80000000u

static struct device_range claims[RANGES_MAX], aliases[RANGES_MAX], regions[DEVICE_REGIONS_MAX];
static uint32_t claim_count, alias_count, region_count;
static struct iommu *rests[IOMMU_UNITS_MAX];
static uint32_t rest_count;

bool memory_is_ours(paddr_t base, paddr_t end)
{
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        const struct boot_range *range = &boot_info.ranges[i];
        if (range->kind == BOOT_MEMORY_RAM && range->base < end &&
            base < range->base + range->size) {
            return true;
        }
    }
    return false;
}

uint8_t config_read(uint8_t bus, uint8_t devfn, uint8_t offset)
{
    x86_out32(CONFIG_SELECT,
              CONFIG_ENABLE | (uint32_t)bus << 16 | (uint32_t)devfn << 8 | (offset & 0xfcu));
    return (uint8_t)(x86_in32(CONFIG_DATA) >> 8 * (offset & 3));
}

void config_write(uint8_t bus, uint8_t devfn, uint8_t offset, uint32_t value)
{
    x86_out32(CONFIG_SELECT,
              CONFIG_ENABLE | (uint32_t)bus << 16 | (uint32_t)devfn << 8 | (offset & 0xfcu));
    x86_out32(CONFIG_DATA, value);
}

paddr_t table_page(void)
{
    paddr_t page;
    if (boot_memory_active()) {
        page = boot_page_alloc(PAGE_SIZE, PAGE_SIZE);
    } else if (kernel_page_alloc(&page) != TS_OK) {
        return 0;
    }
    page_zero(phys_to_virt(page));
    return page;
}

// ---- What firmware said

static bool device_is_in(const struct device_range *range, uint16_t segment, uint16_t source)
{
    return range->segment == segment && range->first <= source && source <= range->last;
}

static const struct device_range *find(const struct device_range *ranges, uint32_t count,
                                       uint16_t segment, uint16_t source)
{
    for (uint32_t i = 0; i < count; i++) {
        if (device_is_in(&ranges[i], segment, source)) {
            return &ranges[i];
        }
    }
    return NULL;
}

bool devices_claim(struct iommu *unit, uint16_t first, uint16_t last)
{
    if (claim_count == RANGES_MAX) {
        return false;
    }
    claims[claim_count++] = (struct device_range){unit->segment, first, last, {.unit = unit}};
    return true;
}

void devices_claim_rest(struct iommu *unit)
{
    rests[rest_count++] = unit;
}

bool devices_alias(uint16_t segment, uint16_t first, uint16_t last, uint16_t alias)
{
    if (alias_count == RANGES_MAX) {
        return false;
    }
    aliases[alias_count++] = (struct device_range){segment, first, last, {.alias = alias}};
    return true;
}

bool devices_region(uint16_t segment, uint16_t first, uint16_t last, paddr_t base, paddr_t end)
{
    if (memory_is_ours(base, end) || arch_range_is_private(base, end - base)) {
        log_warn("iommu: firmware's region %#lx is memory or registers of ours: it is not mapped",
                 (unsigned long)base);
        return true;
    }
    if (region_count == DEVICE_REGIONS_MAX) {
        return false;
    }
    struct device_range *region = &regions[region_count++];
    *region = (struct device_range){.segment = segment, .first = first, .last = last};
    region->base = base;
    region->end = end;
    return true;
}

const struct device_range *device_region(uint32_t index)
{
    return index < region_count ? &regions[index] : NULL;
}

bool device_region_reaches(const struct device_range *region, uint16_t segment, uint16_t number)
{
    bool reaches = device_is_in(region, segment, number);
    for (uint32_t i = 0; i < alias_count && region->segment == segment && !reaches; i++) {
        const struct device_range *a = &aliases[i];
        reaches = a->segment == segment && a->alias == number && a->first <= region->last &&
                  region->first <= a->last;
    }
    return reaches;
}

uint16_t device_number(uint16_t segment, uint16_t source)
{
    const struct device_range *alias = find(aliases, alias_count, segment, source);
    return alias != NULL ? alias->alias : source;
}

bool device_is_aliased(uint16_t segment, uint16_t source)
{
    for (uint32_t i = 0; i < alias_count; i++) {
        const struct device_range *a = &aliases[i];
        if (a->segment == segment && (device_is_in(a, segment, source) || a->alias == source) &&
            !(a->first == a->last && a->first == a->alias)) {
            return true;
        }
    }
    return false;
}

struct iommu *device_unit(uint64_t device)
{
    uint16_t segment = (uint16_t)(device >> 16);
    if (device >> 32) {
        return NULL;
    }
    const struct device_range *claim = find(claims, claim_count, segment, (uint16_t)device);
    struct iommu *found = claim != NULL ? claim->unit : NULL;
    for (uint32_t i = 0; i < rest_count && found == NULL; i++) {
        found = rests[i]->segment == segment ? rests[i] : NULL;
    }
    return found != NULL && found->on ? found : NULL;
}
