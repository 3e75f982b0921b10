// SPDX-License-Identifier: MIT
// The machine's AMD-Vi units, as firmware's table says.
#include "amd.h"
#include "amd_registers.h"
#include "device.h"

#include <log.h>

_Static_assert(IVRS_UNITS_MAX <= IOMMU_UNITS_MAX, "room for all units");

static struct ivrs ivrs;
static struct amd units[IVRS_UNITS_MAX];

static bool claim(struct iommu *unit, const struct ivrs_range *r)
{
    bool room = devices_claim(unit, r->first, r->last);
    if (room && r->aliased) {
        room = devices_alias(unit->segment, r->first, r->last, r->alias) &&
               devices_claim(unit, r->alias, r->alias);
    }
    return room;
}

static bool unit_open(uint32_t index, paddr_t ram_end)
{
    const struct ivrs_unit *said = &ivrs.units[index];
    struct iommu *unit = &units[index].unit;
    if (memory_is_ours(said->registers, said->registers + AMD_REGISTERS)) {
        log_error("iommu: the unit at %#lx is memory of ours", (unsigned long)said->registers);
        return false;
    }
    if (!amd_open(&units[index], said, ram_end)) {
        return false;
    }
    bool room = true;
    for (uint32_t i = 0; i < said->range_count; i++) {
        room = room && claim(unit, &ivrs.ranges[said->range_first + i]);
    }
    if (said->all) {
        devices_claim_rest(unit);
    }
    return room;
}

static void settings_apply(struct amd *u, const struct ivrs_unit *said)
{
    for (uint32_t i = 0; said->all && said->setting && i < AMD_DEVICES; i++) {
        amd_entry_setting(u, (uint16_t)i, said->setting);
    }
    for (uint32_t i = 0; i < said->range_count; i++) {
        const struct ivrs_range *r = &ivrs.ranges[said->range_first + i];
        for (uint32_t source = r->first; r->setting && source <= r->last; source++) {
            amd_entry_setting(u, (uint16_t)source, r->setting);
        }
    }
}

static bool open(const void *table, uint32_t length, paddr_t ram_end)
{
    bool good = ivrs_parse(table, length, &ivrs);
    if (!good) {
        log_error("iommu: the table of IOMMUs is damaged");
    }
    for (uint32_t i = 0; good && i < ivrs.unit_count; i++) {
        good = unit_open(i, ram_end);
    }
    for (uint32_t i = 0; good && i < ivrs.region_count; i++) {
        const struct ivrs_region *r = &ivrs.regions[i];
        good = devices_region(r->segment, r->first, r->last, r->base, r->end);
    }
    for (uint32_t i = 0; good && i < ivrs.unit_count; i++) {
        if (ivrs.units[i].segment == 0) {
            amd_entries_init(&units[i]);
            settings_apply(&units[i], &ivrs.units[i]);
        }
    }
    return good;
}

static uint32_t count(void)
{
    return ivrs.unit_count;
}

static struct iommu *unit(uint32_t index)
{
    return &units[index].unit;
}

static void remap(void)
{
    amd_remap_start(&ivrs, units);
}

const struct iommu_firmware amd_firmware = {
    .open = open, .count = count, .unit = unit, .remap = remap};
