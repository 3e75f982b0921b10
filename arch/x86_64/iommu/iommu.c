// SPDX-License-Identifier: MIT
// The IOMMUs at boot, and their faults. See <machine/iommu.h>.
#include <machine/iommu.h>

#include "device.h"

#include <arch/boot.h>
#include <arch/hooks.h>
#include <arch/smp.h>
#include <cpu.h>
#include <log.h>
#include <machine/acpi.h>

#define EMPTY_MAX 3u // rounds that find nothing, for one call

static struct iommu *units[IOMMU_UNITS_MAX];
static uint32_t known_count, unit_count;   // that firmware names; that are in use
static const struct iommu_firmware *known; // whose units may be open; NULL: there are none

static paddr_t ram_end(void)
{
    paddr_t end = 0;
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        const struct boot_range *r = &boot_info.ranges[i];
        end = r->kind == BOOT_MEMORY_RAM ? r->base + r->size : end;
    }
    return end;
}

static void units_start(void)
{
    bool prepared[IOMMU_UNITS_MAX];
    uint32_t count = known_count;
    for (uint32_t i = 0; i < count; i++) {
        units[i]->on = prepared[i] = units[i]->kind->prepare(units[i]);
    }
    devices_reserve();
    for (uint32_t i = 0; i < count; i++) {
        units[i]->on = prepared[i] && units[i]->kind->translate(units[i]);
        log_info("iommu: %s at %#lx, %u bits of address%s", units[i]->kind->name,
                 (unsigned long)units[i]->place, units[i]->width,
                 units[i]->on ? "" : ", does not work");
    }
    unit_count = count;
}

void iommu_init(const struct acpi_table *dmar, const struct acpi_table *ivrs)
{
    const struct acpi_table *table = dmar->at != NULL ? dmar : ivrs;
    const struct iommu_firmware *firmware = dmar->at != NULL ? &vtd_firmware : &amd_firmware;
    if (table->at == NULL) {
        log_warn("iommu: no VT-d, no AMD-Vi: a driver that does DMA reaches all memory by its "
                 "device");
        return;
    }
    known = firmware; // at once: its regions must not be the units' registers
    bool good = firmware->open(table->at, table->length, ram_end());
    for (uint32_t i = 0; i < firmware->count(); i++) {
        units[known_count++] = firmware->unit(i);
    }
    if (!good) {
        log_error("iommu: not all that firmware says can be done: none is used, DMA is not held");
        return;
    }
    units_start();
    firmware->remap();
    if (!remap_active()) {
        log_warn("iommu: interrupts are not remapped: a device can send any");
    }
}

// ---- Faults

uint32_t iommu_fault_cpu(void)
{
    return cpu_by_id(0)->arch.apic_id;
}

// One record, whose source is silenced: it says no more until it is admitted again, so what a
// device can make us do here is bounded by what drivers begin. False: there is none.
static bool fault_take(struct iommu *unit, uint32_t *at, struct iommu_fault *out)
{
    irqflags_t flags = spin_lock(&unit->lock);
    bool found = unit->faults_left > 0 && unit->kind->fault_next(unit, at, out);
    if (found) {
        out->admission = device_silence(unit, out->source);
        unit->kind->faults_drop(unit, out->source); // it may have filled the log before
        if (--unit->faults_left == 0) {             // of sources that cannot be silenced
            unit->kind->faults_off(unit);
        }
    }
    spin_unlock(&unit->lock, flags);
    return found;
}

static void fault_tell(const struct iommu *unit, const struct iommu_fault *fault)
{
    struct dma_fault told = {.device = (uint64_t)unit->segment << 16 | fault->source,
                             .admission = fault->admission,
                             .address = fault->address,
                             .reason = fault->reason,
                             .write = fault->write,
                             .message = fault->message};
    kernel_dma_fault(&told);
}

// As long as some are left there is no interrupt for new ones, so it goes on until there are none
// or the unit is masked: `faults_left` is the bound. A round that found nothing may have thrown
// something away (faults_drop, what names no function), for which the one that came next sent no
// interrupt: then there is one more.
void iommu_faults_take(struct iommu *unit)
{
    bool some;
    uint32_t empty = 0;
    do {
        struct iommu_fault fault;
        uint32_t at = 0;
        some = false;
        while (fault_take(unit, &at, &fault)) {
            fault_tell(unit, &fault);
            some = true;
        }
    } while (unit->kind->fault_more(unit) && (some || ++empty < EMPTY_MAX));
}

void iommu_interrupt(void)
{
    for (uint32_t i = 0; i < unit_count; i++) {
        if (units[i]->on) {
            iommu_faults_take(units[i]);
        }
    }
}

bool iommu_has_registers(paddr_t base, uint64_t bytes)
{
    for (uint32_t i = 0; known != NULL && i < known->count(); i++) {
        const struct iommu *u = known->unit(i); // one that is not open has no place
        if (base < u->place_end && u->place < base + bytes) {
            return true;
        }
    }
    return false;
}
