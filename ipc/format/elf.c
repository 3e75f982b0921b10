// SPDX-License-Identifier: MIT
// The file's structures are spelled out here, since only this file reads them: ELF-64 Object File
// Format 1.5, figures 2 and 6. Every sum is checked before it is made.
#include <string.h>
#include <tessera/abi/status.h>
#include <tessera/format/elf.h>
#include <tessera/machine/machine.h>

#define ELF_CLASS_64     2
#define ELF_DATA_LITTLE  1
#define ELF_VERSION      1
#define ELF_TYPE_DYNAMIC 3

#define PROGRAM_LOAD      1u
#define PROGRAM_INTERP    3u
#define PROGRAM_PHDR      6u
#define PROGRAM_GNU_STACK 0x6474e551u
#define PROGRAM_GNU_RELRO 0x6474e552u

#define PROGRAM_EXECUTE 1u
#define PROGRAM_WRITE   2u
#define PROGRAM_READ    4u

#define STACK_SIZE_MAX (UINT64_C(64) << 20)

struct elf_header {
    uint8_t magic[4], class, data, version, abi, padding[8];
    uint16_t type, machine;
    uint32_t version2;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t header_size, program_size, program_count, section_size, section_count, names;
};

struct elf_program {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

struct elf_parser {
    const unsigned char *bytes;
    size_t length;
    uint64_t file_size;
    struct ts_elf *elf;
    uint64_t program_table; // PT_PHDR's address, 0 = none
};

static ts_status_t check_header(const struct elf_parser *parser, const struct elf_header *header)
{
    static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};
    bool good = memcmp(header->magic, magic, sizeof(magic)) == 0 && header->class == ELF_CLASS_64 &&
                header->data == ELF_DATA_LITTLE && header->version == ELF_VERSION &&
                header->version2 == ELF_VERSION && header->type == ELF_TYPE_DYNAMIC &&
                header->machine == TS_ELF_MACHINE && header->header_size == sizeof(*header) &&
                header->program_size == sizeof(struct elf_program) && header->program_count > 0 &&
                header->program_offset % 8 == 0;
    if (!good) {
        return TS_ERR_EXECUTABLE;
    }
    uint64_t table = (uint64_t)header->program_count * sizeof(struct elf_program);
    if (header->program_offset > parser->length ||
        table > parser->length - header->program_offset) {
        return TS_ERR_EXECUTABLE;
    }
    return TS_OK;
}

static ts_status_t check_segment(const struct elf_parser *parser, const struct elf_program *program)
{
    bool writable = program->flags & PROGRAM_WRITE, executable = program->flags & PROGRAM_EXECUTE;
    bool good = program->file_size <= program->memory_size && program->memory_size > 0 &&
                program->offset <= parser->file_size &&
                program->file_size <= parser->file_size - program->offset &&
                program->address < TS_ELF_IMAGE_MAX &&
                program->memory_size <= TS_ELF_IMAGE_MAX - program->address &&
                program->align >= TS_PAGE_SIZE && program->align <= TS_ELF_IMAGE_MAX &&
                (program->align & (program->align - 1)) == 0 &&
                program->offset % TS_PAGE_SIZE == program->address % TS_PAGE_SIZE &&
                !(writable && executable);
    return good ? TS_OK : TS_ERR_EXECUTABLE;
}

static uint64_t page_down(uint64_t address)
{
    return address & ~(uint64_t)(TS_PAGE_SIZE - 1);
}

static uint64_t page_up(uint64_t address)
{
    return page_down(address + TS_PAGE_SIZE - 1);
}

// Segments ascend by the specification; sharing no page also means that they do not overlap.
static ts_status_t add_segment(struct elf_parser *parser, const struct elf_program *program)
{
    struct ts_elf *elf = parser->elf;
    ts_status_t status = check_segment(parser, program);
    if (status != TS_OK) {
        return status;
    }
    if (elf->segment_count == TS_ELF_SEGMENTS_MAX) {
        return TS_ERR_EXECUTABLE;
    }
    if (elf->segment_count == 0) {
        elf->low = page_down(program->address);
    } else if (page_down(program->address) < elf->high) {
        return TS_ERR_EXECUTABLE;
    }
    elf->high = page_up(program->address + program->memory_size);
    elf->segments[elf->segment_count++] = (struct ts_elf_segment){
        .address = program->address,
        .memory_size = program->memory_size,
        .offset = program->offset,
        .file_size = program->file_size,
        .readable = program->flags & PROGRAM_READ,
        .writable = program->flags & PROGRAM_WRITE,
        .executable = program->flags & PROGRAM_EXECUTE,
    };
    return TS_OK;
}

