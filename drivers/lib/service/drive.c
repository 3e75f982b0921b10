// SPDX-License-Identifier: MIT
#include <drivers/service/drive.h>

#include <drivers/service/ready.h>
#include <tessera/lib/log.h>
#include <tessera/proto/init.h>

int service_drive(service_start_t start)
{
    static struct ts_loop loop;
    struct ts_server *server = NULL;
    ts_handle_t device, root = TS_HANDLE_NONE;
    ts_status_t status = service_device(&device);
    if (status == TS_ERR_NOT_FOUND) {
        return TS_INIT_EXIT_NO_DEVICE;
    }
    if (status == TS_OK) {
        status = ts_loop_init(&loop, 32, 256, 32);
    }
    if (status == TS_OK) {
        status = start(&loop, device, &server, &root);
    }
    if (status == TS_ERR_UNSUPPORTED) {
        ts_log("its device is of another kind, or without interrupts: it is left alone");
        return TS_INIT_EXIT_NO_DEVICE;
    }
    return service_run(status, server, root);
}
