// SPDX-License-Identifier: MIT
// What the CPUs can do, found once on the first CPU.
#pragma once

#include <arch/types.h>

struct cpu_features {
    bool gib_pages, pge, pat;
    bool smep, smap, umip, erms;
    bool xsave, xsaveopt;
    bool x87_pointers_stay; // neither saved nor loaded with an area unless an exception is pending
    bool x2apic, tsc_deadline;
    bool rdrand, rdseed;
    bool hypervisor;
    uint64_t xcr0;        // state components that are enabled
    uint32_t vector_size; // bytes of the XSAVE or FXSAVE area
    char name[49];
};

extern struct cpu_features cpu_features;
extern bool cpu_has_erms; // for assembly, which does not know the structure; in base/string.S

// Fills cpu_features. First CPU, once.
void features_detect(void);

// The names of what this processor must have and has not, or "". First CPU, before
// features_enable(), which would fault.
const char *features_lacking(void);

// Sets control registers, XCR0, PAT and the system call registers of this CPU.
void features_enable(void);

// Writes the instructions that this CPU needs over their place-holders (<machine/patch.h>). First
// CPU, while the kernel's text is still writable.
void patch_apply(void);
