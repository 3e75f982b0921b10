// SPDX-License-Identifier: MIT
// Static position-independent ELF programs, as far as the first program needs them (System V ABI,
// ELF-64 object file format; later programs are loaded in user space).
#pragma once

#include <stdbool.h>
#include <tessera/abi/status.h>
#include <tessera/abi/types.h>

#define ELF_SEGMENTS_MAX 16u
#define ELF_SPAN_MAX     (UINT64_C(1) << 30) // bytes of address space that an image may take

struct elf_segment {
    uint64_t address; // page-aligned, relative to the load bias
    uint64_t size;    // pages
    uint64_t head;    // bytes of zero before the file's
    const void *data; // file_size bytes of the file
    uint64_t file_size;
    bool write, execute;
};

struct elf_image {
    uint64_t entry;           // relative to the bias, inside an executable segment
    uint64_t span;            // bytes, from 0
    uint64_t program_headers; // where they are mapped, relative to the bias
    uint32_t program_header_count;
    uint32_t segment_count;
    struct elf_segment segments[ELF_SEGMENTS_MAX]; // ascending, disjoint by pages
};

// Checks a file and describes its image. TS_ERR_EXECUTABLE for anything that is not a program of
// that sort for this machine; the file may hold anything.
TS_MUST_USE ts_status_t elf_parse(const void *file, uint64_t size, struct elf_image *out_image);
