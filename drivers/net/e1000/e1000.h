// SPDX-License-Identifier: MIT
// Intel's gigabit controllers: the chip of drivers/lib/frame.
//
//   8254X   82540EM, 82545EM: PCI and PCI-X, one interrupt line
//   82574   PCI Express, MSI-X
//   I217    I217 and I218, I219: what is in Intel's chipsets since 2013. Their registers are alike,
//   I219    these were not tried. MSI
//
// A frame that is sent has a descriptor for each of its pieces, and one before them if its checksum
// lies elsewhere than that of the last one did. One that comes has a room of its own: the chip
// drops what is longer than Ethernet's frames, and those fit.
//
// The chip may say what it likes: each word of a descriptor is read once, in the order of the ring,
// and only of those that it was told of. What cannot be is TS_ERR_PROTOCOL, and the card resets it.
#pragma once

#include "ring.h"

#include <drivers/frame/card.h>

#define E1000_RX 256u // descriptors, powers of two
#define E1000_TX 512u

// The chip's registers. Each function is given `context`.
struct e1000_registers {
    uint32_t (*read)(void *context, uint32_t offset);
    void (*write)(void *context, uint32_t offset, uint32_t value);
};

enum e1000_family { E1000_8254X, E1000_82574, E1000_I217, E1000_I219 };

struct e1000 {
    const struct e1000_registers *registers;
    void *context;
    enum e1000_family family;
    uint8_t mac[6];
    bool messages;            // MSI-X
    struct dma_memory memory; // descriptors, and zeros
    struct e1000_ring rx, tx;
    uint8_t rx_counts[E1000_RX], tx_counts[E1000_TX];
    uint64_t zeros;  // the device's address of some
    uint64_t sum;    // what the chip was told last of where checksums are
    bool tells_sent; // it interrupts for sent frames
    struct frame_card card;
};

static inline uint32_t e1000_read(const struct e1000 *e, uint32_t offset)
{
    return e->registers->read(e->context, offset);
}

static inline void e1000_write(const struct e1000 *e, uint32_t offset, uint32_t value)
{
    e->registers->write(e->context, offset, value);
}

// ---- device.c

// Takes the chip as the firmware, or a driver that died, has left it: resets it, and reads its
// address. `device` is the PCI id. It may not be a bus master yet. TS_ERR_IO: it does not obey;
// TS_ERR_UNSUPPORTED: a card without an address.
TS_MUST_USE ts_status_t e1000_identify(struct e1000 *e, const struct e1000_registers *registers,
                                       void *context, uint16_t device);

// Interrupts off, no frames, reset: it has let go of all memory. TS_ERR_IO.
TS_MUST_USE ts_status_t e1000_reset(struct e1000 *e);

// Resets it and starts it with empty rings. TS_ERR_IO.
TS_MUST_USE ts_status_t e1000_start(struct e1000 *e);

// The causes of interrupts that are on: of what has come, and of what was sent.
uint32_t e1000_causes(const struct e1000 *e);
uint32_t e1000_cause_sent(const struct e1000 *e);

// ---- chip.c

// (The chip of drivers/lib/frame: its context is a struct e1000.)

// ---- card.c

// After e1000_identify: memory of the rings and the card. messages: interrupts come by MSI-X. The
// chip is at rest. TS_ERR_MEMORY, TS_ERR_LIMIT.
TS_MUST_USE ts_status_t e1000_init(struct e1000 *e, ts_handle_t domain, bool messages);

// Frees them; the chip was reset.
void e1000_fini(struct e1000 *e);
