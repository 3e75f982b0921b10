// SPDX-License-Identifier: MIT
// /drv/e1000.
//
// Each file knows only those above it:
//
//   device   its life
//   chip     its frames
//   card     what the client is told
//   main     the program
#include "e1000.h"
#include "registers.h"

#include <drivers/frame/service.h>
#include <drivers/service/drive.h>

static uint32_t read_register(void *context, uint32_t offset)
{
    return *(volatile uint32_t *)(volatile void *)((volatile uint8_t *)context + offset);
}

static void write_register(void *context, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(volatile void *)((volatile uint8_t *)context + offset) = value;
}

static const struct e1000_registers registers = {read_register, write_register};

// The chip is quiet before it may be a bus master, and before its interrupt is on.
static ts_status_t open_function(struct bus_function *function, struct e1000 *e, ts_handle_t device)
{
    ts_status_t status = bus_function_open(function, device);
    if (status == TS_OK) {
        status = bus_function_map(function, 0);
    }
    if (status == TS_OK && function->window_sizes[0] < E1000_REGISTERS) {
        status = TS_ERR_UNSUPPORTED;
    }
    if (status == TS_OK) {
        status = e1000_identify(e, &registers, function->windows[0], function->information.device);
    }
    if (status == TS_OK) {
        status = bus_function_drive(function);
    }
    return status == TS_OK ? bus_function_vectors(function, 1) : status;
}

static ts_status_t start(struct ts_loop *loop, ts_handle_t device, struct ts_server **out_server,
                         ts_handle_t *out_root)
{
    static struct bus_function function;
    static struct e1000 e1000;
    static struct frame_service service;
    *out_server = &service.server;
    ts_status_t status = open_function(&function, &e1000, device);
    if (status == TS_OK) {
        bool messages = function.information.msix_bar < TS_PCI_BARS;
        status = e1000_init(&e1000, function.domain, messages);
    }
    if (status != TS_OK) {
        return status;
    }
    return frame_service_start(&service, loop, &e1000.card, &function, out_root);
}

int main(void)
{
    return service_drive(start);
}
