// SPDX-License-Identifier: MIT
// Realtek's RTL8139, for 100 Mbit/s: a chip of drivers/lib/frame.
//
// The chip writes what comes into one ring of its own, a word and the frame, and sends from four
// buffers in turn, each of one piece at a multiple of 4. So frames are copied (copy.h), and the
// chip reaches the driver's memory alone, which must lie below 4 GiB.
//
// What the chip says is a word for each frame of the ring, a status for each that was sent, and
// causes of interrupts: each is read once. Where the driver reads next in the ring, and which
// buffers are out, it keeps itself. What cannot be is TS_ERR_PROTOCOL, and the card resets it.
#pragma once

#include <drivers/frame/card.h>
#include <drivers/frame/copy.h>

#define RTL8139_TX       4u    // frames
#define RTL8139_TX_BYTES 1536u // of a buffer

// The chip's registers: width is 1, 2 or 4. Each function is given `context`.
struct rtl8139_registers {
    uint32_t (*read)(void *context, uint32_t offset, unsigned width);
    void (*write)(void *context, uint32_t offset, unsigned width, uint32_t value);
};

struct rtl8139 {
    const struct rtl8139_registers *registers;
    void *context;
    uint8_t mac[6];
    struct dma_memory memory; // the ring, then the buffers
    uint32_t at;              // where in the ring the next frame begins
    bool coming;              // it was not there as a whole when we looked
    uint16_t tx_first;        // the oldest frame that is out
    uint16_t tx_count;        // how many are
    uint16_t causes;          // which interrupt
    struct frame_rooms rooms;
    struct frame_card card;
};

static inline uint32_t rtl8139_read(const struct rtl8139 *r, uint32_t offset, unsigned width)
{
    return r->registers->read(r->context, offset, width);
}

static inline void rtl8139_write(const struct rtl8139 *r, uint32_t offset, unsigned width,
                                 uint32_t value)
{
    r->registers->write(r->context, offset, width, value);
}

// ---- device.c

// Takes the chip as the firmware, or a driver that died, has left it: resets it, and reads its
// address. It may not be a bus master yet. TS_ERR_IO: it does not obey; TS_ERR_UNSUPPORTED: a card
// without an address.
TS_MUST_USE ts_status_t rtl8139_identify(struct rtl8139 *r,
                                         const struct rtl8139_registers *registers, void *context);

// Interrupts off, no frames, reset: it has let go of all memory. TS_ERR_IO.
TS_MUST_USE ts_status_t rtl8139_reset(struct rtl8139 *r);

// Resets it and starts it with an empty ring. TS_ERR_IO.
TS_MUST_USE ts_status_t rtl8139_start(struct rtl8139 *r);

// Chooses whether it interrupts for frames that were sent.
void rtl8139_tell_sent(struct rtl8139 *r, bool tell);

// The memory of a buffer to send from.
uint8_t *rtl8139_buffer(const struct rtl8139 *r, uint16_t index);

// ---- chip.c

// (The chip of drivers/lib/frame: its context is a struct rtl8139.)

// ---- card.c

// After rtl8139_identify: memory and the card. The chip is at rest. TS_ERR_MEMORY, TS_ERR_LIMIT;
// TS_ERR_UNSUPPORTED: there is none below 4 GiB.
TS_MUST_USE ts_status_t rtl8139_init(struct rtl8139 *r, ts_handle_t domain);

// Frees them; the chip was reset.
void rtl8139_fini(struct rtl8139 *r);
