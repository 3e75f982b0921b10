// SPDX-License-Identifier: MIT
#include <init/elf.h>

#include <arch/types.h>
#include <string.h>

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_headers, section_headers;
    uint32_t flags;
    uint16_t header_size, program_header_size, program_header_count;
    uint16_t section_header_size, section_header_count, section_names;
};

struct elf_program_header {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

enum { ET_DYN = 3, EM_X86_64 = 62, PT_LOAD = 1, PT_INTERP = 3, PF_X = 1, PF_W = 2 };

static bool inside(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}

static bool header_good(const struct elf_header *header, uint64_t size)
{
    // Magic, 64 bits, little-endian, version 1.
    static const uint8_t ident[7] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    return memcmp(header->ident, ident, sizeof(ident)) == 0 && header->type == ET_DYN &&
           header->machine == EM_X86_64 && header->version == 1 &&
           header->program_header_size == sizeof(struct elf_program_header) &&
           inside(header->program_headers,
                  (uint64_t)header->program_header_count * sizeof(struct elf_program_header), size);
}

// One PT_LOAD, which must lie behind all before it.
static bool add_segment(struct elf_image *image, const struct elf_program_header *header,
                        const void *file, uint64_t size)
{
    if (header->memory_size == 0) {
        return true;
    }
    uint64_t start = header->address & ~PAGE_MASK;
    if (image->segment_count == ELF_SEGMENTS_MAX || header->file_size > header->memory_size ||
        !inside(header->offset, header->file_size, size) ||
        !inside(header->address, header->memory_size, ELF_SPAN_MAX) || start < image->span ||
        ((header->flags & PF_W) != 0 && (header->flags & PF_X) != 0)) {
        return false;
    }
    uint64_t end = (header->address + header->memory_size + PAGE_MASK) & ~PAGE_MASK;
    image->segments[image->segment_count++] = (struct elf_segment){
        .address = start,
        .size = end - start,
        .head = header->address - start,
        .data = (const char *)file + header->offset,
        .file_size = header->file_size,
        .write = (header->flags & PF_W) != 0,
        .execute = (header->flags & PF_X) != 0,
    };
    image->span = end;
    return true;
}

// A file offset as an address of the image; 0 when it is not mapped.
static uint64_t address_of(const struct elf_image *image, const void *file, uint64_t offset)
{
    const char *at = (const char *)file + offset;
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        const char *data = segment->data;
        if (at >= data && at < data + segment->file_size) {
            return segment->address + segment->head + (uint64_t)(at - data);
        }
    }
    return 0;
}

static bool entry_good(const struct elf_image *image)
{
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        if (segment->execute && image->entry >= segment->address &&
            image->entry - segment->address < segment->size) {
            return true;
        }
    }
    return false;
}

ts_status_t elf_parse(const void *file, uint64_t size, struct elf_image *out_image)
{
    struct elf_header header;
    *out_image = (struct elf_image){0};
    if (size < sizeof(header)) {
        return TS_ERR_EXECUTABLE;
    }
    memcpy(&header, file, sizeof(header));
    if (!header_good(&header, size)) {
        return TS_ERR_EXECUTABLE;
    }
    for (uint32_t i = 0; i < header.program_header_count; i++) {
        struct elf_program_header program;
        memcpy(&program, (const char *)file + header.program_headers + i * sizeof(program),
               sizeof(program));
        if (program.type == PT_INTERP ||
            (program.type == PT_LOAD && !add_segment(out_image, &program, file, size))) {
            return TS_ERR_EXECUTABLE;
        }
    }
    out_image->entry = header.entry;
    out_image->program_headers = address_of(out_image, file, header.program_headers);
    out_image->program_header_count = header.program_header_count;
    return entry_good(out_image) ? TS_OK : TS_ERR_EXECUTABLE;
}
