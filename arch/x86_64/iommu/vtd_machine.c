// SPDX-License-Identifier: MIT
// The machine's VT-d units, as firmware's table says.
#include "device.h"
#include "vtd.h"

#include <log.h>

_Static_assert(DMAR_UNITS_MAX <= IOMMU_UNITS_MAX, "room for all units");

static struct dmar dmar;
static struct vtd units[DMAR_UNITS_MAX];

// The functions that a scope means; of a bridge: itself, and all behind it. False: no room.
static bool claim(struct iommu *unit, const struct dmar_scope *scope)
{
    struct dmar_range r;
    if (scope->kind != DMAR_ENDPOINT && scope->kind != DMAR_BRIDGE) {
        return true;
    }
    if (unit->segment != 0 || !dmar_resolve(scope, config_read, &r)) {
        log_warn("iommu: a device of the unit at %#lx is not found", (unsigned long)unit->place);
        return true;
    }
    uint16_t source = (uint16_t)(r.bus << 8 | r.devfn);
    return devices_claim(unit, source, source) &&
           (!r.bridge ||
            devices_claim(unit, (uint16_t)(r.bus_from << 8), (uint16_t)(r.bus_to << 8 | 0xff)));
}

static bool unit_open(uint32_t index, paddr_t ram_end)
{
    const struct dmar_unit *said = &dmar.units[index];
    struct iommu *unit = &units[index].unit;
    if (memory_is_ours(said->registers, said->registers + PAGE_SIZE)) {
        log_error("iommu: the unit at %#lx is memory of ours", (unsigned long)said->registers);
        return false;
    }
    if (!vtd_open(&units[index], said, ram_end)) {
        return false;
    }
    bool room = true;
    for (uint32_t i = 0; i < said->scope_count; i++) {
        room = room && claim(unit, &dmar.scopes[said->scope_first + i]);
    }
    if (said->all) {
        devices_claim_rest(unit);
    }
    return room;
}

static bool regions_note(const struct dmar_reserved *r)
{
    bool room = true;
    for (uint32_t i = 0; i < r->scope_count && r->segment == 0; i++) {
        struct dmar_range found;
        if (dmar_resolve(&dmar.scopes[r->scope_first + i], config_read, &found) && !found.bridge) {
            uint16_t source = (uint16_t)(found.bus << 8 | found.devfn);
            room = room && devices_region(r->segment, source, source, r->base, r->end);
        }
    }
    return room;
}

static bool open(const void *table, uint32_t length, paddr_t ram_end)
{
    bool room = dmar_parse(table, length, &dmar);
    if (!room) {
        log_error("iommu: the table of IOMMUs is damaged");
    }
    for (uint32_t i = 0; room && i < dmar.unit_count; i++) {
        room = unit_open(i, ram_end);
    }
    for (uint32_t i = 0; room && i < dmar.reserved_count; i++) {
        room = regions_note(&dmar.reserved[i]);
    }
    return room;
}

static uint32_t count(void)
{
    return dmar.unit_count;
}

static struct iommu *unit(uint32_t index)
{
    return &units[index].unit;
}

static void remap(void)
{
    vtd_remap_start(&dmar, units);
}

const struct iommu_firmware vtd_firmware = {
    .open = open, .count = count, .unit = unit, .remap = remap};
