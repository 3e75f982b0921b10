// SPDX-License-Identifier: MIT
// One AMD-Vi unit ("AMD I/O Virtualization Technology (IOMMU) Specification", revision 3): its
// registers, its buffer of commands, its log of events.
//
// Whatever the hardware is told and must have forgotten goes through the buffer, and the teller
// waits for the answer under the unit's lock: so the buffer is empty whenever the lock is free.
#pragma once

#include "ivrs.h"
#include "unit.h"

#define AMD_DEVICES 65536u // of a segment: its table has an entry for each number

struct amd {
    struct iommu unit;
    volatile char *registers;
    uint64_t features;
    uint16_t source, capability; // its own function
    uint8_t flags;               // that firmware wants set
    // All below, and the device table, are under the unit's lock.
    bool started;
    uint64_t control;
    uint64_t (*entries)[4]; // the device table
    uint64_t (*commands)[2];
    uint32_t tail;
    uint64_t (*events)[2];
    uint32_t head;
    uint64_t ticket;
    _Alignas(8) volatile uint64_t done; // written by the hardware
};

extern const struct iommu_kind amd_kind; // amd_entry.c

// Of a unit whose kind is amd_kind.
static inline struct amd *amd_of(const struct iommu *unit)
{
    return (struct amd *)(uintptr_t)unit; // its first member
}

// Maps the registers and looks whether the unit is one that this kernel can use; nothing of it is
// changed. False, with a log line: it is not.
bool amd_open(struct amd *unit, const struct ivrs_unit *said, paddr_t ram_end);

// Takes the unit over from the firmware, with a table of AMD_DEVICES entries, and switches it off;
// on again. False: no answer.
bool amd_prepare(struct amd *unit);
bool amd_start(struct amd *unit);

// Invalidations; each returns when it is done, at once before amd_start(). The unit's lock is held.
void amd_forget_device(struct amd *unit, uint16_t source);
void amd_forget_interrupts(struct amd *unit, uint16_t source);
void amd_forget_pages(struct amd *unit, uint16_t id);
void amd_forget_all(struct amd *unit);

// See struct iommu_kind. At boot its own function is told what an interrupt is; the kernel does not
// touch configuration space later.
bool amd_message_set(const struct amd *unit, uint32_t vector, uint32_t apic_id);
void amd_faults_on(struct amd *unit);
void amd_faults_off(struct amd *unit);
bool amd_fault_next(struct amd *unit, uint32_t *at, struct iommu_fault *out);
void amd_faults_drop(struct amd *unit, uint16_t source);
bool amd_fault_more(struct amd *unit);

// amd_entry.c: a unit's device table, all blocked. What firmware asks for functions.
void amd_entries_init(struct amd *unit);
void amd_entry_setting(struct amd *unit, uint16_t source, uint8_t setting);
bool amd_entry_blocked(const struct amd *unit, uint16_t source);

// Interrupts of all functions are stopped, but for those in their tables (amd_remap.c), which have
// an entry of 32 bits for each vector.
void amd_entries_remap(struct amd *unit);
uint32_t *amd_interrupts(const struct amd *unit, uint16_t source); // NULL: it has no table
bool amd_interrupts_make(struct amd *unit, uint16_t source);       // false: no memory

// amd_remap.c: has all of them remap, if all can.
void amd_remap_start(const struct ivrs *ivrs, struct amd *units);
