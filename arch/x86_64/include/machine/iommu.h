// SPDX-License-Identifier: MIT
// The machine's IOMMUs, as far as the rest of the machine layer uses them; <arch/iommu.h> is for
// the kernel.
//
// Interrupts: where IOMMUs remap them, a device's message or a line names an entry of a table, and
// the entry has vector and CPU and the one source that may use it (VT-d), or the table is that
// source's own (AMD-Vi). Interrupts are numbered as in irq/interrupt.c.
#pragma once

#include <arch/types.h>

#define IOMMU_NO_SOURCE UINT32_MAX // anybody: an interrupt controller that firmware does not name

// Takes the IOMMUs over that firmware reports, all access blocked. After acpi_init() and
// apic_init(), before any interrupt is routed.
struct acpi_table;
void iommu_init(const struct acpi_table *dmar, const struct acpi_table *ivrs);

// VECTOR_DMA_FAULT, on the CPU with this APIC id.
void iommu_interrupt(void);
uint32_t iommu_fault_cpu(void);

// Whether physical addresses touch an IOMMU's registers.
bool iommu_has_registers(paddr_t base, uint64_t bytes);

// Whether interrupts are remapped: by all IOMMUs or by none.
bool remap_active(void);

// Whether APIC ids above 255 can be reached.
bool remap_wide(void);

// Any context; remap_active(). remap_set: false: no memory for a table.
bool remap_set(uint32_t number, uint32_t vector, uint32_t apic_id, bool level, uint32_t source);
void remap_clear(uint32_t number);

// What a device writes, and the upper half of an I/O APIC's entry, for an interrupt that is set.
void remap_message(uint32_t number, uint32_t vector, uint64_t *out_address, uint32_t *out_data);
uint32_t remap_line_high(uint32_t number);

// The source of the I/O APIC with this number in firmware's tables, or IOMMU_NO_SOURCE.
uint32_t remap_io_apic_source(uint8_t id);
