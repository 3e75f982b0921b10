// SPDX-License-Identifier: MIT
// An IOMMU of either kind, as the common code sees it: what devices, tables and faults need of the
// hardware. What differs is a table of functions; vtd_*.c and amd_*.c have one each.
//
// Whatever the hardware is told and must have forgotten, it is told under the unit's lock, and the
// teller waits for the answer.
#pragma once

#include <stdatomic.h>

#include <arch/types.h>
#include <spinlock.h>

#define IOMMU_UNITS_MAX 16u

struct iommu;

struct iommu_fault {
    uint64_t address;
    uint64_t admission; // the caller's
    uint16_t source;
    uint8_t reason; // the hardware's number
    bool write, message;
};

// How entries of the tables are written. A present entry has a count of 9 bits, which the hardware
// ignores; `count_of` finds it in an entry, `count_bits` makes it.
struct iommu_format {
    uint64_t present; // any of these bits
    uint64_t page;    // bits of an entry for a page
    uint64_t table;   // of one for a table; and, for each level of that, `level`
    uint64_t level;
    uint64_t counts; // where the count is
    uint64_t (*count_of)(uint64_t entry);
    uint64_t (*count_bits)(uint64_t count);
};

struct iommu_kind {
    const char *name;
    struct iommu_format format;

    // Takes the unit over from the firmware, nothing let through. False: no answer.
    bool (*prepare)(struct iommu *unit);
    // From here on every access is translated. False: no answer.
    bool (*translate)(struct iommu *unit);
    // Makes memory seen by the hardware, which may not look into the CPU's caches.
    void (*write_back)(const struct iommu *unit, const volatile void *start, size_t bytes);

    // The source's accesses reach nothing, and the hardware knows; `silent`: nor are they recorded.
    // False: there is no memory for its entry. Then it reaches nothing already.
    bool (*block)(struct iommu *unit, uint16_t source, bool silent);
    // What it reaches: a blocked one. False: no memory.
    bool (*admit)(struct iommu *unit, uint16_t source, paddr_t root, uint16_t id);
    // All pages of a domain.
    void (*forget_pages)(struct iommu *unit, uint16_t id);

    // Faults interrupt the first CPU from now on. fault_next takes one out of the unit: *at is
    // where to go on looking, 0 at first.
    void (*faults_on)(struct iommu *unit, uint32_t vector, uint32_t apic_id);
    void (*faults_off)(struct iommu *unit);
    bool (*fault_next)(struct iommu *unit, uint32_t *at, struct iommu_fault *out);
    // Those of a source are gone.
    void (*faults_drop)(struct iommu *unit, uint16_t source);
    // Whether some came meanwhile, of which no interrupt tells.
    bool (*fault_more)(struct iommu *unit);
};

struct iommu {
    const struct iommu_kind *kind;
    paddr_t place, place_end; // of the registers
    uint16_t segment;
    uint8_t levels, width; // of tables; bits of a bus address
    uint16_t ids;          // domains that it can tell apart, 0 not among them
    bool on;               // it translates
    bool caches_absent;    // it remembers what was not there: new entries must be told as well
    struct spinlock lock;  // the queue or buffer of commands, the devices' entries
    uint32_t faults_left;  // that may still be recorded before the next driver begins
};
