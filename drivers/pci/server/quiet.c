// SPDX-License-Identifier: MIT
// Making a function quiet, in steps of a timer, since the server waits for no device:
//
//   1. bus mastering off (read back), interrupts masked and taken back
//      if the driver has closed the device: nobody uses it any more. Until then registers can be
//      written, by a driver that lives or is about to end, and all of the below would be for
//      nothing
//   2. a virtio function: status 0 written, and 0 read back within a second (VIRTIO 1.2 4.1.4.3.2)
//      PCI Express: no transaction pending (within 100 ms, else it is reset anyway)
//   3. function-level reset where there is one, and 100 ms for it (PCI Express 3.0 6.6.2); its
//      BARs are then written back (remains.h). A virtio function needs none.
//   4. it answers, bus mastering is off: the domain may release the pages of dead drivers, or ends
//      if the driver has closed the device
//
// A function with none of these is quiet by step 1: a conventional one finishes what it does before
// it can answer the read-back.
#include "quiet.h"

#include "grant.h"
#include "remains.h"

#include <drivers/pci/registers.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/resource.h>

enum { PHASE_USED, PHASE_VIRTIO, PHASE_PENDING, PHASE_RESET };
#define USED_DOUBLES  8u    // from 1 ms on
#define VIRTIO_TRIES  1000u // of 1 ms
#define PENDING_TRIES 100u

static void step(struct ts_timer *timer);

static void wait_for(struct device *d, unsigned phase, ts_time_t ns)
{
    if (d->phase != phase) {
        d->phase = phase;
        d->tries = 0;
    }
    d->timer.fired = step;
    ts_timer_arm(&d->bus->loop, &d->timer, ts_deadline_in(ns));
}

static void release_virtio(struct device *d)
{
    if (d->virtio != NULL) {
        machine_unmap(d->virtio, sizeof(*d->virtio));
        d->virtio = NULL;
    }
}

static void answer_reset(struct device *d, ts_status_t status)
{
    struct ts_request *request = d->reset;
    d->reset = NULL;
    if (request != NULL) {
        ts_request_reply(request, status, 0);
    }
}

static void finish(struct device *d, ts_status_t status)
{
    const struct pci_function *f = &d->function;
    release_virtio(d);
    if (status == TS_OK &&
        (!pci_present(f) || pci_read16(f, PCI_COMMAND) & PCI_COMMAND_BUS_MASTER)) {
        status = TS_ERR_IO;
    }
    if (d->closed && !d->unused) { // it was closed while it was reset
        answer_reset(d, status);
        quiet_start(d);
        return;
    }
    if (status == TS_OK) {
        status = d->closed ? ts_domain_end(d->domain) : ts_domain_quiet(d->domain);
    }
    if (status != TS_OK) {
        ts_log("%02x:%02x.%x does not become quiet (%s): out of use, its pages in quarantine",
               ts_device_id_bus(f->address), ts_device_id_slot(f->address),
               ts_device_id_function(f->address), ts_status_name(status));
        d->state = DEVICE_STUCK;
    } else if (d->closed) {
        // Nobody answers its line: others may share that.
        pci_write16(f, PCI_COMMAND,
                    (uint16_t)((d->command & ~PCI_COMMAND_BUS_MASTER) | PCI_COMMAND_LINE_OFF));
        grant_end(d); // the next driver gets a domain of its own
        d->state = DEVICE_FREE;
    } else {
        d->state = DEVICE_HELD;
    }
    answer_reset(d, status);
}

// Where function-level reset is asked for, 0 = nowhere.
static unsigned reset_register(const struct pci_function *f, bool *out_express)
{
    struct pci_walk walk = {0};
    *out_express = true;
    if (pci_capability(f, PCI_CAPABILITY_EXPRESS, &walk) == TS_OK &&
        pci_read32(f, walk.at + PCI_EXPRESS_CAPABILITIES) & PCI_EXPRESS_FLR) {
        return walk.at + PCI_EXPRESS_CONTROL;
    }
    walk = (struct pci_walk){0};
    *out_express = false;
    if (pci_capability(f, PCI_CAPABILITY_AF, &walk) == TS_OK &&
        pci_read8(f, walk.at + PCI_AF_CAPABILITIES) & PCI_AF_FLR) {
        return walk.at + PCI_AF_CONTROL;
    }
    return 0;
}

static void reset_function(struct device *d)
{
    const struct pci_function *f = &d->function;
    bool express;
    unsigned at = reset_register(f, &express);
    if (at == 0) {
        finish(d, TS_OK);
        return;
    }
    remains_note(f);
    if (express) {
        pci_write16(f, at, pci_read16(f, at) | PCI_EXPRESS_CONTROL_FLR);
    } else {
        pci_write8(f, at, 1);
    }
    wait_for(d, PHASE_RESET, REMAINS_RESET_NS);
}

