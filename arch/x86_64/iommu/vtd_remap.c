// SPDX-License-Identifier: MIT
// Interrupt remapping by VT-d: one table for all units. Messages in the old format, which name
// vector and CPU themselves, are not let through.
#include "remap.h"
#include "vtd.h"

#include <arch/boot.h>
#include <arch/interrupt.h>
#include <arch/memory.h>
#include <log.h>
#include <machine/features.h>
#include <machine/iommu.h>
#include <panic.h>

#define ENTRIES        256u
#define ENTRY_PRESENT  1u
#define ENTRY_LEVEL    (1u << 4)
#define ENTRY_VERIFIED (1u << 18) // by all 16 bits of the source

_Static_assert(ARCH_INTERRUPT_MAX <= ENTRIES, "an entry for each interrupt");

#define MESSAGE_REMAPPED UINT64_C(0xfee00010) // and the number of the entry from bit 5 on
#define LINE_REMAPPED    (1u << 16)           // and the number from bit 17 on

static uint64_t (*entries)[2];
static bool wide;
static struct vtd *units;
static const struct dmar *said;

static bool all_can(bool (*can)(const struct vtd *unit))
{
    for (uint32_t i = 0; i < said->unit_count; i++) {
        if (!units[i].unit.on || !can(&units[i])) {
            return false;
        }
    }
    return true;
}

static void entry_set(uint32_t number, uint64_t low, uint64_t high)
{
    volatile uint64_t *entry = entries[number];
    entry[0] = 0;
    entry[1] = high;
    entry[0] = low;
    for (uint32_t i = 0; i < said->unit_count; i++) {
        irqflags_t flags = spin_lock(&units[i].unit.lock);
        vtd_write_back(&units[i], entry, sizeof(entries[0]));
        vtd_forget_interrupt(&units[i], number);
        spin_unlock(&units[i].unit.lock, flags);
    }
}

static bool set(uint32_t number, uint32_t vector, uint32_t apic_id, bool level, uint32_t source)
{
    uint64_t target = wide ? (uint64_t)apic_id << 32 : (uint64_t)(apic_id & 0xff) << 40;
    entry_set(number, target | vector << 16 | (level ? ENTRY_LEVEL : 0) | ENTRY_PRESENT,
              source == IOMMU_NO_SOURCE ? 0 : (source & 0xffff) | ENTRY_VERIFIED);
    return true;
}

static void clear(uint32_t number)
{
    entry_set(number, 0, 0);
}

static uint32_t io_apic_source(uint8_t id)
{
    for (uint32_t i = 0; i < said->scope_count; i++) {
        const struct dmar_scope *s = &said->scopes[i];
        if (s->kind == DMAR_IO_APIC && s->id == id && s->length == 1) {
            return (uint32_t)s->bus << 8 | (uint32_t)s->path[0].slot << 3 | s->path[0].function;
        }
    }
    return IOMMU_NO_SOURCE;
}

static void message(uint32_t number, uint32_t vector, uint64_t *out_address, uint32_t *out_data)
{
    (void)vector;
    *out_address = MESSAGE_REMAPPED | (uint64_t)number << 5;
    *out_data = 0;
}

static uint32_t line_high(uint32_t number)
{
    return number << 17 | LINE_REMAPPED;
}

void vtd_remap_start(const struct dmar *dmar, struct vtd *all_units)
{
    static const struct remap_kind kind = {.set = set,
                                           .clear = clear,
                                           .io_apic_source = io_apic_source,
                                           .message = message,
                                           .line_high = line_high};
    said = dmar;
    units = all_units;
    if (!dmar->interrupts || !all_can(vtd_can_remap)) {
        return;
    }
    wide = cpu_features.x2apic && all_can(vtd_can_extend);
    paddr_t table = boot_page_alloc(ENTRIES * sizeof(entries[0]), PAGE_SIZE);
    for (uint32_t i = 0; i < dmar->unit_count; i++) {
        vtd_write_back(&units[i], phys_to_virt(table), PAGE_SIZE);
        KREQUIRE(vtd_remap(&units[i], table, wide)); // half of them would be worse than none
    }
    entries = phys_to_virt(table);
    remap_start(&kind, wide);
}
