// SPDX-License-Identifier: MIT
// The text by which a function is opened (tessera/proto/pci.h).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <tessera/lib/status.h>

enum pci_match_kind { PCI_MATCH_ADDRESS, PCI_MATCH_ID, PCI_MATCH_CLASS, PCI_MATCH_VIRTIO };

#define PCI_MATCH_DEVICES 12u // of one list

struct pci_match {
    enum pci_match_kind kind;
    uint16_t address;                                  // ADDRESS
    uint16_t vendor;                                   // ID
    uint16_t devices[PCI_MATCH_DEVICES], device_count; // ID: one of them
    uint32_t class_code; // CLASS: class << 16 | subclass << 8 | interface
    uint32_t class_mask; // which of its bits count
    uint16_t virtio;     // VIRTIO: device type, 1 = network card
    uint32_t index;      // the how-manieth that fits, from 0
    bool information;    // "/info": an information object is meant
    bool all;            // "/all": a list of all that fit is meant
};

// What a function is matched by.
struct pci_identity {
    uint16_t address, vendor, device, subsystem;
    uint32_t class_code;
};

// Parses `text`, `length` bytes. TS_ERR_ARGUMENT.
TS_MUST_USE ts_status_t pci_match_parse(const char *text, size_t length, struct pci_match *out);

// Whether it fits, its index apart.
bool pci_match_fits(const struct pci_match *match, const struct pci_identity *identity);
