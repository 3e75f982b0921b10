// SPDX-License-Identifier: MIT
// An NE2000 in the test's own process: the DP8390's pages of registers, and its memory behind the
// data port. It checks what real ones ask for.
#pragma once

#include "fake_machine.h"
#include "ne2k.h"
#include "registers.h"

#define FAKE_NE2K_MEMORY 0x8000u

struct fake_ne2k {
    uint8_t memory[FAKE_NE2K_MEMORY];
    uint8_t page_0[16], page_1[16]; // as they were written
    uint8_t command, causes;
    uint32_t at, left; // of the data port
    bool writing;
    unsigned recoveries; // of overruns, in the datasheet's order
    // What it does wrong:
    bool deaf; // does not take a reset
    bool gone; // all ones
    bool lost; // what is written to its memory is never in
};

extern const struct ne2k_registers fake_ne2k_registers;

// As firmware has left it, with an address.
void fake_ne2k_init(struct fake_ne2k *card);

// Ends sending. Where the frame is that was sent, NULL: there is none.
const uint8_t *fake_ne2k_send(struct fake_ne2k *card, uint32_t *out_length);

// Writes a frame into the ring, with its header. False: no place; it has stopped by an overrun if
// `overruns`.
bool fake_ne2k_receive(struct fake_ne2k *card, const uint8_t *bytes, uint32_t length,
                       bool overruns);
