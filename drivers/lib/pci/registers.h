// SPDX-License-Identifier: MIT
// Configuration space: offsets and bits of PCI Local Bus 3.0 chapter 6 and PCI Express 3.0 chapter
// 7, as far as they are used here.
#pragma once

enum pci_register {
    PCI_VENDOR = 0x00,
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_INTERFACE = 0x09,
    PCI_SUBCLASS = 0x0a,
    PCI_CLASS = 0x0b,
    PCI_CACHE_LINE = 0x0c,
    PCI_LATENCY = 0x0d,
    PCI_HEADER = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SECONDARY_BUS = 0x19, // header type 1
    PCI_SUBSYSTEM_VENDOR = 0x2c,
    PCI_SUBSYSTEM = 0x2e,
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,
};

#define PCI_VENDOR_NONE 0xffffu // of a function that is not there

#define PCI_HEADER_TYPE           0x7fu
#define PCI_HEADER_MULTI_FUNCTION 0x80u
#define PCI_HEADER_BRIDGE         1u

#define PCI_COMMAND_IO          0x0001u
#define PCI_COMMAND_MEMORY      0x0002u
#define PCI_COMMAND_BUS_MASTER  0x0004u
#define PCI_COMMAND_LINE_OFF    0x0400u
#define PCI_STATUS_CAPABILITIES 0x0010u
#define PCI_STATUS_ERRORS       0xf900u // written 1 to clear

#define PCI_BAR_IO           1u
#define PCI_BAR_TYPE         6u
#define PCI_BAR_TYPE_64      4u
#define PCI_BAR_PREFETCHABLE 8u

#define PCI_CAPABILITY_MSI     0x05u
#define PCI_CAPABILITY_VENDOR  0x09u
#define PCI_CAPABILITY_EXPRESS 0x10u
#define PCI_CAPABILITY_MSIX    0x11u
#define PCI_CAPABILITY_AF      0x13u // advanced features

#define PCI_MSIX_CONTROL        2u // offsets in the capability
#define PCI_MSIX_TABLE          4u
#define PCI_MSIX_LENGTH         12u
#define PCI_MSIX_CONTROL_ENABLE 0x8000u
#define PCI_MSIX_CONTROL_MASK   0x4000u
#define PCI_MSIX_CONTROL_SIZE   0x07ffu

#define PCI_MSI_CONTROL          2u
#define PCI_MSI_ADDRESS          4u
#define PCI_MSI_CONTROL_ENABLE   0x0001u
#define PCI_MSI_CONTROL_MULTIPLE 0x0070u
#define PCI_MSI_CONTROL_64       0x0080u

#define PCI_EXPRESS_FLAGS           2u
#define PCI_EXPRESS_KIND            0x00f0u
#define PCI_EXPRESS_TO_CONVENTIONAL 0x0070u

#define PCI_EXPRESS_CAPABILITIES 4u // device capabilities, 32 bits
#define PCI_EXPRESS_CONTROL      8u
#define PCI_EXPRESS_STATUS       10u
#define PCI_EXPRESS_FLR          0x10000000u
#define PCI_EXPRESS_CONTROL_FLR  0x8000u
#define PCI_EXPRESS_PENDING      0x0020u

#define PCI_AF_CAPABILITIES 3u
#define PCI_AF_CONTROL      4u
#define PCI_AF_STATUS       5u
#define PCI_AF_FLR          0x02u
