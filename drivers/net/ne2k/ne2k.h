// SPDX-License-Identifier: MIT
// An NE2000 on PCI (RTL8029), for 10 Mbit/s: a chip of drivers/lib/frame.
//
// The card has 16 KiB of memory, which are behind a port: two buffers to send from, and a ring for
// what comes. The driver moves each frame through that port, and the card reaches no memory of the
// machine: it is never a bus master.
//
// The card may say what it likes: how far its ring is filled, and of each frame a header, are read
// once and checked. Where the driver reads next, and which buffers are out, it keeps itself. What
// cannot be is TS_ERR_PROTOCOL, and the card resets it.
#pragma once

#include <drivers/frame/card.h>
#include <drivers/frame/copy.h>

#define NE2K_TX       2u    // frames
#define NE2K_TX_BYTES 1536u // of a buffer

// The card's ports. Each function is given `context`. Many: bytes of the data port, an even number,
// at most NE2K_TX_BYTES.
struct ne2k_registers {
    uint8_t (*read)(void *context, uint8_t port);
    void (*write)(void *context, uint8_t port, uint8_t value);
    ts_status_t (*read_many)(void *context, void *out, uint32_t bytes);
    ts_status_t (*write_many)(void *context, const void *from, uint32_t bytes);
};

struct ne2k {
    const struct ne2k_registers *registers;
    void *context;
    uint8_t mac[6];
    uint8_t next;    // page of the next frame in the ring
    uint8_t current; // up to where it was filled when we looked last
    uint8_t causes;  // which interrupt
    bool sending;    // the oldest frame that is out is on its way
    bool failed;     // a frame did not get into the card's memory
    uint16_t tx_first, tx_count;
    uint16_t lengths[NE2K_TX];
    struct frame_rooms rooms;
    struct frame_card card;
};

static inline uint8_t ne2k_read(const struct ne2k *n, uint8_t port)
{
    return n->registers->read(n->context, port);
}

static inline void ne2k_write(const struct ne2k *n, uint8_t port, uint8_t value)
{
    n->registers->write(n->context, port, value);
}

static inline void ne2k_write_pair(const struct ne2k *n, uint8_t port, uint32_t value)
{
    ne2k_write(n, port, (uint8_t)value);
    ne2k_write(n, port + 1, (uint8_t)(value >> 8));
}

// ---- device.c

// Takes the card as the firmware, or a driver that died, has left it: resets it, and reads its
// address. TS_ERR_IO: it does not obey; TS_ERR_UNSUPPORTED: a card without an address.
TS_MUST_USE ts_status_t ne2k_identify(struct ne2k *n, const struct ne2k_registers *registers,
                                      void *context);

// Interrupts off, no frames, reset. TS_ERR_IO.
TS_MUST_USE ts_status_t ne2k_reset(struct ne2k *n);

// Resets it and starts it with an empty ring. TS_ERR_IO.
TS_MUST_USE ts_status_t ne2k_start(struct ne2k *n);

// The ring had no place for what came, and the card has stopped: what it holds is lost, and it goes
// on. It takes 2 ms.
void ne2k_recover(struct ne2k *n);

// Chooses whether it interrupts for frames that were sent.
void ne2k_tell_sent(struct ne2k *n, bool tell);

// Starts sending the oldest frame, if there is one and none is on its way.
void ne2k_send_oldest(struct ne2k *n);

// Moves bytes from or to the card's memory, an even number. A frame that goes round the ring's end
// is read as one. TS_ERR_IO: the card does not take them.
TS_MUST_USE ts_status_t ne2k_copy_out(struct ne2k *n, uint32_t from, void *out, uint32_t bytes);
TS_MUST_USE ts_status_t ne2k_copy_in(struct ne2k *n, uint32_t to, const void *from, uint32_t bytes);

// ---- chip.c

// (The chip of drivers/lib/frame: its context is a struct ne2k.)

// ---- card.c

// After ne2k_identify: the card, which is at rest. TS_ERR_MEMORY.
TS_MUST_USE ts_status_t ne2k_init(struct ne2k *n);

// Frees it; it was reset.
void ne2k_fini(struct ne2k *n);
