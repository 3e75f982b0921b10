// SPDX-License-Identifier: MIT
// Interrupt remapping, whichever IOMMUs do it. See <machine/iommu.h>.
#include "remap.h"

#include <log.h>
#include <machine/iommu.h>

static const struct remap_kind *active; // NULL: none
static bool is_wide;

void remap_start(const struct remap_kind *kind, bool wide)
{
    active = kind;
    is_wide = wide;
    log_info("iommu: interrupts are remapped");
}

bool remap_active(void)
{
    return active != NULL;
}

bool remap_wide(void)
{
    return active != NULL && is_wide;
}

bool remap_set(uint32_t number, uint32_t vector, uint32_t apic_id, bool level, uint32_t source)
{
    return active->set(number, vector, apic_id, level, source);
}

void remap_clear(uint32_t number)
{
    active->clear(number);
}

uint32_t remap_io_apic_source(uint8_t id)
{
    return active->io_apic_source(id);
}

void remap_message(uint32_t number, uint32_t vector, uint64_t *out_address, uint32_t *out_data)
{
    active->message(number, vector, out_address, out_data);
}

uint32_t remap_line_high(uint32_t number)
{
    return active->line_high(number);
}
