// SPDX-License-Identifier: MIT
// /drv/virtio-net.
//
// Each file knows only those above it:
//
//   net, work   the device's life; its frames
//   client      that has the rings
//   service     what clients ask
//   main        the program
#include "service.h"

#include <drivers/virtio/service.h>

static ts_status_t start(struct ts_loop *loop, struct virtio_function *function,
                         struct ts_server **out_server, ts_handle_t *out_root)
{
    static struct net_service service;
    *out_server = &service.server;
    return net_service_start(&service, loop, function, out_root);
}

int main(void)
{
    return virtio_service_run(start);
}
