// SPDX-License-Identifier: MIT
// Registers of the DP8390 and what an NE2000 puts around it, as far as they are used here
// (National Semiconductor, DP8390D/NS32490D datasheet): ports of the I/O BAR, all of a byte but the
// data's, and bits. Most of page 0 are other registers when they are read.
#pragma once

enum ne2k_port {
    NE2K_CR = 0x00,     // any page
    NE2K_PSTART = 0x01, // page 0
    NE2K_PSTOP = 0x02,
    NE2K_BNRY = 0x03, // the last page that the driver has read
    NE2K_TPSR = 0x04,
    NE2K_TBCR = 0x05, // 2
    NE2K_ISR = 0x07,  // what is written is cleared
    NE2K_RSAR = 0x08, // 2: where in the card's memory
    NE2K_RBCR = 0x0a, // 2: how many bytes
    NE2K_RCR = 0x0c,
    NE2K_TCR = 0x0d,
    NE2K_DCR = 0x0e,
    NE2K_IMR = 0x0f,
    NE2K_PAR = 0x01, // page 1; 6: the card's address
    NE2K_CURR = 0x07,
    NE2K_MAR = 0x08, // 8: which groups
    NE2K_DATA = 0x10,
    NE2K_RESET = 0x1f,
};
#define NE2K_PORTS 0x20u // of the BAR that are used

// CR. What moves data between the port and the card's memory is off unless it is said.
#define NE2K_CR_STOP   0x21u
#define NE2K_CR_START  0x22u
#define NE2K_CR_SEND   0x26u
#define NE2K_CR_READ   0x0au
#define NE2K_CR_WRITE  0x12u
#define NE2K_CR_PAGE_1 0x40u // with one of these
#define NE2K_CR_BUSY   0x04u // it sends

#define NE2K_CAUSE_RECEIVED 0x01u
#define NE2K_CAUSE_SENT     0x02u
#define NE2K_CAUSE_RX_ERROR 0x04u
#define NE2K_CAUSE_TX_ERROR 0x08u
#define NE2K_CAUSE_OVERRUN  0x10u
#define NE2K_CAUSE_MOVED    0x40u // all bytes of the data port
#define NE2K_CAUSE_RESET    0x80u

#define NE2K_RCR_PROMISCUOUS 0x10u
#define NE2K_RCR_NORMAL      0x0cu // groups that MAR has, and all
#define NE2K_RCR_MONITOR     0x20u // receives nothing
#define NE2K_TCR_NORMAL      0x00u
#define NE2K_TCR_LOOPBACK    0x02u
#define NE2K_DCR_WORDS       0x49u // the data port is of 2 bytes; normal operation

// The card's memory, in pages of 256 bytes: two buffers of a frame each, then the ring.
#define NE2K_PAGE      256u
#define NE2K_BUFFERS   0x40u
#define NE2K_BUFFER    6u // pages
#define NE2K_RING      0x4cu
#define NE2K_RING_STOP 0x80u

// A frame in the ring: state, the page of the next, and a length that counts the check sequence.
#define NE2K_HEADER 4u
#define NE2K_CRC    4u
#define NE2K_RX_OK  0x01u
