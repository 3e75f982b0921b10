// SPDX-License-Identifier: MIT
// Between remap.c and the kinds of IOMMU.
#pragma once

#include <arch/types.h>

// See <machine/iommu.h> for what they do.
struct remap_kind {
    bool (*set)(uint32_t number, uint32_t vector, uint32_t apic_id, bool level, uint32_t source);
    void (*clear)(uint32_t number);
    uint32_t (*io_apic_source)(uint8_t id);
    void (*message)(uint32_t number, uint32_t vector, uint64_t *out_address, uint32_t *out_data);
    uint32_t (*line_high)(uint32_t number);
};

// Interrupts are remapped from now on; `wide`: to APIC ids above 255 as well.
void remap_start(const struct remap_kind *kind, bool wide);
