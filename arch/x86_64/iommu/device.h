// SPDX-License-Identifier: MIT
// Between the parts of the IOMMU code: the devices that are held, and their tables.
//
// Locks: arch_dma.lock (the tables) < iommu.lock.
#pragma once

#include "unit.h"

#include <arch/iommu.h>

struct arch_dma {
    struct iommu *unit;        // NULL: the slot is free
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

#define DEVICE_REGIONS_MAX 128u

// Functions of a segment, and what firmware said of them.
struct device_range {
    uint16_t segment, first, last;
    union {
        struct iommu *unit;
        uint16_t alias;
        struct {
            paddr_t base, end;
        };
    };
};

bool boot_memory_active(void); // boot/memory.c

// table.c: the root, made if it is missing; lock held.
TS_MUST_USE ts_status_t table_root(struct arch_dma *dma) LOCK_REQUIRES(dma->lock);

// claims.c, all to device_unit(). Whether any of [base, end) is memory that firmware gave us:
// tables may not name it.
bool memory_is_ours(paddr_t base, paddr_t end);

// Configuration space of segment 0, a byte or a word of 32 bits. At boot: later it is a program's.
uint8_t config_read(uint8_t bus, uint8_t devfn, uint8_t offset);
void config_write(uint8_t bus, uint8_t devfn, uint8_t offset, uint32_t value);

// A page for the hardware's tables of devices and interrupts, zeroed, which stays; 0: none.
paddr_t table_page(void);

// Taking note of what firmware said, before anything else here. Sources are numbers of functions,
// bus << 8 | device << 3 | function; `last` is one of the range. False: more than there is room
// for.
bool devices_claim(struct iommu *unit, uint16_t first, uint16_t last); // the earlier claim counts
void devices_claim_rest(struct iommu *unit); // of its segment, but for what others have
bool devices_region(uint16_t segment, uint16_t first, uint16_t last, paddr_t base, paddr_t end);

// The accesses of functions in [first, last] bear the number `alias`. Neither those nor that one
// can be held alone.
bool devices_alias(uint16_t segment, uint16_t first, uint16_t last, uint16_t alias);
uint16_t device_number(uint16_t segment, uint16_t source); // that its accesses bear
bool device_is_aliased(uint16_t segment, uint16_t source);

const struct device_range *device_region(uint32_t index); // NULL: there are no more
// Whether it is for a function whose accesses bear that number.
bool device_region_reaches(const struct device_range *region, uint16_t segment, uint16_t number);

// The unit that has a device; NULL: none.
struct iommu *device_unit(uint64_t device);

// device.c: firmware's regions, before the units translate.
void devices_reserve(void);

// A source's accesses are neither let through nor recorded, until it is admitted again. Returns
// the admission that ends so; 0: it had none.
uint64_t device_silence(struct iommu *unit, uint16_t source) LOCK_REQUIRES(unit->lock);

// iommu.c: tells the kernel what the unit has recorded. Interrupts off, no lock held.
void iommu_faults_take(struct iommu *unit);

// vtd_machine.c, amd_machine.c: the machine's units, as firmware's table says; `ram_end`: where
// memory ends. What they have is claimed. False: the table is damaged, a unit is of a kind that is
// not known (each with a log line), or there is more than there is room for.
struct iommu_firmware {
    bool (*open)(const void *table, uint32_t length, paddr_t ram_end);
    uint32_t (*count)(void);
    struct iommu *(*unit)(uint32_t index);
    void (*remap)(void); // once they translate: remaps interrupts, if all can
};
extern const struct iommu_firmware vtd_firmware, amd_firmware;
