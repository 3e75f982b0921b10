// SPDX-License-Identifier: MIT
// Checked reader of program files: ELF64, little-endian, this machine's, static
// position-independent (ET_DYN without an interpreter). Nothing in a file is trusted; what does not
// hold is TS_ERR_EXECUTABLE. System V ABI, "Program Loading"; ELF-64 Object File Format 1.5.
#pragma once

#include <stdbool.h>
#include <tessera/abi/status.h>
#include <tessera/abi/types.h>

#define TS_ELF_SEGMENTS_MAX 16u
#define TS_ELF_IMAGE_MAX    (UINT64_C(1) << 30) // span of addresses
#define TS_ELF_HEADERS_MAX  4096u               // file header and program headers lie before this

struct ts_elf_segment {
    uint64_t address, memory_size; // as in the file: not page-aligned
    uint64_t offset, file_size;
    bool readable, writable, executable; // never writable and executable
};

struct ts_elf {
    uint64_t entry;           // inside an executable segment
    uint64_t low, high;       // span, page-aligned; low is where the image begins
    uint64_t program_headers; // address inside a segment, 0 = not mapped
    uint32_t program_header_count;
    uint32_t segment_count;
    struct ts_elf_segment segments[TS_ELF_SEGMENTS_MAX]; // ascending, sharing no page
    uint64_t relro, relro_size;                          // 0 = none; for the start-up code
    uint64_t stack_size;                                 // PT_GNU_STACK's wish, 0 = none
};

// `headers`: the file's first bytes, min(file_size, TS_ELF_HEADERS_MAX) of them.
TS_MUST_USE ts_status_t ts_elf_parse(const void *headers, size_t length, uint64_t file_size,
                                     struct ts_elf *out_elf);
