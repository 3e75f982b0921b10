// SPDX-License-Identifier: MIT
// The PCI server. Its root lists and opens functions; a function that is open is a device object,
// held by one driver. Everything that a device can do to others goes through the server: the
// driver has its BARs without the page of the MSI-X table, its own vectors, and its own DMA domain.
//
// Root: list gives the address of each function ("00:03.0"). open takes a match:
//
//   00:03.0              an address: bus, device, function
//   8086:100e,100f       vendor, and a device id or a list of them (at most 12); /N after it: the
//                        N-th such function, from 0
//   class:0200           base class and subclass, and optionally the interface; /N likewise
//   virtio-net/0         a virtio device by name (net, block, console, rng, gpu, input, 9p,
//                        socket) or "virtio-16"; 1.x and transitional ids; /N likewise
//   …/all                after one without /N: an object whose list gives the address of each
//                        function that fits and that a driver can have (READ, OPEN)
//   …/info               after any of the others: an information object alone (get, config read),
//   any
//                        number, also while a driver holds the function
//
// TS_ERR_NOT_FOUND no such function; TS_ERR_ARGUMENT a match that is none of these; TS_ERR_BUSY a
// driver holds it, or has gone and the device is not quiet yet, or somebody still has something
// that BAR or VECTOR gave, be it a mapping of registers: init tries again.
//
// Device object. When its last handle closes (the driver died or gave up) the server turns bus
// mastering off and frees its vectors; waits until memory over its registers, every mapping of
// that, I/O ranges and interrupts are gone (a driver that gives a device up and lives closes and
// unmaps them, or keeps the device from all others); resets the function (virtio: status 0 read
// back; else function-level reset, else no transaction pending), ends the domain, and only then
// lets it be opened again. A function that cannot be made quiet stays closed to all, its pinned
// pages in quarantine, and the log says so.
//
// read, write: configuration space, offset 0 to 4095 (255 without ECAM), length 1, 2 or 4,
// aligned; else TS_ERR_ARGUMENT or TS_ERR_RANGE. Writes change only the error bits of the
// status register, cache line size, latency timer and interrupt line: others are TS_ERR_RIGHTS.
// TS_ERR_IO: the function does not answer (all ones).
#pragma once

#include <assert.h>
#include <tessera/abi/object.h>
#include <tessera/abi/types.h>

#define TS_PCI_BARS 6u

enum ts_pci_bar_kind {
    TS_PCI_BAR_NONE = 0, // absent, or the upper half of the one before
    TS_PCI_BAR_MEMORY = 1,
    TS_PCI_BAR_IO = 2,
};

struct ts_pci_bar {
    uint64_t size; // bytes
    uint32_t kind; // enum ts_pci_bar_kind
    uint32_t prefetchable;
};

struct ts_pci_information {
    uint16_t vendor, device, subsystem_vendor, subsystem;
    uint8_t class_code, subclass, interface, revision;
    uint8_t bus, slot, function, header; // header: type, without the multi-function bit
    uint32_t vectors;                    // interrupts that VECTOR can give: MSI-X, MSI, or 1 line
    uint32_t held;                       // 1: a driver holds it
    struct ts_pci_bar bars[TS_PCI_BARS];
    uint32_t msix_bar, reserved;       // TS_PCI_BARS = no MSI-X
    uint64_t msix_offset, msix_length; // of the table: its pages are never given away
};
static_assert(sizeof(struct ts_pci_information) == 144, "pci information");

// get only.
#define TS_PROPERTY_PCI_INFORMATION (TS_PROPERTY_PROTOCOL_FIRST + 0)

// BAR: in: struct ts_pci_range; out_handle[0] = memory (READ, WRITE, MAP) that is exactly this
// range of the BAR, or for an I/O BAR an I/O range (READ, WRITE, CALL). Memory ranges are
// page-aligned; a BAR smaller than a page is given whole (with its page) if no other BAR of any
// function shares it, and value = the offset of the BAR in that page. TS_ERR_RANGE outside the BAR;
// TS_ERR_NOT_FOUND no such BAR; TS_ERR_ARGUMENT not aligned; TS_ERR_RIGHTS the range touches the
// MSI-X table's pages or another function's registers.
#define TS_PCI_BAR 1u

struct ts_pci_range {
    uint32_t bar, reserved;
    uint64_t offset, length; // length 0: from offset to the BAR's end, or to the MSI-X table's page
};

// VECTOR: in: u32 index; out_handle[0] = interrupt (WAIT, WRITE for ack, READ); value = 1 for a
// line that must be acknowledged after the device was, 0 for a message. Asking again for the same
// index replaces the interrupt: the old one falls silent. TS_ERR_RANGE: not below `vectors`.
#define TS_PCI_VECTOR 2u

// DOMAIN: out_handle[0] = the function's DMA domain (CALL), for TS_DOMAIN_DRIVE, PIN and UNPIN.
// TS_ERR_UNSUPPORTED, here or from DRIVE and PIN: the IOMMU cannot tell it from others, since it is
// behind a conventional bridge or uses their numbers.
#define TS_PCI_DOMAIN 3u

// ENABLE: in: u32 TS_PCI_ENABLE_*: exactly these are on afterwards. BUS_MASTER needs that somebody
// drives the domain, by DRIVE or PIN: else TS_ERR_ARGUMENT.
#define TS_PCI_ENABLE            4u
#define TS_PCI_ENABLE_IO         1u
#define TS_PCI_ENABLE_MEMORY     2u
#define TS_PCI_ENABLE_BUS_MASTER 4u

// RESET: bus mastering off, function reset as at close, vectors freed. The driver keeps the
// device, its BARs and its domain with all pins, and sets all else up again. TS_ERR_IO: the
// function did not become quiet; TS_ERR_BUSY a reset is under way.
#define TS_PCI_RESET 5u
