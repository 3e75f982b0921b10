// SPDX-License-Identifier: MIT
// Interrupt remapping by AMD-Vi: each function that has interrupts has a table of its own, so it
// can send no others. What it sends, or an I/O APIC does for a line, has the form of an interrupt
// that is not remapped; the vector in it is the number of the entry, and the entry leads to the
// same vector. So the end of a level-triggered interrupt finds the I/O APIC's line by its vector.
#include "amd.h"
#include "device.h"
#include "remap.h"

#include <arch/interrupt.h>
#include <machine/acpi.h>
#include <machine/descriptors.h>
#include <machine/iommu.h>
#include <panic.h>

#define VALID           1u
#define MESSAGE_ADDRESS 0xfee00000u

static const struct ivrs *said;
static struct {
    struct amd *unit; // NULL: the interrupt is not set
    uint16_t source;
    uint8_t vector;
} places[ARCH_INTERRUPT_MAX];

static bool entry_set(struct amd *u, uint16_t source, uint32_t vector, uint32_t value)
{
    irqflags_t flags = spin_lock(&u->unit.lock);
    bool made = amd_interrupts_make(u, source);
    if (made) {
        *(volatile uint32_t *)&amd_interrupts(u, source)[vector] = value;
        amd_forget_interrupts(u, source);
    }
    spin_unlock(&u->unit.lock, flags);
    return made;
}

static bool set(uint32_t number, uint32_t vector, uint32_t apic_id, bool level, uint32_t source)
{
    (void)level; // as the message says
    struct iommu *unit = source == IOMMU_NO_SOURCE ? NULL : device_unit(source);
    if (unit == NULL) {
        return false;
    }
    uint16_t bears = device_number(unit->segment, (uint16_t)source);
    places[number].unit = amd_of(unit);
    places[number].source = bears;
    places[number].vector = (uint8_t)vector;
    return entry_set(amd_of(unit), bears, vector, VALID | (apic_id & 0xff) << 8 | vector << 16);
}

static void clear(uint32_t number)
{
    if (places[number].unit != NULL) {
        (void)entry_set(places[number].unit, places[number].source, places[number].vector, 0);
        places[number].unit = NULL;
    }
}

static uint32_t io_apic_source(uint8_t id)
{
    for (uint32_t i = 0; i < said->special_count; i++) {
        const struct ivrs_special *s = &said->specials[i];
        if (s->kind == IVRS_IO_APIC && s->id == id && s->segment == 0) {
            return s->source;
        }
    }
    return IOMMU_NO_SOURCE;
}

static void message(uint32_t number, uint32_t vector, uint64_t *out_address, uint32_t *out_data)
{
    (void)number;
    *out_address = MESSAGE_ADDRESS;
    *out_data = vector;
}

static uint32_t line_high(uint32_t number)
{
    (void)number;
    return 0;
}

// An I/O APIC that firmware does not name could send nothing.
static bool all_named(struct amd *units)
{
    for (uint32_t i = 0; i < said->unit_count; i++) {
        if (!units[i].unit.on) {
            return false;
        }
    }
    for (uint32_t i = 0; i < acpi.io_apic_count; i++) {
        uint32_t source = io_apic_source(acpi.io_apic[i].id);
        if (source == IOMMU_NO_SOURCE || device_unit(source) == NULL) {
            return false;
        }
    }
    return true;
}

void amd_remap_start(const struct ivrs *ivrs, struct amd *units)
{
    static const struct remap_kind kind = {.set = set,
                                           .clear = clear,
                                           .io_apic_source = io_apic_source,
                                           .message = message,
                                           .line_high = line_high};
    said = ivrs;
    if (!all_named(units)) {
        return;
    }
    for (uint32_t i = 0; i < acpi.io_apic_count; i++) { // so that lines need no memory later
        uint32_t source = io_apic_source(acpi.io_apic[i].id);
        KREQUIRE(entry_set(amd_of(device_unit(source)), (uint16_t)source, VECTOR_DMA_FAULT, 0));
    }
    // Their own, of events: last, since a damaged table may give an I/O APIC the same number.
    for (uint32_t i = 0; i < said->unit_count; i++) {
        KREQUIRE(entry_set(&units[i], units[i].source, VECTOR_DMA_FAULT,
                           VALID | iommu_fault_cpu() << 8 | (uint32_t)VECTOR_DMA_FAULT << 16));
    }
    for (uint32_t i = 0; i < said->unit_count; i++) {
        irqflags_t flags = spin_lock(&units[i].unit.lock);
        amd_entries_remap(&units[i]);
        amd_forget_all(&units[i]);
        spin_unlock(&units[i].unit.lock, flags);
    }
    remap_start(&kind, false);
}
