// SPDX-License-Identifier: MIT
// What firmware says of its IOMMUs: the IVRS table (AMD I/O Virtualization Technology
// specification, chapter 5), read without a machine. A table is taken whole or not at all, as the
// DMAR is (dmar.h).
#pragma once

#include <arch/types.h>

#define IVRS_UNITS_MAX    16u
#define IVRS_RANGES_MAX   256u
#define IVRS_SPECIALS_MAX 32u
#define IVRS_REGIONS_MAX  64u
#define IVRS_REGION_END   (UINT64_C(1) << 30) // bytes of a region at most

enum ivrs_special_kind { IVRS_IO_APIC = 1, IVRS_HPET = 2 };

// What an entry asks for its functions: some kinds of interrupt that are let through, and messages
// of system management.
#define IVRS_SETTING_PASS      0xc7u
#define IVRS_SETTING_MANAGE(s) ((s) >> 4 & 3u)

// Functions, by the numbers that their accesses bear, or are to bear.
struct ivrs_range {
    uint16_t first, last;
    uint16_t alias; // with `aliased`: what they bear in place of their own
    bool aliased;
    uint8_t setting;
};

struct ivrs_unit {
    paddr_t registers;
    uint16_t segment;
    uint16_t source, capability; // its own function, and where its capability is in that
    uint8_t type, flags;         // of the structure
    bool all;                    // of its segment, but for what other units have
    uint8_t setting;             // for all
    uint16_t range_first, range_count;
};

// What has no function of its own, and the number that it bears.
struct ivrs_special {
    uint8_t kind; // enum ivrs_special_kind; others are kept and mean nothing
    uint8_t id;   // IO_APIC: its number in the table of interrupt controllers
    uint8_t setting;
    uint16_t segment, source;
};

// Memory that firmware's own use of a device goes on reaching.
struct ivrs_region {
    paddr_t base, end;
    uint16_t segment, first, last;
};

struct ivrs {
    uint32_t unit_count, range_count, special_count, region_count;
    struct ivrs_unit units[IVRS_UNITS_MAX];
    struct ivrs_range ranges[IVRS_RANGES_MAX];
    struct ivrs_special specials[IVRS_SPECIALS_MAX];
    struct ivrs_region regions[IVRS_REGIONS_MAX];
};

// `table`: a whole table, its checksum right, of `length` bytes. False: it is damaged or larger
// than the limits above, and *out means nothing.
bool ivrs_parse(const void *table, uint32_t length, struct ivrs *out);
