// SPDX-License-Identifier: MIT
// An Intel gigabit controller in the test's own process: registers, and rings that it works on in
// order. It checks what real ones ask for.
#pragma once

#include "e1000.h"
#include "fake_machine.h"

#define FAKE_NVM 64u

struct fake_e1000 {
    uint32_t registers[0x6000 / 4];
    uint16_t nvm[FAKE_NVM];
    uint32_t causes, mask;
    uint64_t context; // where checksums are, as it was told
    uint32_t writes;  // of tails
    bool express;
    // What it does wrong:
    bool deaf;    // does not take a reset
    bool busy;    // goes on with what it has enabled
    bool no_nvm;  // never reads a word
    bool gone;    // all ones
    bool no_load; // does not come back with its NVM
};

// A frame that the chip has read.
struct fake_frame {
    uint8_t bytes[2048];
    uint32_t length;
    bool summed;
    uint16_t start, place; // of the sum
};

extern const struct e1000_registers fake_e1000_registers;

// Fresh, with an address.
void fake_e1000_init(struct fake_e1000 *chip, bool express);

// Sends the next frame, and marks it done. False: there is none.
bool fake_e1000_send(struct fake_e1000 *chip, struct fake_frame *out);

// The next room; NULL: none. Then fake_e1000_done says what is in it: the descriptor's second word.
uint8_t *fake_e1000_room(const struct fake_e1000 *chip);
void fake_e1000_done(struct fake_e1000 *chip, uint64_t word);
