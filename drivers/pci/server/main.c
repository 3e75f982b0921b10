// SPDX-License-Identifier: MIT
// /drv/pci: the PCI server. Named handles: physical, interrupt, domain, io (resources), boot, init,
// remains (memory for its next instance).
//
// Each file knows only those above it:
//
//   machine         how this machine's configuration space is reached
//   remains         registers of functions that are being reset, kept for the next instance
//   device          a function of the machine: what it is, where it stands
//   grant           what a driver gets of its device
//   quiet           making a function quiet, in steps
//   device_object   a driver's operations on its device
//   root            listing and opening functions
//   main            the program
#include "remains.h"
#include "root.h"

#include <drivers/pci/scan.h>
#include <drivers/service/ready.h>
#include <stdlib.h>
#include <tessera/lib/log.h>

#define FUNCTIONS_MAX REMAINS_NOTES // more than a machine of this kind has

static bool on_found(void *context, const struct pci_function *f)
{
    struct bus *bus = context;
    if (bus->count == bus->capacity) {
        ts_log("more than %u functions, the others are ignored", bus->capacity);
        return false;
    }
    device_init(&bus->devices[bus->count++], bus, f);
    return true;
}

static ts_status_t start(struct bus *bus)
{
    static const struct ts_server_limits limits = {
        .requests = 256, .objects = 512, .inbox_bytes = 64};
    ts_status_t status = machine_open(&bus->machine);
    if (status != TS_OK) {
        return status;
    }
    remains_open();
    remains_restore(&bus->machine.access);
    pci_scan(&bus->machine.access, bus->machine.bus_first, bus->machine.bus_last, on_found, bus);
    ts_log("%u functions, configuration space of %u bytes each", bus->count,
           bus->machine.access.space);
    status = ts_loop_init(&bus->loop, 64, 256, 64);
    if (status != TS_OK) {
        return status;
    }
    return ts_server_init(&bus->server, &bus->loop, &limits);
}

int main(void)
{
    static struct bus bus;
    bus.capacity = FUNCTIONS_MAX;
    bus.devices = calloc(bus.capacity, sizeof(*bus.devices));
    ts_handle_t root = TS_HANDLE_NONE;
    ts_status_t status = bus.devices != NULL ? start(&bus) : TS_ERR_MEMORY;
    if (status == TS_OK) {
        status = root_create(&bus, &root);
    }
    return service_run(status, &bus.server, root);
}
