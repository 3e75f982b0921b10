// SPDX-License-Identifier: MIT
// What a process finds when it starts: its first thread's argument is the address of this block,
// which lies above its stack. Offsets are bytes from the block's start; strings end in zero.
#pragma once

#include <tessera/abi/types.h>
#include <tessera/machine/firmware.h>
#include <tessera/machine/frame.h>

#define TS_BOOTSTRAP_VERSION 1u

struct ts_bootstrap_handle {
    uint32_t name; // offset of the name
    ts_handle_t handle;
};

struct ts_bootstrap {
    uint32_t version, size; // size: bytes of the whole block
    uint32_t argument_count, environment_count, handle_count, reserved;
    uint32_t arguments, environment; // offsets of u32[] offsets of strings
    uint32_t handles;                // offset of struct ts_bootstrap_handle[]
    uint32_t reserved2;
    uint64_t image_base;      // load bias of the position-independent program
    uint64_t program_headers; // address of its ELF program headers
    uint64_t program_header_count;
    uint64_t clock; // address of struct ts_clock
    uint64_t stack_base, stack_size;
    uint8_t random[32];               // seeds of the process's own
    struct ts_thread_control control; // the first thread's pointer points here when it starts
};

// Names that the spawning library and the kernel use. Others are a configuration's.
#define TS_NAME_PROCESS "process" // the process itself
#define TS_NAME_JOB     "job"     // its job: processes that it creates are charged there
#define TS_NAME_THREAD  "thread"  // its first thread
#define TS_NAME_CLOCK   "clock"   // clock page memory, passed on to children
#define TS_NAME_RANDOM  "random"
#define TS_NAME_LOG     "log"
#define TS_NAME_IN      "in" // standard streams
#define TS_NAME_OUT     "out"
#define TS_NAME_ERR     "err"
#define TS_NAME_FILE    "file" // root of the file tree
#define TS_NAME_NET     "net"  // network stack
// init alone:
#define TS_NAME_ARCHIVE            "archive" // boot archive memory, read-only
#define TS_NAME_BOOT               "boot"    // memory holding struct ts_boot_information
#define TS_NAME_RESOURCE_PHYSICAL  "physical"
#define TS_NAME_RESOURCE_INTERRUPT "interrupt"
#define TS_NAME_RESOURCE_IO        "io"
#define TS_NAME_RESOURCE_DOMAIN    "domain"
#define TS_NAME_RESOURCE_SYSTEM    "system"
// the driver of the screen alone: of `physical`, the pages that are video memory
#define TS_NAME_FRAMEBUFFER "framebuffer"

#define TS_BOOT_INFORMATION_VERSION 2u

// What the firmware and boot loader said, for init and the drivers it gives parts of it to.
struct ts_boot_information {
    uint32_t version, size;
    struct ts_firmware firmware;
    uint64_t framebuffer_base; // 0 = none
    uint32_t framebuffer_width, framebuffer_height, framebuffer_pitch, framebuffer_bits;
    uint8_t red_position, red_size, green_position, green_size, blue_position, blue_size;
    uint8_t framebuffer_text; // 1: width and height are characters, each with its colours
    uint8_t reserved;
    uint32_t cpus, reserved2;
    char command_line[512];
};
