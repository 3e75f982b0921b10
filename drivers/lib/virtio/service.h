// SPDX-License-Identifier: MIT
// The process of a driver for a virtio device. Named handles: device, log, init.
#pragma once

#include <drivers/virtio/function.h>
#include <tessera/lib/server.h>

// Serves the function on the loop; gives the server and its root.
typedef ts_status_t (*virtio_service_start_t)(struct ts_loop *loop,
                                              struct virtio_function *function,
                                              struct ts_server **out_server, ts_handle_t *out_root);

// Takes the device: virtio_function_open, or one that takes others as well.
typedef ts_status_t (*virtio_service_open_t)(struct virtio_function *function, ts_handle_t device);

// Its main: takes the device, starts, and runs until something fails. Returns what main returns:
// TS_INIT_EXIT_NO_DEVICE where there is no such device, or one that this library cannot drive.
int virtio_service_run(virtio_service_open_t open_with, virtio_service_start_t start_with);