static ts_status_t add_program_header(struct elf_parser *parser, const struct elf_program *program)
{
    struct ts_elf *elf = parser->elf;
    switch (program->type) {
    case PROGRAM_LOAD: return add_segment(parser, program);
    case PROGRAM_INTERP: return TS_ERR_EXECUTABLE;
    case PROGRAM_PHDR: parser->program_table = program->address; return TS_OK;
    case PROGRAM_GNU_RELRO:
        elf->relro = program->address;
        elf->relro_size = program->memory_size;
        return TS_OK;
    case PROGRAM_GNU_STACK:
        if (program->flags & PROGRAM_EXECUTE || program->memory_size > STACK_SIZE_MAX) {
            return TS_ERR_EXECUTABLE;
        }
        elf->stack_size = program->memory_size;
        return TS_OK;
    default: return TS_OK; // of no concern to loading
    }
}

// The segment that holds [address, address + length) of what is in the file; NULL: none.
static const struct ts_elf_segment *segment_of(const struct ts_elf *elf, uint64_t address,
                                               uint64_t length, bool in_file)
{
    for (uint32_t i = 0; i < elf->segment_count; i++) {
        const struct ts_elf_segment *segment = &elf->segments[i];
        uint64_t size = in_file ? segment->file_size : segment->memory_size;
        if (address >= segment->address && address - segment->address <= size &&
            length <= size - (address - segment->address)) {
            return segment;
        }
    }
    return NULL;
}

// The header table as the running program will see it: where PT_PHDR says, or where the segment
// with the file's start puts it.
static void find_program_table(struct elf_parser *parser, const struct elf_header *header)
{
    struct ts_elf *elf = parser->elf;
    uint64_t size = (uint64_t)header->program_count * sizeof(struct elf_program);
    elf->program_header_count = header->program_count;
    for (uint32_t i = 0; i < elf->segment_count; i++) {
        const struct ts_elf_segment *segment = &elf->segments[i];
        if (header->program_offset >= segment->offset &&
            header->program_offset - segment->offset <= segment->file_size &&
            size <= segment->file_size - (header->program_offset - segment->offset)) {
            elf->program_headers = segment->address + (header->program_offset - segment->offset);
        }
    }
}

static ts_status_t check_whole(struct elf_parser *parser, const struct elf_header *header)
{
    struct ts_elf *elf = parser->elf;
    const struct ts_elf_segment *entry = segment_of(elf, header->entry, 1, true);
    if (entry == NULL || !entry->executable) {
        return TS_ERR_EXECUTABLE;
    }
    elf->entry = header->entry;
    if (elf->relro_size > 0 && segment_of(elf, elf->relro, elf->relro_size, false) == NULL) {
        // The linker rounds its end up to a page, beyond the segment's own end.
        const struct ts_elf_segment *segment = segment_of(elf, elf->relro, 0, false);
        if (segment == NULL || elf->relro_size > TS_ELF_IMAGE_MAX ||
            elf->relro + elf->relro_size > page_up(segment->address + segment->memory_size)) {
            return TS_ERR_EXECUTABLE;
        }
    }
    find_program_table(parser, header);
    if (parser->program_table && parser->program_table != elf->program_headers) {
        return TS_ERR_EXECUTABLE;
    }
    return TS_OK;
}

ts_status_t ts_elf_parse(const void *headers, size_t length, uint64_t file_size,
                         struct ts_elf *out_elf)
{
    struct elf_parser parser = {headers, length, file_size, out_elf, 0};
    struct elf_header header;
    memset(out_elf, 0, sizeof(*out_elf));
    if (length < sizeof(header) || length > file_size) {
        return TS_ERR_EXECUTABLE;
    }
    memcpy(&header, headers, sizeof(header));
    ts_status_t status = check_header(&parser, &header);
    for (uint32_t i = 0; status == TS_OK && i < header.program_count; i++) {
        struct elf_program program;
        memcpy(&program, parser.bytes + header.program_offset + i * sizeof(program),
               sizeof(program));
        status = add_program_header(&parser, &program);
    }
    return status != TS_OK ? status : check_whole(&parser, &header);
}
