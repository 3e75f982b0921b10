// SPDX-License-Identifier: MIT
#include <drivers/virtio/service.h>

#include <drivers/service/drive.h>

static virtio_service_start_t start_service;
static virtio_service_open_t open_function;

static ts_status_t start(struct ts_loop *loop, ts_handle_t device, struct ts_server **out_server,
                         ts_handle_t *out_root)
{
    static struct virtio_function function;
    ts_status_t status = open_function(&function, device);
    return status == TS_OK ? start_service(loop, &function, out_server, out_root) : status;
}

int virtio_service_run(virtio_service_open_t open_with, virtio_service_start_t start_with)
{
    open_function = open_with;
    start_service = start_with;
    return service_drive(start);
}
