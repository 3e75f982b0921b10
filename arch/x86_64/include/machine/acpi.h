// SPDX-License-Identifier: MIT
// What the machine layer takes from ACPI tables (ACPI specification 6.4, chapter 5). Every table's
// length and checksum are checked before anything in it is used.
#pragma once

#include <arch/types.h>
#include <tessera/machine/firmware.h>

#define ACPI_IO_APIC_MAX 8
#define ACPI_ISA_LINES   16

struct acpi_io_apic {
    paddr_t address;
    uint32_t first_line;
    uint8_t id;
};

struct acpi_isa_line {
    uint32_t line;  // global line
    unsigned flags; // TS_LINE_LEVEL, TS_LINE_LOW
};

struct acpi_register { // generic address, system I/O or memory, 8 bits wide
    uint8_t space;     // 0 memory, 1 I/O
    uint64_t address;
};

struct acpi_table { // whole; `at` NULL: there is none
    const void *at;
    uint32_t length;
};

struct acpi_info {
    struct ts_firmware firmware; // what programs are told
    bool have_madt;
    paddr_t local_apic;
    uint32_t cpu_apic_id[CPU_MAX]; // enabled CPUs in firmware's order
    uint32_t cpu_count;
    struct acpi_io_apic io_apic[ACPI_IO_APIC_MAX];
    uint32_t io_apic_count;
    struct acpi_isa_line isa[ACPI_ISA_LINES];
    paddr_t hpet;                 // 0: none
    struct acpi_table dmar, ivrs; // Intel's and AMD's tables of IOMMUs
    uint16_t pm_timer;            // I/O port, 0: none
    bool have_reset;
    struct acpi_register reset;
    uint8_t reset_value;
    uint16_t pm1a_control, pm1b_control; // I/O ports, 0: none
    uint16_t smi_command;
    uint8_t acpi_enable;
    bool have_s5;
    uint8_t s5_a, s5_b; // SLP_TYP for soft off
};

extern struct acpi_info acpi;

// Fills `acpi`. Missing or damaged tables leave them at zero.
void acpi_init(void);
