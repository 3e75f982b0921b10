// SPDX-License-Identifier: MIT
// The local interrupt controller of each CPU (Intel SDM vol. 3, chapter 11), and the I/O ones.
#pragma once

#include <arch/types.h>

#define APIC_TIMER_INITIAL 0x380u
#define APIC_TIMER_CURRENT 0x390u

// Finds and maps the controllers. First CPU.
void apic_init(void);
void io_apic_init(void);

// Whether a range of physical addresses touches the registers of an I/O controller.
bool io_apic_has_registers(paddr_t base, uint64_t bytes);

// Turns this CPU's controller on.
void apic_enable(void);

uint32_t apic_id(void);
void apic_end_of_interrupt(void);

// Whether interrupts can be sent to this APIC id: of the wider ones xAPIC would send to another.
bool apic_reaches(uint32_t target);

// Interrupts the CPU with this APIC id. Any context.
void apic_send(uint32_t target, uint32_t vector);
void apic_send_nmi(uint32_t target);
void apic_send_init(uint32_t target);
void apic_send_startup(uint32_t target, paddr_t page);

// This CPU's timer: one shot, `count` ticks of the controller's clock; or by TSC deadline.
void apic_timer_one_shot(void);
void apic_timer_deadline(void);
void apic_write(uint32_t reg, uint32_t value);
uint32_t apic_read(uint32_t reg);

// The dispatch of a device vector (irq/interrupt.c), and of the others.
void device_interrupt(uint32_t vector);

// smp/request.c: what another CPU asks.
void quiesce_note(void);

// irq/clock.c
void clock_init(void);
void clock_cpu_init(void);
