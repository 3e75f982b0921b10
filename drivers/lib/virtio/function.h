// SPDX-License-Identifier: MIT
// A virtio device that is a PCI function: what a driver process makes of its handle `device`.
#pragma once

#include <drivers/bus/function.h>
#include <drivers/virtio/device.h>
#include <drivers/virtio/layout.h>

#define VIRTIO_BELLS 4u // queues that can be notified

struct virtio_function {
    struct virtio_device device; // its context is this structure
    struct bus_function bus;     // interrupts[0]: queues, [1]: configuration, if there are two
    bool messages;               // MSI-X: queues are told a vector
    volatile struct virtio_common *common;
    volatile uint8_t *notify, *cause, *specific;
    volatile uint16_t *bells[VIRTIO_BELLS]; // by queue; NULL = none
    struct virtio_layout layout;
};

// Takes the device behind `handle` (kept): maps its registers, gets domain and interrupts, enables
// bus mastering. virtio_negotiate is next. TS_ERR_UNSUPPORTED: not virtio 1.x; else as the PCI
// server says. Nothing is left open on error but the handle.
TS_MUST_USE ts_status_t virtio_function_open(struct virtio_function *f, ts_handle_t handle);

// Vector number for queues, and for configuration changes, to tell the device.
uint16_t virtio_function_queue_vector(const struct virtio_function *f);
uint16_t virtio_function_change_vector(const struct virtio_function *f);
