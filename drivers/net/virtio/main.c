// SPDX-License-Identifier: MIT
// /drv/virtio-net. Named handles: device, log, init. Ends with 0 where there is no such device.
#include "service.h"

#include <drivers/service/ready.h>
#include <tessera/lib/log.h>

static struct ts_loop loop;
static struct virtio_function function;
static struct net_service service;

static ts_status_t run(void)
{
    ts_handle_t device, root;
    ts_status_t status = service_device(&device);
    if (status == TS_OK) {
        status = virtio_function_open(&function, device);
    }
    if (status == TS_OK) {
        status = ts_loop_init(&loop, 32, 128, 32);
    }
    if (status == TS_OK) {
        status = net_service_start(&service, &loop, &function, &root);
    }
    if (status == TS_OK) {
        status = service_ready(root);
    }
    return status == TS_OK ? ts_loop_run(&loop) : status;
}

int main(void)
{
    ts_status_t status = run();
    if (status == TS_ERR_NOT_FOUND) {
        ts_log("this machine has none");
        return 0;
    }
    ts_log("ends: %s", ts_status_name(status));
    return status;
}
