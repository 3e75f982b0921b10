// SPDX-License-Identifier: MIT
// A device, held: the process that drives it, and what the machine's IOMMU lets it reach. Part of a
// domain, which has the pins.
//
// The driver of a device is the process that said so (TS_DOMAIN_DRIVE, or the first PIN): it
// answers for what the device does. An access of the device to what is not pinned is a fault of the
// driver: it ends with TS_EXIT_DMA, as it would by a fault of its own. Until somebody drives a
// device, and from the end of its driver on, it reaches nothing.
//
// Without an IOMMU there is a driver all the same, and the device reaches everything.
//
// The lock is taken below domain_lock and below the locks of the IOMMU's tables.
#pragma once

#include <core/object.h>
#include <object/reaper.h>
#include <arch/hooks.h>

struct account;
struct address_space;
struct arch_dma;
struct memory;
struct process;

struct device_hold {
    struct object *domain; // that this is part of
    struct arch_dma *dma;  // NULL: no IOMMU holds the device, or it is over
    struct spinlock lock;
    uint32_t users;         // of `dma`: 1 until it is over, and what is under way
    struct process *driver; // a reference; NULL: nobody
    struct account *payer;  // of the tables; a reference; NULL
    uint64_t tables;        // pages charged to it
    uint64_t admission;     // the driver's: what its device does is told with this
    bool admitting;         // the driver's admission is under way, and may fail
    ts_status_t shut;       // why nobody can drive it; TS_OK: somebody can
    struct process *ending; // `end` is queued for this driver; a reference
    struct dma_fault fault; // why
    struct work end;
};

// TS_ERR_LIMIT: the IOMMU holds no more devices. One that it cannot tell from others can be held by
// a domain, but not driven (TS_ERR_UNSUPPORTED): it stays blocked.
TS_MUST_USE ts_status_t hold_init(struct device_hold *hold, struct object *domain, uint64_t device);
void hold_fini(struct device_hold *hold);

// Everything below but faults is done between these two. False: it is over. The IOMMU's tables go
// with the last user: a handle to a domain that has ended keeps none of them.
bool hold_use(struct device_hold *hold);
void hold_unuse(struct device_hold *hold);

// The calling process drives the device from now on. TS_ERR_BUSY: another does; TS_ERR_GONE: it is
// over; TS_ERR_UNSUPPORTED: see above; TS_ERR_LIMIT, TS_ERR_MEMORY: no pages for tables.
TS_MUST_USE ts_status_t hold_drive(struct device_hold *hold);
bool hold_driven(struct device_hold *hold);
bool hold_driven_by(struct device_hold *hold, const struct address_space *space);

// The device reaches nothing any more. Then, once its pins are gone: nobody drives it.
void hold_block(struct device_hold *hold);
void hold_release(struct device_hold *hold);

// Blocks it, and nobody ever drives it again by this hold; and once all is unmapped, the end of its
// use, by the one that took the device from the domain.
void hold_end(struct device_hold *hold);

// dma_table_alloc() and dma_table_free() of <arch/hooks.h>: at the expense of its driver.
TS_MUST_USE ts_status_t hold_table_alloc(struct device_hold *hold, paddr_t *out_page);
void hold_table_free(struct device_hold *hold, paddr_t page);

// The device reaches pages of the memory more, or less: *inout_mapped of them, from `offset` on.
// The memory is fixed and has its pages. Unmapped ones are nobody else's until this returns.
TS_MUST_USE ts_status_t hold_map(struct device_hold *hold, struct memory *memory, uint64_t offset,
                                 uint64_t pages, uint64_t *inout_mapped);
void hold_unmap(struct device_hold *hold, struct memory *memory, uint64_t offset, uint64_t mapped);

// The device did what it may not: says so and has the driver ended. Interrupts off.
void hold_fault(struct device_hold *hold, const struct dma_fault *fault);

// The same for a device that has no domain.
void hold_fault_of_nobody(const struct dma_fault *fault);
