// SPDX-License-Identifier: MIT
// Between the parts of the IOMMU code: the devices that are held, and their tables.
//
// Locks: arch_dma.lock (the tables) < vtd.lock.
#pragma once

#include "vtd.h"

#include <arch/iommu.h>

struct arch_dma {
    struct vtd *unit;          // NULL: the slot is free
    struct device_hold *owner; // NULL: what firmware reaches
    uint16_t source, id;       // id: of the domain in the hardware, the slot's index
    bool reserved;             // firmware's regions are mapped
    _Atomic bool admitted;
    bool closed;          // never admitted again; under the unit's lock
    uint64_t admission;   // what it was admitted with last; under the unit's lock
    struct spinlock lock; // the tables
    uint64_t *root;       // NULL: none yet
    uint64_t used;        // entries of the root
    paddr_t given_back;   // tables that the hardware may still look into, a chain
};

bool boot_memory_active(void); // boot/memory.c

// table.c: the root, made if it is missing; lock held.
ts_status_t table_root(struct arch_dma *dma) LOCK_REQUIRES(dma->lock);

// device.c: whether any of [base, end) is memory that firmware gave us: tables may not name it.
bool memory_is_ours(paddr_t base, paddr_t end);

// Taking note of what firmware said, and of the unit that has a device; NULL: none.
void devices_init(const struct dmar *dmar, struct vtd *units);
struct vtd *device_unit(uint64_t device);

// Firmware's regions, before the units translate.
void devices_reserve(void);

// A source's accesses are neither let through nor recorded, until it is admitted again. Returns
// the admission that ends so; 0: it had none.
uint64_t device_silence(struct vtd *unit, uint16_t source) LOCK_REQUIRES(unit->lock);

// iommu.c: tells the kernel what the unit has recorded. Interrupts off, no lock held.
void iommu_faults_take(struct vtd *unit);

// remap.c. Whether all units can remap; the source of an interrupt controller.
void remap_init(const struct dmar *dmar, struct vtd *units);
