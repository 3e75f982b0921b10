// SPDX-License-Identifier: MIT
// The I/O interrupt controllers. Callers hold the interrupt table's lock.
#pragma once

#include <arch/types.h>

uint32_t io_apic_line_count(void);

// Points a line at a CPU and vector, masked. `number` is the interrupt's, by which it is remapped
// where interrupts are. False when no controller has the line.
bool io_apic_route(uint32_t line, unsigned flags, uint32_t apic_id, uint32_t vector,
                   uint32_t number);

void io_apic_mask(uint32_t line, bool masked);
