// SPDX-License-Identifier: MIT
// /drv/rtl8139.
//
// Each file knows only those above it:
//
//   device   its life
//   chip     its frames
//   card     what the client is told
//   main     the program
#include "registers.h"
#include "rtl8139.h"

#include <drivers/frame/service.h>
#include <drivers/service/drive.h>
#include <tessera/lib/log.h>
#include <tessera/lib/resource.h>

enum { BAR_PORTS = 0, BAR_MEMORY = 1 }; // the same registers twice

static uint32_t read_memory(void *context, uint32_t offset, unsigned width)
{
    volatile uint8_t *at = (volatile uint8_t *)context + offset;
    switch (width) {
    case 1: return *at;
    case 2: return *(volatile uint16_t *)(volatile void *)at;
    default: return *(volatile uint32_t *)(volatile void *)at;
    }
}

static void write_memory(void *context, uint32_t offset, unsigned width, uint32_t value)
{
    volatile uint8_t *at = (volatile uint8_t *)context + offset;
    switch (width) {
    case 1: *at = (uint8_t)value; break;
    case 2: *(volatile uint16_t *)(volatile void *)at = (uint16_t)value; break;
    default: *(volatile uint32_t *)(volatile void *)at = value; break;
    }
}

static uint32_t read_port(void *context, uint32_t offset, unsigned width)
{
    const struct bus_function *function = context;
    uint32_t value;
    ts_status_t status = ts_io_read(function->ports, (uint16_t)offset, width, &value);
    return status == TS_OK ? value : UINT32_MAX >> (32 - 8 * width);
}

static void write_port(void *context, uint32_t offset, unsigned width, uint32_t value)
{
    const struct bus_function *function = context;
    // The range was given for these ports; the chip's state shows what failed.
    (void)ts_io_write(function->ports, (uint16_t)offset, width, value);
}

static const struct rtl8139_registers by_memory = {read_memory, write_memory};
static const struct rtl8139_registers by_ports = {read_port, write_port};

// By memory, or by ports where firmware has put others' registers into the same page.
static ts_status_t open_registers(struct bus_function *function, struct rtl8139 *r)
{
    ts_status_t status = bus_function_map(function, BAR_MEMORY);
    if (status == TS_OK && function->window_sizes[BAR_MEMORY] >= RTL8139_REGISTERS) {
        return rtl8139_identify(r, &by_memory, function->windows[BAR_MEMORY]);
    }
    if (function->information.bars[BAR_PORTS].size < RTL8139_REGISTERS) {
        return TS_ERR_UNSUPPORTED;
    }
    ts_log("its registers are reached by ports: others are in their page");
    status = bus_function_ports(function, BAR_PORTS);
    return status == TS_OK ? rtl8139_identify(r, &by_ports, function) : status;
}

// The chip is quiet before it may be a bus master, and before its interrupt is on.
static ts_status_t open_function(struct bus_function *function, struct rtl8139 *r,
                                 ts_handle_t device)
{
    ts_status_t status = bus_function_open(function, device);
    if (status == TS_OK) {
        status = open_registers(function, r);
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
    static struct rtl8139 rtl8139;
    static struct frame_service service;
    *out_server = &service.server;
    ts_status_t status = open_function(&function, &rtl8139, device);
    if (status == TS_OK) {
        status = rtl8139_init(&rtl8139, function.domain);
    }
    if (status != TS_OK) {
        return status;
    }
    return frame_service_start(&service, loop, &rtl8139.card, &function, out_root);
}

int main(void)
{
    return service_drive(start);
}
