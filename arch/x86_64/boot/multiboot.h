// SPDX-License-Identifier: MIT
// Layouts of the Multiboot2 specification, version 2.0, section 3.6.
#pragma once

#include <arch/types.h>

#define MULTIBOOT_TAG_END          0
#define MULTIBOOT_TAG_COMMAND_LINE 1
#define MULTIBOOT_TAG_MODULE       3
#define MULTIBOOT_TAG_MEMORY_MAP   6
#define MULTIBOOT_TAG_FRAMEBUFFER  8
#define MULTIBOOT_TAG_ACPI_OLD     14
#define MULTIBOOT_TAG_ACPI_NEW     15

struct multiboot_tag {
    uint32_t type, size;
};

struct multiboot_module {
    struct multiboot_tag tag;
    uint32_t start, end;
    char text[];
};

struct multiboot_map {
    struct multiboot_tag tag;
    uint32_t entry_size, entry_version;
};

struct multiboot_map_entry {
    uint64_t base, size;
    uint32_t type, reserved;
};

struct multiboot_framebuffer {
    struct multiboot_tag tag;
    uint64_t address;
    uint32_t pitch, width, height;
    uint8_t bits_per_pixel, type;
    uint16_t reserved;
    uint8_t red_position, red_size, green_position, green_size, blue_position, blue_size;
} __attribute__((packed));

#define MULTIBOOT_FRAMEBUFFER_RGB  1
#define MULTIBOOT_FRAMEBUFFER_TEXT 2
