// SPDX-License-Identifier: MIT
// What firmware and boot loader said, copied and checked, in a form of no particular machine; and
// the early allocator that serves until kernel/mm takes over the free memory.
#pragma once

#include <arch/types.h>
#include <tessera/machine/firmware.h>

#define BOOT_RANGE_MAX        128
#define BOOT_MODULE_MAX       8
#define BOOT_COMMAND_LINE_MAX 512

enum boot_memory_kind {
    BOOT_MEMORY_RAM = 1,      // ours
    BOOT_MEMORY_FIRMWARE = 2, // RAM that holds firmware tables; read, never reuse
    BOOT_MEMORY_RESERVED = 3, // anything else
};

struct boot_range {
    paddr_t base;
    uint64_t size;
    enum boot_memory_kind kind;
};

struct boot_module {
    paddr_t base; // page-aligned
    uint64_t size;
    char name[64]; // the loader's string, cut, always terminated
};

struct boot_framebuffer {
    paddr_t base;                                  // 0: there is none that we can draw on
    uint32_t width, height, pitch, bits_per_pixel; // 15, 16, 24 or 32
    bool text;                                     // characters and their colours, 16 bits each
    uint8_t red_position, red_size, green_position, green_size, blue_position, blue_size;
};

struct boot_info {
    char command_line[BOOT_COMMAND_LINE_MAX];
    struct boot_range ranges[BOOT_RANGE_MAX]; // sorted, not overlapping, page-aligned
    uint32_t range_count;
    uint32_t module_count;
    struct boot_module modules[BOOT_MODULE_MAX]; // modules[0] is the boot archive
    struct boot_framebuffer framebuffer;
    int64_t realtime_offset; // ns since 1970-01-01 UTC at clock_now() == 0; 0 = unknown
    uint64_t ram_bytes;      // sum of BOOT_MEMORY_RAM
    uint64_t first_counter;  // arch_counter() at the kernel's first instruction
};

// Complete before kernel_main(); constant afterwards.
extern struct boot_info boot_info;

// What firmware says besides, for programs of this machine.
void arch_firmware_describe(struct ts_firmware *out_firmware);

// The value of `name=value` on the command line, copied to `out` (terminated, cut to `size`); for
// a bare `name` an empty string. Returns whether the word is there. Never blocks.
bool boot_option(const char *name, char *out, size_t size);

// Whether the exact word (`name` or `name=value`) is on the command line.
bool boot_option_word(const char *word);

// As boot_option, for a decimal or 0x number; `fallback` when absent or malformed.
uint64_t boot_option_number(const char *name, uint64_t fallback);

// Page-aligned zeroed memory for ever, before boot_memory_iterate() has been called; panics when
// there is none (the machine cannot start). `align` is a power of two, at least PAGE_SIZE.
paddr_t boot_page_alloc(uint64_t bytes, uint64_t align);

// Calls `take` for each range of RAM that is free: page-aligned, sorted, without the kernel image,
// modules, firmware tables and what boot_page_alloc gave out. It ends the early allocator: after
// it, page tables come from the hooks in <arch/hooks.h>.
void boot_memory_iterate(void (*take)(paddr_t base, uint64_t size, void *context), void *context);
