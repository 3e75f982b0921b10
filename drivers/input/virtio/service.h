// SPDX-License-Identifier: MIT
// The driver's process: from the device's events to those of the class.
#pragma once

#include "device.h"

#include <drivers/input/input.h>
#include <drivers/virtio/function.h>

struct service {
    struct ts_loop *loop;
    struct virtio_function *function;
    struct device device;
    struct input input;
    struct ts_async interrupt;
    struct ts_timer timer;
    ts_time_t resets_since;
    uint32_t resets; // of the device since then
};

// Errors as device_init and input_start.
TS_MUST_USE ts_status_t service_start(struct service *service, struct ts_loop *loop,
                                      struct virtio_function *function, ts_handle_t *out_root);
