// SPDX-License-Identifier: MIT
// The table of device interrupts: number i is vector VECTOR_DEVICE + i on all CPUs, and is routed
// to one of them.
#include <arch/interrupt.h>

#include "io_apic.h"

#include <arch/hooks.h>
#include <arch/smp.h>
#include <cpu.h>
#include <machine/acpi.h>
#include <machine/apic.h>
#include <machine/descriptors.h>
#include <machine/iommu.h>
#include <spinlock.h>
#include <tessera/abi/status.h>

_Static_assert(VECTOR_DEVICE + ARCH_INTERRUPT_MAX == VECTOR_TIMER, "device vectors");

#define MESSAGE_ADDRESS UINT64_C(0xfee00000)

enum use { FREE, LINE, MESSAGE };

struct interrupt {
    enum use use;
    bool level;
    uint32_t line;
};

static struct spinlock interrupt_lock = SPINLOCK_INIT("interrupts");
static struct interrupt interrupts[ARCH_INTERRUPT_MAX];

// Vectors are spread over the 16 priority classes: a neighbour in the table is 16 vectors away.
static uint32_t free_find(void)
{
    for (uint32_t i = 0; i < ARCH_INTERRUPT_MAX; i++) {
        uint32_t number = i % (ARCH_INTERRUPT_MAX / 16) * 16 + i / (ARCH_INTERRUPT_MAX / 16);
        if (interrupts[number].use == FREE) {
            return number;
        }
    }
    return ARCH_INTERRUPT_MAX;
}

static bool line_used(uint32_t line)
{
    for (uint32_t i = 0; i < ARCH_INTERRUPT_MAX; i++) {
        if (interrupts[i].use == LINE && interrupts[i].line == line) {
            return true;
        }
    }
    return false;
}

static uint32_t target_of(uint32_t cpu)
{
    return cpu_by_id(cpu < cpu_count() ? cpu : 0)->arch.apic_id;
}

static ts_status_t line_locked(uint32_t line, unsigned flags, uint32_t cpu, uint32_t *out_number)
{
    uint32_t number = free_find();
    if (line_used(line)) {
        return TS_ERR_BUSY;
    }
    if (number == ARCH_INTERRUPT_MAX) {
        return TS_ERR_LIMIT;
    }
    if (!io_apic_route(line, flags, target_of(cpu), VECTOR_DEVICE + number, number)) {
        return TS_ERR_RANGE;
    }
    interrupts[number] =
        (struct interrupt){.use = LINE, .level = flags & TS_LINE_LEVEL, .line = line};
    *out_number = number;
    return TS_OK;
}

ts_status_t arch_interrupt_line(uint32_t line, unsigned flags, uint32_t cpu,
                                uint32_t *out_interrupt)
{
    if (flags & TS_LINE_LEGACY) {
        if (line >= ACPI_ISA_LINES) {
            return TS_ERR_RANGE;
        }
        flags = acpi.isa[line].flags;
        line = acpi.isa[line].line;
    }
    irqflags_t irq = spin_lock(&interrupt_lock);
    ts_status_t status = line_locked(line, flags, cpu, out_interrupt);
    spin_unlock(&interrupt_lock, irq);
    return status;
}

static ts_status_t message_locked(uint32_t device, uint32_t target, uint32_t *out_number)
{
    uint32_t number = *out_number = free_find();
    if (number == ARCH_INTERRUPT_MAX) {
        return TS_ERR_LIMIT;
    }
    if (remap_active() && !remap_set(number, VECTOR_DEVICE + number, target, false, device)) {
        return TS_ERR_MEMORY;
    }
    interrupts[number] = (struct interrupt){.use = MESSAGE};
    return TS_OK;
}

ts_status_t arch_interrupt_message(uint32_t device, uint32_t cpu, uint32_t *out_interrupt,
                                   uint64_t *out_address, uint32_t *out_data)
{
    uint32_t target = target_of(cpu), number;
    if (target > 0xff && !remap_wide()) {
        target = cpu_by_id(0)->arch.apic_id;
    }
    irqflags_t irq = spin_lock(&interrupt_lock);
    ts_status_t status = message_locked(device, target, &number);
    spin_unlock(&interrupt_lock, irq);
    if (status != TS_OK) {
        return status;
    }
    *out_interrupt = number;
    if (remap_active()) {
        remap_message(number, VECTOR_DEVICE + number, out_address, out_data);
    } else {
        *out_address = MESSAGE_ADDRESS | (uint64_t)target << 12; // physical, fixed, edge
        *out_data = VECTOR_DEVICE + number;
    }
    return TS_OK;
}

void arch_interrupt_free(uint32_t interrupt)
{
    irqflags_t irq = spin_lock(&interrupt_lock);
    struct interrupt *i = &interrupts[interrupt];
    if (i->use == LINE) {
        io_apic_mask(i->line, true);
    }
    if (remap_active()) {
        remap_clear(interrupt);
    }
    i->use = FREE;
    spin_unlock(&interrupt_lock, irq);
}

static void set_mask(uint32_t interrupt, bool masked)
{
    irqflags_t irq = spin_lock(&interrupt_lock);
    if (interrupts[interrupt].use == LINE) {
        io_apic_mask(interrupts[interrupt].line, masked);
    }
    spin_unlock(&interrupt_lock, irq);
}

void arch_interrupt_mask(uint32_t interrupt)
{
    set_mask(interrupt, true);
}

void arch_interrupt_unmask(uint32_t interrupt)
{
    set_mask(interrupt, false);
}

uint32_t arch_interrupt_line_count(void)
{
    return io_apic_line_count();
}

void device_interrupt(uint32_t vector)
{
    uint32_t number = vector - VECTOR_DEVICE;
    spin_lock_off(&interrupt_lock);
    enum use use = interrupts[number].use;
    if (use == LINE && interrupts[number].level) {
        io_apic_mask(interrupts[number].line, true);
    }
    spin_unlock_off(&interrupt_lock);
    apic_end_of_interrupt();
    if (use == FREE) {
        cpu_current()->arch.spurious++;
    } else {
        kernel_interrupt(number);
    }
}
