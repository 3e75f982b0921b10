// SPDX-License-Identifier: MIT
// /drv/ne2k.
//
// Each file knows only those above it:
//
//   device   its life, its memory
//   chip     its frames
//   card     what the client is told
//   main     the program
#include "ne2k.h"
#include "registers.h"

#include <drivers/frame/service.h>
#include <drivers/service/drive.h>
#include <tessera/lib/op.h>
#include <tessera/lib/resource.h>

static uint8_t read_port(void *context, uint8_t port)
{
    const struct bus_function *function = context;
    uint32_t value;
    return ts_io_read(function->ports, port, 1, &value) == TS_OK ? (uint8_t)value : UINT8_MAX;
}

static void write_port(void *context, uint8_t port, uint8_t value)
{
    const struct bus_function *function = context;
    // The range was given for these ports; the card's state shows what failed.
    (void)ts_io_write(function->ports, port, 1, value);
}

static ts_status_t read_data(void *context, void *out, uint32_t bytes)
{
    const struct bus_function *function = context;
    struct ts_io_string string = {.port = NE2K_DATA, .width = 2, .count = bytes / 2};
    return ts_call_bytes(function->ports, TS_IO_STRING, &string, sizeof(string), out, bytes, NULL);
}

static ts_status_t write_data(void *context, const void *from, uint32_t bytes)
{
    const struct bus_function *function = context;
    struct {
        struct ts_io_string string;
        uint8_t bytes[NE2K_TX_BYTES];
    } out = {.string = {.port = NE2K_DATA, .width = 2, .write = 1, .count = bytes / 2}};
    memcpy(out.bytes, from, bytes);
    return ts_call_bytes(function->ports, TS_IO_STRING, &out, sizeof(out.string) + bytes, NULL, 0,
                         NULL);
}

static const struct ne2k_registers registers = {read_port, write_port, read_data, write_data};

static ts_status_t open_function(struct bus_function *function, struct ne2k *n, ts_handle_t device)
{
    ts_status_t status = bus_function_open(function, device);
    if (status == TS_OK && function->information.bars[0].size < NE2K_PORTS) {
        status = TS_ERR_UNSUPPORTED;
    }
    if (status == TS_OK) {
        status = bus_function_ports(function, 0);
    }
    if (status == TS_OK) {
        status = ne2k_identify(n, &registers, function);
    }
    return status == TS_OK ? bus_function_vectors(function, 1) : status;
}

static ts_status_t start(struct ts_loop *loop, ts_handle_t device, struct ts_server **out_server,
                         ts_handle_t *out_root)
{
    static struct bus_function function;
    static struct ne2k ne2k;
    static struct frame_service service;
    *out_server = &service.server;
    ts_status_t status = open_function(&function, &ne2k, device);
    if (status == TS_OK) {
        status = ne2k_init(&ne2k);
    }
    if (status != TS_OK) {
        return status;
    }
    return frame_service_start(&service, loop, &ne2k.card, &function, out_root);
}

int main(void)
{
    return service_drive(start);
}
