// SPDX-License-Identifier: MIT
// Interrupts: events which hardware signals.
//
// An interrupt fires: its count grows and READABLE is set; a level line is masked by the machine
// layer until ack arms it again. A line starts masked, so the first ack arms it; messages need
// none. When the last handle closes the line is masked; the number is given back when the object
// goes. A program that must be sure that a device is quiet before its vector is used again (the PCI
// server) keeps a handle until it is.
//
// An interrupt that fires INTERRUPT_STORM times in 100 ms without anybody taking the count is taken
// for a storm: it is masked (a message: no longer looked at), has ERROR set and is logged; ack ends
// that.
#pragma once

#include <core/object.h>
#include <tessera/abi/object.h>

#define INTERRUPT_STORM 20000u

extern const struct object_class interrupt_class;

// TS_LINE_* flags. `device`: whose interrupt it is, of which the object has a use; NULL: no
// device's. TS_ERR_RANGE, TS_ERR_BUSY, TS_ERR_LIMIT, TS_ERR_MEMORY.
struct device;
TS_MUST_USE ts_status_t interrupt_create_line(struct account *account, uint32_t line,
                                              unsigned flags, struct device *device,
                                              struct object **out_interrupt);
// `sender` as in TS_RESOURCE_MESSAGE.
TS_MUST_USE ts_status_t interrupt_create_message(struct account *account, uint32_t sender,
                                                 struct device *device,
                                                 struct ts_interrupt_message *out_message,
                                                 struct object **out_interrupt);

// As kernel_interrupt() of <arch/hooks.h>.
void interrupt_came(uint32_t number);
