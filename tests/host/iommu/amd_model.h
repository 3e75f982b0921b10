// SPDX-License-Identifier: MIT
// An AMD-Vi unit, or two, and their machine, for the code that drives it: registers, configuration
// space, commands, events, and the look-ups that accesses and interrupts of devices make. It
// remembers every entry that it looked at, the absent ones too, until a command says otherwise; and
// looks again at the last ones after each command.
#pragma once

#include <arch/hooks.h>
#include <arch/types.h>

#define MODEL_UNITS          2u
#define MODEL_UNIT           2u // the number of its function
#define MODEL_FUNCTION(unit) (MODEL_UNIT + 0x200u * (unit))
#define MODEL_IO_APIC        0xa0u               // and the I/O APIC's
#define MODEL_REGISTERS      0xfed80000u         // those of the second follow
#define MODEL_OLD_PAGE       UINT64_C(0x7654000) // that firmware's domains had

extern uint8_t model_io_apic;      // its id; before model_start()
extern bool model_forgets_all;     // it has the command for it; before model_start()
extern unsigned model_units;       // there are so many; before model_start()
extern unsigned model_at;          // behind which what follows happens
extern void (*model_logged)(void); // something was logged
extern bool model_deaf;            // the machine does not take its interrupts
extern unsigned model_slow;        // it writes an event only after the CPU has waited so often
extern unsigned model_faults;      // that were told, the last of them:
extern struct dma_fault model_fault;
extern int64_t model_tables; // pages that the owner gave for tables, and has not back
extern bool model_no_memory; // it gives none

void model_start(const void *table, uint32_t length);

// An access of a device. Whether it went through; the machine takes the interrupts of those that
// did not.
bool model_access(uint16_t source, uint64_t address, bool write);

// An event that is of no device.
void model_noise(void);

// A message. The vector that it raises; 0: none.
unsigned model_message(uint16_t source, uint32_t data);
