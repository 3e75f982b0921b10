// SPDX-License-Identifier: MIT
// /drv/virtio-net.
//
// Each file knows only those above it:
//
//   chip   the device: its life, its frames
//   net    what it is
//   main   the program
#include "net.h"

#include <drivers/frame/service.h>
#include <drivers/virtio/legacy.h>
#include <drivers/virtio/service.h>

static ts_status_t start(struct ts_loop *loop, struct virtio_function *function,
                         struct ts_server **out_server, ts_handle_t *out_root)
{
    static struct net net;
    static struct frame_service service;
    const struct net_interrupts interrupts = {
        .queue_vector = virtio_function_queue_vector(function),
        .change_vector = virtio_function_change_vector(function),
        .line = function->bus.line,
        .own_change = function->bus.vectors > 1,
    };
    *out_server = &service.server;
    ts_status_t status = net_init(&net, &function->device, function->bus.domain, &interrupts);
    if (status != TS_OK) {
        return status;
    }
    return frame_service_start(&service, loop, &net.card, &function->bus, out_root);
}

// Of version 1, else as it was before.
static ts_status_t open_either(struct virtio_function *function, ts_handle_t device)
{
    ts_status_t status = virtio_function_open(function, device);
    return status == TS_ERR_UNSUPPORTED ? virtio_legacy_open(function, device) : status;
}

int main(void)
{
    return virtio_service_run(open_either, start);
}
