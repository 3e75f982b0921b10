// SPDX-License-Identifier: MIT
// Device interrupts. An interrupt is a small number below ARCH_INTERRUPT_MAX, given out here;
// when the hardware raises it, kernel_interrupt(number) is called on the CPU it is routed to.
//
// Life of a line: arch_interrupt_line() leaves it masked; arch_interrupt_unmask() arms it. A level
// line is masked again before kernel_interrupt() is called (else it would fire for ever) and waits
// for the next unmask, once the driver has quieted its device. Edge lines and messages need no
// unmask per interrupt; one that comes while masked is kept by the controller where it can and
// otherwise lost, so drivers look at their device after unmask.
#pragma once

#include <tessera/abi/object.h>
#include <tessera/abi/types.h>
#include <arch/types.h>

#define ARCH_INTERRUPT_MAX 192

// Routes a line to a CPU; flags: TS_LINE_*. TS_ERR_RANGE: no such line, or legacy number;
// TS_ERR_BUSY: in use; TS_ERR_LIMIT: no number is free. Takes a spin lock.
TS_MUST_USE ts_status_t arch_interrupt_line(uint32_t line, unsigned flags, uint32_t cpu,
                                            uint32_t *out_interrupt);

// Makes a message-signalled interrupt: the device (segment << 16 | bus << 8 | device << 3 |
// function) is to write `data` to `address`; where interrupts are remapped no other device can.
TS_MUST_USE ts_status_t arch_interrupt_message(uint32_t device, uint32_t cpu,
                                               uint32_t *out_interrupt, uint64_t *out_address,
                                               uint32_t *out_data);

// Frees a number. The device has to be quiet: a message that still comes is dropped.
void arch_interrupt_free(uint32_t interrupt);

// Lines only; nothing happens for messages. Callable in kernel_interrupt().
void arch_interrupt_mask(uint32_t interrupt);
void arch_interrupt_unmask(uint32_t interrupt);

// How many lines there are (valid: 0 to this less one), for the interrupt resource.
uint32_t arch_interrupt_line_count(void);
