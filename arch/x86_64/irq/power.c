// SPDX-License-Identifier: MIT
#include <arch/power.h>

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/io_space.h>
#include <arch/memory.h>
#include <log.h>
#include <machine/acpi.h>
#include <machine/emulator.h>
#include <machine/x86.h>
#include <tessera/abi/status.h>

#define PM1_ACPI_MODE 0x0001
#define PM1_SLEEP     0x2000

#define IO_PORTS UINT64_C(0x10000)

#define RESET_CONTROL  0xcf9
#define KEYBOARD       0x64
#define KEYBOARD_RESET 0xfe

void emulator_exit(uint32_t status)
{
    x86_out32(EMULATOR_EXIT_PORT, status); // QEMU's isa-debug-exit; nothing elsewhere
    for (const char *at = "Shutdown"; *at; at++) {
        x86_out8(EMULATOR_BOCHS_PORT, (uint8_t)*at);
    }
}

_Noreturn void arch_restart(void)
{
    arch_irq_disable();
    if (acpi.have_reset && acpi.reset.space == 1) {
        x86_out8((uint16_t)acpi.reset.address, acpi.reset_value);
    } else if (acpi.have_reset) {
        volatile uint8_t *at =
            arch_device_map(acpi.reset.address, 1, ARCH_PROT_WRITE, ARCH_CACHE_UNCACHED);
        if (at != NULL) {
            *at = acpi.reset_value;
        }
    }
    arch_delay_us(10000);
    x86_out8(RESET_CONTROL, 0x02);
    x86_out8(RESET_CONTROL, 0x06);
    arch_delay_us(10000);
    x86_out8(KEYBOARD, KEYBOARD_RESET);
    arch_delay_us(10000);
    log_error("restart: this machine does not listen");
    arch_cpu_halt();
}

static void acpi_off(void)
{
    if (!acpi.have_s5 || !acpi.pm1a_control) {
        return;
    }
    if (acpi.smi_command && acpi.acpi_enable && !(x86_in16(acpi.pm1a_control) & PM1_ACPI_MODE)) {
        x86_out8(acpi.smi_command, acpi.acpi_enable);
        for (int i = 0; i < 300 && !(x86_in16(acpi.pm1a_control) & PM1_ACPI_MODE); i++) {
            arch_delay_us(10000);
        }
    }
    x86_out16(acpi.pm1a_control, (uint16_t)(PM1_SLEEP | acpi.s5_a << 10));
    if (acpi.pm1b_control) {
        x86_out16(acpi.pm1b_control, (uint16_t)(PM1_SLEEP | acpi.s5_b << 10));
    }
    arch_delay_us(100000);
}

_Noreturn void arch_power_off(uint32_t status)
{
    arch_irq_disable();
    if (status) {
        emulator_exit(status); // ACPI has no way to say how it went
    }
    acpi_off();
    emulator_exit(status);
    log_error("power off: this machine does not listen");
    arch_cpu_halt();
}

uint64_t arch_io_space_size(void)
{
    return IO_PORTS;
}

static bool port_ok(uint64_t port, unsigned width)
{
    return (width == 1 || width == 2 || width == 4) && port <= IO_PORTS - width;
}

ts_status_t arch_io_read(uint64_t address, unsigned width, uint32_t *out_value)
{
    if (!port_ok(address, width)) {
        return TS_ERR_ARGUMENT;
    }
    uint16_t at = (uint16_t)address;
    *out_value = width == 1 ? x86_in8(at) : width == 2 ? x86_in16(at) : x86_in32(at);
    return TS_OK;
}

ts_status_t arch_io_write(uint64_t address, unsigned width, uint32_t value)
{
    if (!port_ok(address, width)) {
        return TS_ERR_ARGUMENT;
    }
    uint16_t at = (uint16_t)address;
    if (width == 1) {
        x86_out8(at, (uint8_t)value);
    } else if (width == 2) {
        x86_out16(at, (uint16_t)value);
    } else {
        x86_out32(at, value);
    }
    return TS_OK;
}
