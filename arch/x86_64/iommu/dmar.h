// SPDX-License-Identifier: MIT
// What firmware says of its IOMMUs: the DMAR table (VT-d specification, chapter 8), read without a
// machine. A table is taken whole or not at all: an IOMMU that was overlooked leaves the devices
// behind it free, so what does not fit here is as bad as what is damaged.
#pragma once

#include <arch/types.h>

#define DMAR_UNITS_MAX    16u
#define DMAR_SCOPES_MAX   128u
#define DMAR_RESERVED_MAX 32u
#define DMAR_PATH_MAX     8u
#define DMAR_RESERVED_END (UINT64_C(1) << 30) // bytes of a reserved region at most

enum dmar_scope_kind { DMAR_ENDPOINT = 1, DMAR_BRIDGE = 2, DMAR_IO_APIC = 3, DMAR_HPET = 4 };

// A device: by the way to it from a root bus, since firmware numbers no others.
struct dmar_scope {
    uint8_t kind; // enum dmar_scope_kind; others are kept and mean nothing
    uint8_t id;   // IO_APIC: its number in the table of interrupt controllers
    uint8_t bus;  // where the path starts
    uint8_t length;
    struct {
        uint8_t slot, function;
    } path[DMAR_PATH_MAX];
};

struct dmar_unit {
    paddr_t registers;
    uint16_t segment;
    bool all; // of its segment, but for what other units have
    uint16_t scope_first, scope_count;
};

// Memory that firmware's own use of a device goes on reaching.
struct dmar_reserved {
    paddr_t base, end;
    uint16_t segment;
    uint16_t scope_first, scope_count;
};

struct dmar {
    bool interrupts; // they can be remapped
    uint32_t unit_count, reserved_count, scope_count;
    struct dmar_unit units[DMAR_UNITS_MAX];
    struct dmar_reserved reserved[DMAR_RESERVED_MAX];
    struct dmar_scope scopes[DMAR_SCOPES_MAX];
};

// `table`: a whole table, its checksum right, of `length` bytes. False: it is damaged or larger
// than the limits above, and *out means nothing.
bool dmar_parse(const void *table, uint32_t length, struct dmar *out);

// Functions that a scope means: one, or what lies behind a bridge.
struct dmar_range {
    uint8_t bus, devfn;       // the function itself
    bool bridge;              // and, for a bridge:
    uint8_t bus_from, bus_to; // all functions of these buses
};

// Reads a byte of configuration space, as the firmware left it.
typedef uint8_t (*dmar_read_t)(uint8_t bus, uint8_t devfn, uint8_t offset);

// False: the path leads over something that is no bridge.
bool dmar_resolve(const struct dmar_scope *scope, dmar_read_t read, struct dmar_range *out);
