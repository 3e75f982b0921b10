// SPDX-License-Identifier: MIT
// /drv/virtio-blk.
//
// Each file knows only those above it:
//
//   block      the device
//   transfer   a request in pieces
//   service    what clients ask
//   main       the program
#include "service.h"

#include <drivers/virtio/service.h>

static ts_status_t start(struct ts_loop *loop, struct virtio_function *function,
                         struct ts_server **out_server, ts_handle_t *out_root)
{
    static struct block_service service;
    *out_server = &service.server;
    return block_service_start(&service, loop, function, out_root);
}

int main(void)
{
    return virtio_service_run(virtio_function_open, start);
}
