// SPDX-License-Identifier: MIT
// Finding all functions behind a host bridge.
#pragma once

#include <drivers/pci/config.h>

// Called for each function that answers; false ends the scan.
typedef bool pci_found(void *context, const struct pci_function *f);

// Visits bus_first and every bus behind a bridge that the firmware numbered, each bus once and none
// outside [bus_first, bus_last], whatever the bridges say. `machine` gives the access; its address
// is ignored. Does not write to any function.
void pci_scan(const struct pci_function *machine, uint8_t bus_first, uint8_t bus_last,
              pci_found *found, void *context);
