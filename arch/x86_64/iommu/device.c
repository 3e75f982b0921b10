// SPDX-License-Identifier: MIT
// The devices that IOMMUs hold: their life.
//
// Every function is blocked until a driver is admitted, and again when that driver goes or its
// device faults.
#include "device.h"

#include <arch/memory.h>
#include <log.h>
#include <machine/descriptors.h>
#include <machine/iommu.h>
#include <tessera/abi/status.h>

#define DEVICES_MAX 256u // slot 0 is never used: hardware may keep id 0 for itself
#define FAULTS_LEFT 64u

static struct spinlock slots_lock = SPINLOCK_INIT("iommu devices");
static struct arch_dma slots[DEVICES_MAX];

bool arch_dma_held(uint64_t device)
{
    return device_unit(device) != NULL;
}

// ---- Blocked and admitted

// No slot of this source is admitted any more: it was blocked. Returns the admission of the one
// that was.
static uint64_t dismiss(struct iommu *unit, uint16_t source) LOCK_REQUIRES(unit->lock)
{
    uint64_t admission = 0;
    for (uint32_t i = 1; i < DEVICES_MAX; i++) {
        struct arch_dma *dma = &slots[i];
        if (dma->unit == unit && dma->source == source && atomic_load(&dma->admitted)) {
            unit->kind->forget_pages(unit, dma->id);
            atomic_store(&dma->admitted, false);
            admission = dma->admission;
        }
    }
    return admission;
}

uint64_t device_silence(struct iommu *unit, uint16_t source)
{
    return unit->kind->block(unit, source, true) ? dismiss(unit, source) : 0;
}

static ts_status_t admit_locked(struct arch_dma *dma, uint64_t admission) LOCK_REQUIRES(dma->lock)
{
    struct iommu *unit = dma->unit;
    ts_status_t status = table_root(dma);
    if (status != TS_OK) {
        return status;
    }
    spin_lock_off(&unit->lock);
    if (dma->closed) {
        status = TS_ERR_GONE;
    } else if (!unit->kind->block(unit, dma->source, true)) {
        status = TS_ERR_MEMORY;
    } else {
        (void)dismiss(unit, dma->source);           // firmware's, or a driver's that it had before
        unit->kind->faults_drop(unit, dma->source); // nor does the next answer for what that did
        if (!unit->kind->admit(unit, dma->source, virt_to_phys(dma->root), dma->id)) {
            status = TS_ERR_MEMORY;
        }
    }
    if (status == TS_OK) {
        unit->kind->forget_pages(unit, dma->id);
        atomic_store(&dma->admitted, true);
        dma->admission = admission;
        unit->faults_left = FAULTS_LEFT;
        if (dma->owner != NULL) {
            unit->kind->faults_on(unit, VECTOR_DMA_FAULT, iommu_fault_cpu());
        }
    }
    spin_unlock_off(&unit->lock);
    return status;
}

// ---- Firmware's regions

// Maps what firmware's use of the device needs, or takes it out again. (It is not memory of ours,
// so no pin has any of it.)
static ts_status_t reserved_set(struct arch_dma *dma, bool mapped)
{
    ts_status_t status = TS_OK;
    const struct device_range *r;
    for (uint32_t i = 0; dma->reserved != mapped && ((r = device_region(i)) != NULL); i++) {
        if (!device_region_reaches(r, dma->unit->segment, dma->source)) {
            continue;
        }
        for (paddr_t page = r->base; page < r->end && status == TS_OK; page += PAGE_SIZE) {
            if (mapped) {
                status = arch_dma_map(dma, page);
            } else {
                arch_dma_unmap(dma, page);
            }
        }
    }
    dma->reserved = mapped;
    if (status != TS_OK) {
        (void)reserved_set(dma, false);
    }
    return status;
}

static bool is_present(uint16_t source)
{
    return config_read((uint8_t)(source >> 8), (uint8_t)source, 0) != 0xff ||
           config_read((uint8_t)(source >> 8), (uint8_t)source, 1) != 0xff;
}

static bool is_reserved(uint16_t source)
{
    for (uint32_t i = 1; i < DEVICES_MAX; i++) {
        if (slots[i].unit != NULL && slots[i].source == source) {
            return true;
        }
    }
    return false;
}

// A function that several regions name is admitted once: it gets all of them. So is a number that
// several functions bear.
static void reserve_one(const struct device_range *r, uint16_t source)
{
    struct arch_dma *dma;
    uint16_t number = device_number(r->segment, source);
    if (!is_present(source) || is_reserved(number)) {
        return;
    }
    log_info("iommu: %02x:%02x.%x reaches %#lx to %#lx, as firmware asks", source >> 8u,
             source >> 3 & 31u, source & 7u, (unsigned long)r->base, (unsigned long)r->end - 1);
    if (arch_dma_create(number, NULL, &dma) == TS_OK) {
        (void)arch_dma_admit(dma, 0);
    }
}

void devices_reserve(void)
{
    const struct device_range *r;
    for (uint32_t i = 0; ((r = device_region(i)) != NULL); i++) {
        for (uint32_t source = r->first; source <= r->last && r->segment == 0; source++) {
            reserve_one(r, (uint16_t)source);
        }
    }
}

// ---- Life

ts_status_t arch_dma_create(uint64_t device, struct device_hold *owner, struct arch_dma **out_dma)
{
    struct iommu *unit = device_unit(device);
    struct arch_dma *dma = NULL;
    if (unit == NULL || (owner != NULL && device_is_aliased(unit->segment, (uint16_t)device))) {
        return TS_ERR_UNSUPPORTED;
    }
    irqflags_t flags = spin_lock(&slots_lock);
    for (uint32_t i = 1; i < DEVICES_MAX && i < unit->ids && dma == NULL; i++) {
        if (slots[i].unit == NULL) {
            dma = &slots[i];
            *dma = (struct arch_dma){.owner = owner, .source = (uint16_t)device, .id = (uint16_t)i};
            spin_init(&dma->lock, "iommu tables");
            dma->unit = unit;
        }
    }
    spin_unlock(&slots_lock, flags);
    *out_dma = dma;
    return dma != NULL ? TS_OK : TS_ERR_LIMIT;
}

ts_status_t arch_dma_admit(struct arch_dma *dma, uint64_t admission)
{
    ts_status_t status = reserved_set(dma, true);
    if (status == TS_OK) {
        irqflags_t flags = spin_lock(&dma->lock);
        status = admit_locked(dma, admission);
        spin_unlock_off(&dma->lock);
        if (dma->owner != NULL) {
            iommu_faults_take(dma->unit); // others', of which no interrupt told: it was masked
        }
        arch_irq_restore(flags);
    }
    return status;
}

static void block(struct arch_dma *dma, bool close)
{
    struct iommu *unit = dma->unit;
    irqflags_t flags = spin_lock(&unit->lock);
    dma->closed |= close;
    if (atomic_load(&dma->admitted)) {
        (void)unit->kind->block(unit, dma->source, false); // it has its entry
        (void)dismiss(unit, dma->source);
    }
    spin_unlock(&unit->lock, flags);
}

void arch_dma_block(struct arch_dma *dma)
{
    block(dma, false);
}

void arch_dma_close(struct arch_dma *dma)
{
    block(dma, true);
}

void arch_dma_destroy(struct arch_dma *dma)
{
    if (dma != NULL) {
        arch_dma_block(dma);
        (void)reserved_set(dma, false);
        arch_dma_flush(dma);
        irqflags_t flags = spin_lock(&slots_lock);
        dma->unit = NULL;
        spin_unlock(&slots_lock, flags);
    }
}
