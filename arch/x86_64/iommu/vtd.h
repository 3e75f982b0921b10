// SPDX-License-Identifier: MIT
// One VT-d unit ("Intel Virtualization Technology for Directed I/O", revision 4.0): its registers,
// its root table, its queue of invalidations.
//
// Whatever the hardware is told and must have forgotten goes through the queue, and who tells it
// waits for the answer under the unit's lock: so the queue is empty whenever the lock is free.
#pragma once

#include "dmar.h"

#include <spinlock.h>
#include <stdatomic.h>

#define VTD_ENTRY_PRESENT    1u // of root and context entries
#define VTD_CONTEXT_NO_FAULT 2u // faults of this function are not recorded

struct vtd {
    volatile char *registers;
    uint64_t capability, extended;
    paddr_t place, place_end; // of the registers
    uint16_t segment;
    uint8_t levels, width; // of second-level tables; bits of a bus address
    uint16_t ids;          // domains that it can tell apart, 0 not among them
    bool on, all;          // it translates; it has all of its segment that no other has
    struct spinlock lock;  // all below, and the context tables
    uint64_t *root;        // two words for each bus
    uint64_t (*queue)[2];
    uint32_t tail;
    uint32_t faults_left;               // that may still be recorded before the next driver begins
    _Alignas(8) volatile uint32_t done; // written by the hardware
};

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

// Faults interrupt the first CPU from now on. vtd_fault_next takes one out of the unit's registers:
// *at is where to go on looking, 0 at first.
struct vtd_fault {
    uint64_t address;
    uint64_t admission; // the caller's
    uint16_t source;
    uint8_t reason;
    bool write;
};
void vtd_faults_on(struct vtd *unit, uint32_t vector, uint32_t apic_id);
bool vtd_fault_next(struct vtd *unit, uint32_t *at, struct vtd_fault *out)
    LOCK_REQUIRES(unit->lock);
void vtd_faults_drop(struct vtd *unit, uint16_t source) LOCK_REQUIRES(unit->lock);
bool vtd_fault_more(const struct vtd *unit); // some came meanwhile, of which no interrupt tells
void vtd_faults_mask(const struct vtd *unit, bool masked);

// Makes memory seen by the hardware, which may not look into the CPU's caches.
void vtd_write_back(const struct vtd *unit, const volatile void *start, size_t bytes);

// Invalidations; each returns when it is done.
void vtd_forget_contexts(struct vtd *unit) LOCK_REQUIRES(unit->lock);
void vtd_forget_pages(struct vtd *unit, uint32_t id) LOCK_REQUIRES(unit->lock);
void vtd_forget_interrupt(struct vtd *unit, uint32_t index) LOCK_REQUIRES(unit->lock);

// Whether it remembers what was not there, so that new entries must be told to it as well.
bool vtd_caches_absent(const struct vtd *unit);
