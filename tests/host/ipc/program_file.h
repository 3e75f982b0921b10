// SPDX-License-Identifier: MIT
// A program file that is as it should be, for tests to change: headers, then three segments (read,
// execute, write), the last with more memory than bytes.
#pragma once

#include <stdint.h>
#include <string.h>

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t header_size, program_size, program_count, section_size, section_count, names;
};

struct elf_program {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

#define PROGRAMS 6

struct file {
    struct elf_header header;
    struct elf_program programs[PROGRAMS];
    uint8_t rest[0x5000];
};

enum { LOAD = 1, INTERP = 3, PHDR = 6, STACK = 0x6474e551, RELRO = 0x6474e552 };
enum { TEXT = 2, DATA = 3 };

static struct file good_file(void)
{
    static const uint8_t ident[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    struct file f = {
        .header = {.type = 3,
                   .machine = 62,
                   .version = 1,
                   .entry = 0x1010,
                   .program_offset = sizeof(struct elf_header),
                   .header_size = sizeof(struct elf_header),
                   .program_size = sizeof(struct elf_program),
                   .program_count = PROGRAMS},
        .programs = {{PHDR, 4, 0x40, 0x40, 0x40, PROGRAMS * 56, PROGRAMS * 56, 8},
                     {LOAD, 4, 0, 0, 0, 0x800, 0x800, 0x1000},
                     {LOAD, 5, 0x1000, 0x1000, 0, 0x900, 0x900, 0x1000},
                     {LOAD, 6, 0x2008, 0x3008, 0, 0x100, 0x2000, 0x1000},
                     {RELRO, 4, 0x2008, 0x3008, 0, 0x100, 0xff8, 1},
                     {STACK, 6, 0, 0, 0, 0, 0x20000, 16}},
    };
    memcpy(f.header.ident, ident, sizeof(ident));
    return f;
}
