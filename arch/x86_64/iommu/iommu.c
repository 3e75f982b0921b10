// SPDX-License-Identifier: MIT
// The IOMMUs at boot, and their faults. See <machine/iommu.h>.
#include <machine/iommu.h>

#include "device.h"

#include <arch/boot.h>
#include <arch/hooks.h>
#include <arch/smp.h>
#include <cpu.h>
#include <log.h>

#define REASON_REMAP  0x20u
#define REASON_REMAPS 0x27u

static struct dmar dmar;
static struct vtd units[DMAR_UNITS_MAX];
static uint32_t unit_count; // that are in use

static paddr_t ram_end(void)
{
    paddr_t end = 0;
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        const struct boot_range *r = &boot_info.ranges[i];
        end = r->kind == BOOT_MEMORY_RAM ? r->base + r->size : end;
    }
    return end;
}

static bool units_open(void)
{
    for (uint32_t i = 0; i < dmar.unit_count; i++) {
        paddr_t place = dmar.units[i].registers;
        if (memory_is_ours(place, place + PAGE_SIZE)) {
            log_error("iommu: the unit at %#lx is memory of ours", (unsigned long)place);
            return false;
        }
        if (!vtd_open(&units[i], &dmar.units[i], ram_end())) {
            return false;
        }
    }
    return true;
}

static void units_start(void)
{
    bool prepared[DMAR_UNITS_MAX];
    for (uint32_t i = 0; i < dmar.unit_count; i++) {
        units[i].on = prepared[i] = vtd_prepare(&units[i]);
    }
    devices_reserve();
    for (uint32_t i = 0; i < dmar.unit_count; i++) {
        units[i].on = prepared[i] && vtd_translate(&units[i]);
        log_info("iommu: VT-d at %#lx, %u bits of address%s", (unsigned long)units[i].place,
                 units[i].width, units[i].on ? "" : ", does not work");
    }
    unit_count = dmar.unit_count;
}

void iommu_init(const void *table, uint32_t length)
{
    if (!table) {
        log_warn("iommu: no VT-d: a driver that does DMA reaches all memory by its device");
    } else if (!dmar_parse(table, length, &dmar)) {
        log_error("iommu: the table of IOMMUs is damaged: none is used, DMA is not held");
    } else if (units_open()) {
        devices_init(&dmar, units);
        units_start();
        remap_init(&dmar, units);
        if (remap_active()) {
            log_info("iommu: interrupts are remapped");
        }
    }
}

// Faults ------------------------------------------------------------------------------------------

uint32_t iommu_fault_cpu(void)
{
    return cpu_by_id(0)->arch.apic_id;
}

// One record, whose source is silenced: it says no more until it is admitted again, so what a
// device can make us do here is bounded by what drivers begin. False: there is none.
static bool fault_take(struct vtd *unit, uint32_t *at, struct vtd_fault *out)
{
    irqflags_t flags = spin_lock(&unit->lock);
    bool found = unit->faults_left > 0 && vtd_fault_next(unit, at, out);
    if (found) {
        out->admission = device_silence(unit, out->source);
        if (--unit->faults_left == 0) { // of sources that cannot be silenced
            vtd_faults_mask(unit, true);
        }
    }
    spin_unlock(&unit->lock, flags);
    return found;
}

static void fault_tell(const struct vtd *unit, const struct vtd_fault *fault)
{
    struct dma_fault told = {.device = (uint64_t)unit->segment << 16 | fault->source,
                             .admission = fault->admission,
                             .address = fault->address,
                             .reason = fault->reason,
                             .write = fault->write};
    told.message = fault->reason >= REASON_REMAP && fault->reason < REASON_REMAPS;
    kernel_dma_fault(&told);
}

// As long as some are left there is no interrupt for new ones, so it goes on until there are none
// or the unit is masked: `faults_left` is the bound.
void iommu_faults_take(struct vtd *unit)
{
    bool some;
    do {
        struct vtd_fault fault;
        uint32_t at = 0;
        some = false;
        while (fault_take(unit, &at, &fault)) {
            fault_tell(unit, &fault);
            some = true;
        }
    } while (vtd_fault_more(unit) && some);
}

void iommu_interrupt(void)
{
    for (uint32_t i = 0; i < unit_count; i++) {
        if (units[i].on) {
            iommu_faults_take(&units[i]);
        }
    }
}

bool iommu_has_registers(paddr_t base, uint64_t bytes)
{
    for (uint32_t i = 0; i < DMAR_UNITS_MAX; i++) {
        if (units[i].place && base < units[i].place_end && units[i].place < base + bytes) {
            return true;
        }
    }
    return false;
}
