// SPDX-License-Identifier: MIT
// Registers of Intel's gigabit controllers, as far as they are used here: offsets in BAR 0, and
// bits. 8254x: PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual,
// chapter 13; 82574: its datasheet, chapter 10. Both have these alike where nothing else is said.
#pragma once

enum e1000_register {
    E1000_CTRL = 0x0000,
    E1000_STATUS = 0x0008,
    E1000_EECD = 0x0010,
    E1000_EERD = 0x0014,
    E1000_ICR = 0x00c0, // causes; what is written is cleared
    E1000_ITR = 0x00c4,
    E1000_IMS = 0x00d0,
    E1000_IMC = 0x00d8,
    E1000_IVAR = 0x00e4, // 82574
    E1000_EITR0 = 0x00e8,
    E1000_RCTL = 0x0100,
    E1000_TCTL = 0x0400,
    E1000_TIPG = 0x0410,
    E1000_RDBAL = 0x2800, // the queues' registers lie alike: E1000_QUEUE_*
    E1000_RDTR = 0x2820,
    E1000_TDBAL = 0x3800,
    E1000_TXDCTL = 0x3828,
    E1000_RXCSUM = 0x5000,
    E1000_MTA = 0x5200,
    E1000_RAL0 = 0x5400,
    E1000_RAH0 = 0x5404,
    E1000_FEXTNVM11 = 0x5bbc, // I219
};
#define E1000_REGISTERS 0x5bc0u // bytes of BAR 0 that are used

#define E1000_MTA_WORDS 128u
#define E1000_ADDRESSES 15u // pairs of RAL, RAH: those that all have

// Of E1000_RDBAL and E1000_TDBAL.
#define E1000_QUEUE_LOW    0x00u
#define E1000_QUEUE_HIGH   0x04u
#define E1000_QUEUE_LENGTH 0x08u
#define E1000_QUEUE_HEAD   0x10u
#define E1000_QUEUE_TAIL   0x18u

#define E1000_CTRL_MASTER_OFF   0x00000004u // PCI Express: no further requests
#define E1000_CTRL_LINK_RESET   0x00000008u
#define E1000_CTRL_DETECT_SPEED 0x00000020u
#define E1000_CTRL_LINK_UP      0x00000040u
#define E1000_CTRL_INVERT_LOSS  0x00000080u
#define E1000_CTRL_FORCE_SPEED  0x00000800u
#define E1000_CTRL_FORCE_DUPLEX 0x00001000u
#define E1000_CTRL_RESET        0x04000000u
#define E1000_CTRL_VLAN         0x40000000u
#define E1000_STATUS_LINK       0x00000002u
#define E1000_STATUS_MASTER     0x00080000u // PCI Express: it may send requests
#define E1000_EECD_LOADED       0x00000200u // 82574: the NVM was read after a reset
#define E1000_EERD_START        0x00000001u
#define E1000_FEXTNVM11_NO_HANG 0x00002000u
#define E1000_RAH_VALID         0x80000000u

#define E1000_CAUSE_SENT      0x00000001u
#define E1000_CAUSE_LINK      0x00000004u
#define E1000_CAUSE_FEW_ROOMS 0x00000010u
#define E1000_CAUSE_OVERRUN   0x00000040u
#define E1000_CAUSE_RECEIVED  0x00000080u
#define E1000_CAUSE_RX_QUEUE  0x00100000u // 82574 with MSI-X: of queue 0
#define E1000_CAUSE_TX_QUEUE  0x00400000u
#define E1000_CAUSE_OTHER     0x01000000u

// All causes to vector 0: a vector and a bit that it counts, for queue 0 each way and the rest.
#define E1000_IVAR_ALL_TO_0 0x00080808u

#define E1000_RCTL_ENABLE        0x00000002u
#define E1000_RCTL_ALL_MULTICAST 0x00000010u
#define E1000_RCTL_BROADCAST     0x00008000u
#define E1000_RCTL_STRIP_CRC     0x04000000u
#define E1000_TCTL_ENABLE        0x00000002u
#define E1000_TCTL_PAD           0x00000008u
#define E1000_TCTL_HALF_DUPLEX   0x000400f0u // 15 tries, and a collision within 64 bytes
#define E1000_RXCSUM_IP          0x00000100u
#define E1000_RXCSUM_TCP         0x00000200u

// The gaps between frames that both manuals ask for with copper.
#define E1000_TIPG_COPPER 0x00602008u

// PCI Express: each descriptor is written back as it is done, and those to come are counted.
#define E1000_TXDCTL_EACH 0x01410000u

// ---- Descriptors: 16 bytes, an address and a word of the rest

// Received (legacy form).
#define E1000_RX_LENGTH(word) ((uint32_t)(word)&0xffffu)
#define E1000_RX_DONE         ts_pair(0, 0x01u)
#define E1000_RX_END          ts_pair(0, 0x02u)
#define E1000_RX_NOT_SUMMED   ts_pair(0, 0x04u)
#define E1000_RX_SUMMED       ts_pair(0, 0x20u)      // TCP or UDP
#define E1000_RX_SUM_WRONG    (UINT64_C(0x60) << 40) // of TCP or UDP, of IP
#define E1000_RX_BAD          (UINT64_C(0x97) << 40) // CRC, symbol, sequence, carrier, data

// To send (extended form): data, and a context that says where checksums are.
#define E1000_TX_DATA     (UINT64_C(0x1) << 20)
#define E1000_TX_END      (UINT64_C(0x01) << 24)
#define E1000_TX_CRC      (UINT64_C(0x02) << 24)
#define E1000_TX_REPORT   (UINT64_C(0x08) << 24)
#define E1000_TX_EXTENDED (UINT64_C(0x20) << 24)
#define E1000_TX_DONE     ts_pair(0, 0x01u)
#define E1000_TX_SUM      (UINT64_C(0x02) << 40)

#define E1000_TX_CONTEXT_START(start) ts_pair(0, start) // of what is summed, to the end
#define E1000_TX_CONTEXT_PLACE(place) ((uint64_t)(place) << 40)
#define E1000_TX_CONTEXT_TCP          (UINT64_C(0x01) << 24)
