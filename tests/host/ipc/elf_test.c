// SPDX-License-Identifier: MIT
// Valid programs are read as they are; each way of being invalid is refused; mutated files are
// either refused or keep what the loader relies on.
#include <string.h>
#include <tessera/format/elf.h>
#include "tests/host/check.h"
#include "program_file.h"

static ts_status_t parse(const struct file *f, struct ts_elf *elf)
{
    return ts_elf_parse(f, TS_ELF_HEADERS_MAX, sizeof(*f), elf);
}

static void test_good(void)
{
    struct file f = good_file();
    struct ts_elf elf;
    CHECK_EQUAL(parse(&f, &elf), TS_OK);
    CHECK_EQUAL(elf.segment_count, 3);
    CHECK_EQUAL(elf.low, 0);
    CHECK_EQUAL(elf.high, 0x6000);
    CHECK_EQUAL(elf.entry, 0x1010);
    CHECK_EQUAL(elf.program_headers, 0x40);
    CHECK_EQUAL(elf.program_header_count, PROGRAMS);
    CHECK_EQUAL(elf.stack_size, 0x20000);
    CHECK(elf.segments[1].executable && !elf.segments[1].writable);
    CHECK(elf.segments[2].writable && !elf.segments[2].executable);
}

// The linker rounds RELRO up to a page: it may end, and even begin, behind its segment's end, in
// the segment's last page.
static void test_relro(void)
{
    struct ts_elf elf;
    for (uint64_t begin = 0x3008; begin <= 0x5008; begin += 0x1000) {
        struct file f = good_file();
        f.programs[4].address = begin;
        f.programs[4].memory_size = 0x6000 - begin;
        CHECK_EQUAL(parse(&f, &elf), TS_OK);
        CHECK(elf.relro == begin && elf.relro + elf.relro_size == elf.high);
        f.programs[4].memory_size++;
        CHECK_EQUAL(parse(&f, &elf), TS_ERR_EXECUTABLE);
    }
}

#define REFUSED(change)                                  \
    do {                                                 \
        struct file f = good_file();                     \
        struct ts_elf elf;                               \
        change;                                          \
        CHECK_EQUAL(parse(&f, &elf), TS_ERR_EXECUTABLE); \
    } while (0)

static void test_refused(void)
{
    REFUSED(f.header.ident[1] = 'X');
    REFUSED(f.header.ident[4] = 1);  // 32 bits
    REFUSED(f.header.ident[5] = 2);  // big-endian
    REFUSED(f.header.type = 2);      // at a fixed address
    REFUSED(f.header.machine = 183); // another machine
    REFUSED(f.header.program_count = 0);
    REFUSED(f.header.program_count = 200); // beyond the headers
    REFUSED(f.header.program_offset = UINT64_MAX - 7);
    REFUSED(f.header.program_size = 32);
    REFUSED(f.header.entry = 0x3008);    // in data
    REFUSED(f.header.entry = 0x9000);    // nowhere
    REFUSED(f.programs[TEXT].flags = 7); // writable and executable
    REFUSED(f.programs[TEXT].type = INTERP);
    REFUSED(f.programs[TEXT].offset = sizeof(f)); // cut short
    REFUSED(f.programs[TEXT].file_size = UINT64_MAX);
    REFUSED(f.programs[TEXT].file_size = 0x901); // more in the file than in memory
    REFUSED(f.programs[TEXT].address = UINT64_MAX - 0xfff);
    REFUSED(f.programs[TEXT].address = 0x1008); // does not match the offset
    REFUSED(f.programs[TEXT].align = 0x10);
    REFUSED(f.programs[TEXT].align = 0x1800);
    REFUSED(f.programs[DATA].memory_size = TS_ELF_IMAGE_MAX);
    REFUSED(f.programs[DATA].memory_size = 0);
    REFUSED((f.programs[DATA].address = 0x1008, f.programs[DATA].offset = 0x2008)); // overlaps
    REFUSED((f.programs[DATA].address = 0x8, f.programs[DATA].offset = 0x2008));    // descends
    REFUSED(f.programs[4].memory_size = 0x100000); // RELRO beyond its segment
    REFUSED(f.programs[5].flags = 7);              // an executable stack
    REFUSED(f.programs[5].memory_size = UINT64_C(1) << 40);
    REFUSED(f.programs[0].address = 0x100); // program headers elsewhere
    REFUSED(f.programs[1].type = f.programs[TEXT].type = f.programs[DATA].type = 0); // no segment
}

static void test_short(void)
{
    struct file f = good_file();
    struct ts_elf elf;
    for (size_t length = 0; length < 0x40 + PROGRAMS * 56; length++) {
        CHECK_EQUAL(ts_elf_parse(&f, length, length, &elf), TS_ERR_EXECUTABLE);
    }
}

// What spawn.c relies on.
static void check_sound(const struct ts_elf *elf, uint64_t file_size)
{
    uint64_t end = 0;
    CHECK(elf->segment_count > 0 && elf->segment_count <= TS_ELF_SEGMENTS_MAX);
    for (uint32_t i = 0; i < elf->segment_count; i++) {
        const struct ts_elf_segment *s = &elf->segments[i];
        CHECK(!(s->writable && s->executable));
        CHECK(s->file_size <= s->memory_size && s->memory_size <= TS_ELF_IMAGE_MAX);
        CHECK(s->offset <= file_size && s->file_size <= file_size - s->offset);
        CHECK((s->address & ~UINT64_C(4095)) >= end);
        CHECK(s->address % 4096 == s->offset % 4096);
        end = (s->address + s->memory_size + 4095) & ~UINT64_C(4095);
    }
    CHECK(end == elf->high && end <= TS_ELF_IMAGE_MAX + 4096);
    CHECK(elf->low == (elf->segments[0].address & ~UINT64_C(4095)));
}

static void test_mutations(void)
{
    uint64_t state = 42;
    unsigned accepted = 0;
    for (unsigned round = 0; round < 300000; round++) {
        struct file f = good_file();
        struct ts_elf elf;
        unsigned changes = 1 + check_random(&state) % 4;
        for (unsigned i = 0; i < changes; i++) {
            size_t at = check_random(&state) % (0x40 + PROGRAMS * 56);
            ((uint8_t *)&f)[at] = (uint8_t)(check_random(&state) >> 20);
        }
        if (parse(&f, &elf) == TS_OK) {
            check_sound(&elf, sizeof(f));
            accepted++;
        }
    }
    CHECK(accepted > 1000); // the mutations do reach behind the first checks
}

int main(void)
{
    test_good();
    test_relro();
    test_refused();
    test_short();
    test_mutations();
    return 0;
}
