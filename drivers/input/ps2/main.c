// SPDX-License-Identifier: MIT
// /drv/ps2: keyboard and mouse at the i8042. Named handles: data and command (resources that hold
// I/O ports 0x60 and 0x64), interrupt and mouse-interrupt (lines 1 and 12; without them it polls),
// boot (what ACPI says of the controller), control (for Ctrl-Alt-Del), log, init.
//
// Each file knows only those above it:
//
//   scancode, mouse   what devices send
//   controller        the two registers
//   port              a device: what it is, what it is told
//   service           when to look
//   main              the program
#include "service.h"

#include <drivers/service/ready.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/resource.h>
#include <tessera/proto/init.h>

#define PORT_DATA    0x60u
#define PORT_COMMAND 0x64u

static struct ts_loop loop;
static struct ps2 ps2;

static ts_handle_t get_line(const char *name, uint32_t line)
{
    ts_handle_t lines = ts_named_handle(name), interrupt = TS_HANDLE_NONE;
    if (lines && ts_resource_line(lines, line, TS_LINE_LEGACY, &interrupt) != TS_OK) {
        ts_log("line %u cannot be had, polling", line);
        interrupt = TS_HANDLE_NONE;
    }
    return interrupt;
}

static ts_status_t get_port(const char *name, uint64_t port, ts_handle_t *out_range)
{
    ts_handle_t io = ts_named_handle(name);
    return io ? ts_resource_io_range(io, port, 1, out_range) : TS_ERR_NOT_FOUND;
}

// Where ACPI says that there is no controller, its ports may be something else's.
static bool firmware_denies(void)
{
    struct ts_boot_information boot;
    ts_handle_t memory = ts_named_handle(TS_NAME_BOOT);
    return memory && ts_read_all(memory, &boot, sizeof(boot), 0) == TS_OK &&
           boot.version == TS_BOOT_INFORMATION_VERSION && boot.firmware.no_i8042;
}

static ts_status_t start(ts_handle_t *out_root)
{
    ts_handle_t data, command;
    if (firmware_denies()) {
        return TS_ERR_NOT_FOUND;
    }
    ts_status_t status = get_port("data", PORT_DATA, &data);
    if (status == TS_OK) {
        status = get_port("command", PORT_COMMAND, &command);
    }
    if (status == TS_OK) {
        status = ts_loop_init(&loop, 64, 256, 32);
    }
    if (status == TS_OK) {
        const ts_handle_t lines[] = {get_line("interrupt", 1), get_line("mouse-interrupt", 12)};
        status = ps2_start(&ps2, &loop, data, command, lines, out_root);
    }
    return status;
}

int main(void)
{
    ts_handle_t root = TS_HANDLE_NONE;
    ts_status_t status = start(&root);
    if (status == TS_ERR_IO) {
        ts_log("the controller does not work: no keyboard, no mouse");
    }
    if (status == TS_ERR_NOT_FOUND || status == TS_ERR_IO) {
        return TS_INIT_EXIT_NO_DEVICE;
    }
    return service_run(status, &ps2.input.server, root);
}
