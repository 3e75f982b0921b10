// SPDX-License-Identifier: MIT
// The driver's process: from the device's events to those of the class.
#pragma once

#include "device.h"

#include <drivers/input/input.h>
#include <drivers/service/interrupt.h>
#include <drivers/service/ready.h>
#include <drivers/virtio/function.h>

struct service {
    struct ts_loop *loop;
    struct virtio_function *function;
    struct device device;
    struct input input;
    struct service_interrupt interrupt;
    struct ts_timer timer;
    struct allowance resets; // of the device
};

// Errors as device_init and input_start.
TS_MUST_USE ts_status_t service_start(struct service *service, struct ts_loop *loop,
                                      struct virtio_function *function, ts_handle_t *out_root);
