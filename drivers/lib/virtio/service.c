// SPDX-License-Identifier: MIT
#include <drivers/virtio/service.h>

#include <drivers/service/ready.h>
#include <tessera/lib/log.h>
#include <tessera/proto/init.h>

int virtio_service_run(virtio_service_start_t start)
{
    static struct ts_loop loop;
    static struct virtio_function function;
    struct ts_server *server = NULL;
    ts_handle_t device, root = TS_HANDLE_NONE;
    ts_status_t status = service_device(&device);
    if (status == TS_ERR_NOT_FOUND) {
        return TS_INIT_EXIT_NO_DEVICE;
    }
    if (status == TS_OK) {
        status = virtio_function_open(&function, device);
    }
    if (status == TS_ERR_UNSUPPORTED) {
        ts_log("its device is not of version 1, or without interrupts: it is left alone");
        return TS_INIT_EXIT_NO_DEVICE;
    }
    if (status == TS_OK) {
        status = ts_loop_init(&loop, 32, 256, 32);
    }
    if (status == TS_OK) {
        status = start(&loop, &function, &server, &root);
    }
    return service_run(status, server, root);
}
