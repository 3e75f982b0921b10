// SPDX-License-Identifier: MIT
// A function of the PCI bus in the hands of its driver: what a process makes of its handle
// `device` (tessera/proto/pci.h).
//
//   bus_function_open    what it is; its registers can be had, it may not write to memory
//   bus_function_map     the registers of a BAR that is memory
//   bus_function_ports   those of one that is I/O
//   …                    the driver makes the device quiet: it may be running as the firmware, or
//                        a driver that died, has left it
//   bus_function_drive   from here on the driver answers for it: it may write to memory
//   bus_function_vectors its interrupts
#pragma once

#include <stdbool.h>
#include <tessera/lib/status.h>
#include <tessera/proto/pci.h>

#define BUS_VECTORS 2u // more are not used

struct bus_function {
    ts_handle_t handle; // the device object
    ts_handle_t domain;
    ts_handle_t interrupts[BUS_VECTORS];
    uint32_t vectors; // of them that are there
    bool line;        // the one interrupt is a line: acknowledge it, after the device
    struct ts_pci_information information;
    void *windows[TS_PCI_BARS]; // mapped BARs
    uint64_t window_sizes[TS_PCI_BARS];
    ts_handle_t ports; // the I/O range of the one BAR of which that was asked
    uint32_t access;   // TS_PCI_ENABLE_*: what is on
};

// Takes the device behind `handle` (kept): asks what it is, switches its registers on and bus
// mastering off. TS_ERR_PROTOCOL, and as the PCI server says.
TS_MUST_USE ts_status_t bus_function_open(struct bus_function *f, ts_handle_t handle);

// Maps what can be had of a memory BAR from its start (windows, window_sizes), if that was not done
// before.
TS_MUST_USE ts_status_t bus_function_map(struct bus_function *f, unsigned bar);

// Switches I/O on and gets the range of an I/O BAR (ports), if that was not done before. One BAR is
// enough. TS_ERR_NOT_FOUND: it is not one; TS_ERR_RIGHTS: others have a part of its ports.
TS_MUST_USE ts_status_t bus_function_ports(struct bus_function *f, unsigned bar);

// Gets the domain, drives it, and enables bus mastering. Pins and messages need this.
TS_MUST_USE ts_status_t bus_function_drive(struct bus_function *f);

// Gets at most `most` interrupts. TS_ERR_UNSUPPORTED: it has none.
TS_MUST_USE ts_status_t bus_function_vectors(struct bus_function *f, uint32_t most);

// Gives all of it back but the handle.
void bus_function_release(struct bus_function *f);
