// SPDX-License-Identifier: MIT
// The machine's IOMMUs, as far as the rest of the machine layer uses them; <arch/iommu.h> is for
// the kernel.
//
// Interrupts: where IOMMUs remap them, a device's message or a line names an entry of a table, and
// the entry has vector and CPU and the one source that may use it. Entries are numbered as
// interrupts are (irq/interrupt.c).
#pragma once

#include <arch/types.h>

#define IOMMU_NO_SOURCE UINT32_MAX // anybody: an interrupt controller that firmware does not name

// Takes the IOMMUs over that firmware reports, all access blocked. After acpi_init() and
// apic_init(), before any interrupt is routed.
void iommu_init(const void *dmar, uint32_t length);

// VECTOR_DMA_FAULT, on the CPU with this APIC id.
void iommu_interrupt(void);
uint32_t iommu_fault_cpu(void);

// Whether physical addresses touch an IOMMU's registers.
bool iommu_has_registers(paddr_t base, uint64_t bytes);

// Whether interrupts are remapped: by all IOMMUs or by none.
bool remap_active(void);

// Whether APIC ids above 255 can be reached.
bool remap_wide(void);

// Any context; remap_active().
void remap_set(uint32_t number, uint32_t vector, uint32_t apic_id, bool level, uint32_t source);
void remap_clear(uint32_t number);

// The source of the I/O APIC with this number in firmware's tables, or IOMMU_NO_SOURCE.
uint32_t remap_io_apic_source(uint8_t id);
