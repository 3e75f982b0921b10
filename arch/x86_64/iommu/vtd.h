// SPDX-License-Identifier: MIT
// One VT-d unit ("Intel Virtualization Technology for Directed I/O", revision 4.0): its registers,
// its root table, its queue of invalidations.
//
// Whatever the hardware is told and must have forgotten goes through the queue, and the teller
// waits for the answer under the unit's lock: so the queue is empty whenever the lock is free.
#pragma once

#include "dmar.h"
#include "unit.h"

#define VTD_CONTEXT_NO_FAULT 2u // in a context entry: faults of this function are not recorded

struct vtd {
    struct iommu unit;
    volatile char *registers;
    uint64_t capability, extended;
    // All below, and the context tables, are under the unit's lock.
    uint64_t *root; // two words for each bus
    uint64_t (*queue)[2];
    uint32_t tail;
    _Alignas(8) volatile uint32_t done; // written by the hardware
};

extern const struct iommu_kind vtd_kind; // vtd_context.c

// Of a unit whose kind is vtd_kind.
static inline struct vtd *vtd_of(const struct iommu *unit)
{
    return (struct vtd *)(uintptr_t)unit; // its first member
}

// Maps the registers and looks whether the unit is one that this kernel can use; nothing of it is
// changed. False, with a log line: it is not.
bool vtd_open(struct vtd *unit, const struct dmar_unit *said, paddr_t ram_end);
bool vtd_can_remap(const struct vtd *unit);
bool vtd_can_extend(const struct vtd *unit); // APIC ids of 32 bits

// Takes the unit over from the firmware: with an empty root table and a queue. False: no answer.
bool vtd_prepare(struct vtd *unit);

// From here on every access is translated. False: no answer.
bool vtd_translate(struct vtd *unit);

// From here on interrupts go through the table, which has 256 entries; no others are let through.
bool vtd_remap(struct vtd *unit, paddr_t table, bool extended);

// See struct iommu_kind.
void vtd_faults_on(struct vtd *unit, uint32_t vector, uint32_t apic_id);
bool vtd_fault_next(struct vtd *unit, uint32_t *at, struct iommu_fault *out);
void vtd_faults_drop(struct vtd *unit, uint16_t source);
bool vtd_fault_more(const struct vtd *unit);
void vtd_faults_off(const struct vtd *unit);

// Makes memory seen by the hardware, which may not look into the CPU's caches.
void vtd_write_back(const struct vtd *unit, const volatile void *start, size_t bytes);

// Invalidations; each returns when it is done. The unit's lock is held.
void vtd_forget_contexts(struct vtd *unit);
void vtd_forget_pages(struct vtd *unit, uint32_t id);
void vtd_forget_interrupt(struct vtd *unit, uint32_t index);

// vtd_remap.c: has all of them remap, if all can.
void vtd_remap_start(const struct dmar *dmar, struct vtd *units);
