// SPDX-License-Identifier: MIT
// /drv/virtio-input.
//
// Each file knows only those above it:
//
//   evdev     its codes
//   device    what it is, its queues
//   service   events on their way
//   main      the program
#include "service.h"

#include <drivers/virtio/service.h>

static ts_status_t start(struct ts_loop *loop, struct virtio_function *function,
                         struct ts_server **out_server, ts_handle_t *out_root)
{
    static struct service service;
    *out_server = &service.input.server;
    return service_start(&service, loop, function, out_root);
}

int main(void)
{
    return virtio_service_run(virtio_function_open, start);
}
