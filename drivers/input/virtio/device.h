// SPDX-License-Identifier: MIT
// A virtio input device (VIRTIO 1.2 section 5.8): what it is, the events that it sends, and lights.
//
// Its queue of events is full of buffers of an event each; a buffer that came back is read once and
// given to the device again. A device that breaks the queue is reset and started anew.
#pragma once

#include <drivers/virtio/device.h>
#include <tessera/proto/input.h>

#define DEVICE_EVENTS 64u // buffers
#define DEVICE_LIGHTS 8u  // buffers of the other queue, one for each word to it

struct device_event { // as the device has it
    uint16_t type, code;
    uint32_t value;
};

struct device {
    struct virtio_device *virtio;
    ts_handle_t domain;
    uint16_t vector, change_vector;
    struct virtio_queue events, lights;
    struct dma_memory memory; // the buffers of both
    uint8_t by_head[DEVICE_EVENTS];
    uint32_t leds; // that are to be lit
    uint32_t told; // that the device knows of
    struct ts_input_device what;
};

// Sets it up, running. Errors as virtio_*.
TS_MUST_USE ts_status_t device_init(struct device *device, struct virtio_device *virtio,
                                    ts_handle_t domain, uint16_t vector, uint16_t change_vector);

// Resets it and starts it anew. TS_ERR_IO: it does not stop.
TS_MUST_USE ts_status_t device_restart(struct device *device);

// The next event. TS_ERR_AGAIN: none. TS_ERR_PROTOCOL: the device broke the queue: device_restart.
TS_MUST_USE ts_status_t device_next(struct device *device, struct device_event *out_event);

// Gives the buffers back, and asks for an interrupt. False: there are events already.
bool device_sleep(struct device *device);

// Lights these (TS_INPUT_LED_*), as far as there is room: device_sleep goes on with it.
void device_set_leds(struct device *device, uint32_t leds);
