// SPDX-License-Identifier: MIT
// /drv/serial [PORT [LINE]]: the console on a serial port; default 0x3f8 and 4 (COM1). Named
// handles: io and interrupt (resources that hold them), log with MANAGE, init. Without `interrupt`
// it polls.
//
// Each file knows only those above it:
//
//   uart   the 16550A: characters between its FIFOs and buffers
//   chip   the chip's ports and interrupt, below a console (drivers/console/console.h)
//   main   the program
#include "chip.h"

#include <drivers/service/ready.h>
#include <stdlib.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/resource.h>
#include <tessera/proto/init.h>

#define RELEASE_TRIES 5000u // of a millisecond

static struct ts_loop loop;
static struct serial serial;

// Asks the kernel not to write to the port itself any more (but in a panic), when it has shown what
// there is.
static void release_log(void)
{
    ts_handle_t log = ts_named_handle(TS_NAME_LOG);
    ts_status_t status = TS_ERR_NOT_FOUND;
    for (unsigned tries = 0; log && tries < RELEASE_TRIES; tries++) {
        status = ts_call_bytes(log, TS_LOG_RELEASE_SERIAL, NULL, 0, NULL, 0, NULL);
        if (status != TS_ERR_AGAIN) {
            break;
        }
        ts_sleep_until(ts_deadline_in(TS_MILLISECOND));
    }
    if (status != TS_OK) {
        ts_log("the kernel's log goes on writing here: %s", ts_status_name(status));
    }
}

static ts_status_t start(uint64_t port, uint32_t line, ts_handle_t *out_root)
{
    ts_handle_t io = ts_named_handle(TS_NAME_RESOURCE_IO), ports;
    ts_handle_t lines = ts_named_handle(TS_NAME_RESOURCE_INTERRUPT), interrupt = TS_HANDLE_NONE;
    ts_status_t status = io ? ts_resource_io_range(io, port, UART_PORTS, &ports) : TS_ERR_NOT_FOUND;
    if (status == TS_OK && lines &&
        ts_resource_line(lines, line, TS_LINE_LEGACY, &interrupt) != TS_OK) {
        ts_log("line %u cannot be had, polling", line);
        interrupt = TS_HANDLE_NONE;
    }
    if (status == TS_OK) {
        status = ts_loop_init(&loop, 64, 256, 32);
    }
    if (status == TS_OK) {
        release_log();
        status = serial_start(&serial, &loop, ports, interrupt, out_root);
    }
    return status;
}

int main(int argc, char **argv)
{
    uint64_t port = argc > 1 ? strtoul(argv[1], NULL, 0) : 0x3f8;
    uint32_t line = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 4;
    ts_handle_t root = TS_HANDLE_NONE;
    ts_status_t status = start(port, line, &root);
    if (status == TS_ERR_NOT_FOUND) {
        return TS_INIT_EXIT_NO_DEVICE;
    }
    return service_run(status, &serial.server, root);
}
