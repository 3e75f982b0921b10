// SPDX-License-Identifier: MIT
// An RTL8139 in the test's own process: registers, its ring and its buffers. It checks what real
// ones ask for.
#pragma once

#include "fake_machine.h"
#include "registers.h"
#include "rtl8139.h"

struct fake_rtl8139 {
    uint8_t registers[0x100];
    uint32_t written; // up to where it has filled its ring
    uint16_t next;    // of the buffers
    bool clears;      // it was told to go on after an abort
    // What it does wrong:
    bool deaf; // does not take a reset
    bool busy; // goes on sending and receiving
    bool gone; // all ones
};

extern const struct rtl8139_registers fake_rtl8139_registers;

// As firmware has left it: receiving, with an address.
void fake_rtl8139_init(struct fake_rtl8139 *chip);

uint32_t fake_rtl8139_get(const struct fake_rtl8139 *chip, uint32_t offset, unsigned width);
void fake_rtl8139_put(struct fake_rtl8139 *chip, uint32_t offset, unsigned width, uint32_t value);

// The next frame that it was given, to which `state` is what became of it. NULL: there is none.
const uint8_t *fake_rtl8139_send(struct fake_rtl8139 *chip, uint32_t state, uint32_t *out_length);

// Writes a frame into the ring, with a header that says what it likes. False: no room.
bool fake_rtl8139_receive(struct fake_rtl8139 *chip, uint32_t header, const uint8_t *bytes,
                          uint32_t length);