static bool transactions_pending(const struct pci_function *f)
{
    struct pci_walk walk = {0};
    return pci_capability(f, PCI_CAPABILITY_EXPRESS, &walk) == TS_OK &&
           pci_read16(f, walk.at + PCI_EXPRESS_STATUS) & PCI_EXPRESS_PENDING;
}

static void step_pending(struct device *d)
{
    if (transactions_pending(&d->function) && d->tries++ < PENDING_TRIES) {
        wait_for(d, PHASE_PENDING, TS_MILLISECOND);
    } else {
        reset_function(d);
    }
}

static void step_virtio(struct device *d)
{
    if (d->virtio->device_status == 0) {
        finish(d, TS_OK);
    } else if (d->tries++ < VIRTIO_TRIES) {
        wait_for(d, PHASE_VIRTIO, TS_MILLISECOND);
    } else {
        release_virtio(d);
        wait_for(d, PHASE_PENDING, TS_MILLISECOND); // perhaps a reset helps
    }
}

static void step_reset(struct device *d)
{
    const struct pci_function *f = &d->function;
    remains_give_back(f);
    // The reset has switched its line on again, which nobody answers until the next VECTOR.
    (void)pci_command(f, 0, PCI_COMMAND_LINE_OFF);
    finish(d, transactions_pending(f) ? TS_ERR_IO : TS_OK);
}

static void stop(struct device *d);

// A driver that ends is gone soon, one that lives may keep what it has for ever.
static void step_used(struct device *d)
{
    struct ts_domain_state state = {0};
    ts_status_t status = ts_domain_state(d->domain, &state);
    if (status != TS_OK) {
        d->unused = true; // nobody can say: this is the end of it
        finish(d, status);
    } else if (state.flags & TS_DOMAIN_USED) {
        ts_time_t wait = TS_MILLISECOND << d->tries;
        d->tries += d->tries < USED_DOUBLES;
        wait_for(d, PHASE_USED, wait);
    } else {
        d->unused = true;
        stop(d);
    }
}

static void step(struct ts_timer *timer)
{
    struct device *d = TS_OBJECT_OF(timer, struct device, timer);
    switch (d->phase) {
    case PHASE_USED: step_used(d); break;
    case PHASE_VIRTIO: step_virtio(d); break;
    case PHASE_PENDING: step_pending(d); break;
    default: step_reset(d); break;
    }
}

// Maps the common configuration of a virtio 1.x function. False: it is not one.
static bool map_virtio(struct device *d)
{
    uint64_t sizes[TS_PCI_BARS];
    struct virtio_layout layout;
    volatile void *mapped;
    for (unsigned i = 0; i < TS_PCI_BARS; i++) {
        sizes[i] = d->bars[i].kind == TS_PCI_BAR_MEMORY ? d->bars[i].size : 0;
    }
    if (d->identity.vendor != 0x1af4 || virtio_layout_find(&d->function, sizes, &layout) != TS_OK) {
        return false;
    }
    uint64_t base = d->bars[layout.common.bar].base + layout.common.offset;
    if (device_shared(d, TS_PCI_BAR_MEMORY, base, sizeof(*d->virtio)) ||
        pci_command(&d->function, 0, PCI_COMMAND_MEMORY) != TS_OK ||
        machine_map(&d->bus->machine, base, sizeof(*d->virtio), &mapped) != TS_OK) {
        return false;
    }
    d->virtio = mapped;
    return true;
}

// Makes the function stop what it does.
static void stop(struct device *d)
{
    d->tries = 0;
    // Again: some have a way to their configuration space among their registers.
    ts_status_t status = pci_command(&d->function, PCI_COMMAND_BUS_MASTER, 0);
    grant_silence(d);
    if (status != TS_OK) {
        finish(d, status);
    } else if (map_virtio(d)) {
        d->virtio->device_status = 0;
        d->phase = PHASE_VIRTIO;
        step_virtio(d);
    } else {
        d->phase = PHASE_PENDING;
        step_pending(d);
    }
}

void quiet_start(struct device *d)
{
    d->state = DEVICE_QUIETING;
    d->phase = PHASE_USED;
    d->tries = 0;
    d->unused = false;
    if (d->closed) {
        // What its registers are used for meanwhile may undo this: it counts in stop().
        (void)pci_command(&d->function, PCI_COMMAND_BUS_MASTER, 0);
        grant_silence(d);
        step_used(d);
    } else {
        stop(d);
    }
}
