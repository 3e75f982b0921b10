// SPDX-License-Identifier: MIT
// A function of the machine and, while a driver holds it, the device object of that driver.
//
//   FREE --open--> HELD --closed--> QUIETING --unused, quiet--> FREE
//                   |  ^                |
//              RESET|  |quiet           +--it does not become quiet--> STUCK
//                   v  |
//                QUIETING (of a live driver)
//
// QUIETING is quiet.c's. What the driver has been given of the function is bound to its domain, so
// the kernel knows when the last of it is gone, and makes no other domain before. The table of all
// functions never changes after the scan, so pointers to devices stay good; so does the mapping of
// the MSI-X table, once made. A domain is one driver's.
#pragma once

#include "machine.h"

#include <drivers/pci/match.h>
#include <drivers/pci/message.h>
#include <drivers/virtio/layout.h>
#include <tessera/lib/server.h>

#define DEVICE_VECTORS 32u // interrupts given to one driver at most

enum device_state { DEVICE_FREE, DEVICE_HELD, DEVICE_QUIETING, DEVICE_STUCK };

struct device {
    struct ts_object object; // of the driver that holds it
    struct bus *bus;
    struct pci_function function;
    struct pci_identity identity;
    struct pci_bar bars[TS_PCI_BARS];
    struct pci_msix msix;
    uint8_t msi; // where its capability lies, 0 = none
    uint8_t header;
    uint8_t line; // of its interrupt, as the firmware left it
    enum device_state state;
    bool closed;        // while QUIETING: the driver is gone
    uint16_t command;   // as the firmware left it
    ts_handle_t domain; // 0 = FREE
    ts_handle_t interrupts[DEVICE_VECTORS];
    volatile struct pci_msix_entry *table; // NULL = not mapped yet
    struct ts_request *reset;              // the driver's RESET while QUIETING
    // quiet.c:
    struct ts_timer timer;
    unsigned phase, tries;
    bool unused;                           // nobody has anything of the function since this began
    volatile struct virtio_common *virtio; // mapped while its status is written
};

// All functions and the server that shows them.
struct bus {
    struct machine machine;
    struct ts_loop loop;
    struct ts_server server;
    struct device *devices;
    unsigned count, capacity;
};

// Reads all that is known of a function at the start. It is not changed, but for the sizing.
void device_init(struct device *device, struct bus *bus, const struct pci_function *function);

// Whether [base, base + size), physical addresses or ports, holds registers of another function, or
// configuration space: a function's BAR is its own word, and neither its driver nor this server
// writes there for it.
bool device_shared(const struct device *device, enum ts_pci_bar_kind kind, uint64_t base,
                   uint64_t size);

// Interrupts that the driver can have.
uint32_t device_vectors(const struct device *device);

// Whether a request's offset and length name a register: TS_OK, or the status to answer with.
TS_MUST_USE ts_status_t device_check_register(const struct device *device, uint64_t offset,
                                              uint32_t length);

// get and read of device and information objects alike.
void device_get(struct device *device, struct ts_request *request);
void device_read(struct device *device, struct ts_request *request);
