// SPDX-License-Identifier: MIT
// Registers of the RTL8139 as far as they are used here (RTL8139D(L) datasheet, chapters 5 and 6):
// offsets in its BAR, each with its width, and bits.
#pragma once

enum rtl8139_register {
    RTL8139_IDR = 0x00,  // 6 bytes: the card's address
    RTL8139_MAR = 0x08,  // 2 of 4: which groups
    RTL8139_TSD = 0x10,  // 4 of 4: a frame that is sent
    RTL8139_TSAD = 0x20, // 4 of 4: where it is
    RTL8139_RBSTART = 0x30,
    RTL8139_CR = 0x37,   // 1
    RTL8139_CAPR = 0x38, // 2: how far the driver has read, less 16
    RTL8139_IMR = 0x3c,  // 2
    RTL8139_ISR = 0x3e,  // 2; what is written is cleared
    RTL8139_TCR = 0x40,
    RTL8139_RCR = 0x44,
    RTL8139_MSR = 0x58, // 1
};
#define RTL8139_REGISTERS 0x5cu // bytes of the BAR that are used

#define RTL8139_CR_EMPTY 0x01u // nothing in the ring
#define RTL8139_CR_SEND  0x04u
#define RTL8139_CR_RECV  0x08u
#define RTL8139_CR_RESET 0x10u

#define RTL8139_CAUSE_RECEIVED 0x0001u
#define RTL8139_CAUSE_RX_ERROR 0x0002u
#define RTL8139_CAUSE_SENT     0x0004u
#define RTL8139_CAUSE_TX_ERROR 0x0008u
#define RTL8139_CAUSE_RX_FULL  0x0010u
#define RTL8139_CAUSE_LINK     0x0020u
#define RTL8139_CAUSE_RX_FIFO  0x0040u
#define RTL8139_CAUSE_SYSTEM   0x8000u // an error of the bus

// Bursts of 2 KiB, and the standard's gap between frames.
#define RTL8139_TCR_CLEAR_ABORT 0x00000001u
#define RTL8139_TCR_NORMAL      0x03000700u

// Its own address, groups that MAR has, all; not promiscuous, nothing bad. Bursts of any length, a
// ring of 64 KiB whose end a frame goes round, a frame at a time. (Into a shorter ring QEMU's chip
// writes frames that are longer, beyond its end.)
#define RTL8139_RCR_PROMISCUOUS 0x00000001u
#define RTL8139_RCR_NORMAL      0x0000ff0eu
#define RTL8139_RING            65536u
#define RTL8139_RING_TAIL       16u // bytes behind its end that the chip may write

#define RTL8139_TSD_LENGTH    0x00001fffu
#define RTL8139_TSD_UNDERRUN  0x00004000u
#define RTL8139_TSD_SENT      0x00008000u
#define RTL8139_TSD_THRESHOLD 0x00300000u // 48 times 32 bytes: whole frames go to the line
#define RTL8139_TSD_ABORTED   0x40000000u

#define RTL8139_MSR_NO_LINK 0x04u

// A frame in the ring: a word of state and length, which counts the check sequence, and the bytes.
// The next begins at a multiple of 4.
#define RTL8139_RX_OK         0x00000001u
#define RTL8139_RX_BAD        0x0000003eu // alignment, CRC, too long, too short, symbol
#define RTL8139_RX_UNFINISHED 0xfff0u     // length of one that is still coming
#define RTL8139_RX_CRC        4u
#define RTL8139_RX_LONGEST    (RTL8139_RING - 8) // there is no room for more
