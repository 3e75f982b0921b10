// SPDX-License-Identifier: MIT
// harm kill|write|loop SERVICE: ends a running service, or makes it write to where nothing is, or
// never come back. Says `found` when it is about to. Built by the tests with the SDK and added to
// their image; what it does needs the right to manage the process, as a debugger has it.
//
// For the last two all that the service would execute next is replaced: its text becomes pages of
// `nop` that end in the harm. Where the text is, the service's own program headers say; where they
// are is found by asking for room at a given address, which is refused where something is.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>

#define PAGE         ((uint64_t)TS_PAGE_SIZE)
#define WINDOW       (UINT64_C(1) << 46) // as large as a memory object may be
#define SYSTEM_NAME  "system"            // the job of all processes
#define PROGRAM_LOAD 1u
#define EXECUTE      1u
#define NOP          0x90

struct file_header { // ELF-64, figure 2, as far as is needed
    char magic[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t header_size, program_size, program_count;
};

struct program_header { // figure 6
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

static const unsigned char write_astray[] = {0xc6, 0x04, 0x25, 0xef, 0xbe, 0xad, 0x0e, 0x00};
static const unsigned char loop_for_ever[] = {0xeb, 0xfe};

static ts_handle_t target, window;

static ts_status_t find_process(const char *name)
{
    static _Alignas(8) char buffer[4096];
    size_t bytes, position = 0;
    ts_handle_t job = ts_named_handle(SYSTEM_NAME);
    ts_status_t status = ts_list(job, buffer, sizeof(buffer), 0, &bytes);
    const struct ts_file_entry *entry;
    while (!status && (entry = ts_listing_next(buffer, bytes, &position, &status))) {
        struct ts_process_statistics statistics;
        char id[24] = {0};
        memcpy(id, entry->name, entry->name_length < sizeof(id) ? entry->name_length : 0);
        if (ts_open(job, id, 0, TS_RIGHTS_SAME, &target)) {
            continue; // it has ended since
        }
        if (!ts_process_statistics(target, &statistics) && !strcmp(statistics.name, name)) {
            return TS_OK;
        }
        ts_close(target);
    }
    return status ? status : TS_ERR_NOT_FOUND;
}

static bool is_free(uint64_t address, uint64_t length)
{
    uint64_t there;
    if (ts_process_map(target, window, address, length, 0, TS_MAP_FIXED | TS_MAP_READ, &there)) {
        return false;
    }
    return ts_process_unmap(target, address, length) == TS_OK;
}

// The first mapped address in [from, to), or `to`.
static uint64_t first_mapped(uint64_t from, uint64_t to)
{
    while (from < to) {
        uint64_t part = to - from < WINDOW ? to - from : WINDOW;
        while (part > PAGE && !is_free(from, part)) {
            part = part / 2 / PAGE * PAGE;
        }
        if (part == PAGE && !is_free(from, PAGE)) {
            return from;
        }
        from += part;
    }
    return to;
}

// The first free address behind a mapped one. What the kernel has placed lies side by side, and a
// program at random far away from it: leaping over the small gaps misses nothing.
static uint64_t after_mapped(uint64_t from)
{
    uint64_t length = PAGE;
    while (from + length < TS_USER_END && !is_free(from + length, PAGE)) {
        length *= 2;
    }
    return from + length;
}

static ts_status_t read_target(uint64_t address, void *buffer, size_t length)
{
    struct ts_process_memory range = {address, length};
    return ts_call_bytes(target, TS_PROCESS_READ, &range, sizeof(range), buffer, length, NULL);
}

// The text of the program whose file begins at `base`.
static bool find_text(uint64_t base, uint64_t *out_address, uint64_t *out_length)
{
    struct file_header file;
    struct program_header program;
    if (read_target(base, &file, sizeof(file)) || memcmp(file.magic, "\177ELF", 4) != 0) {
        return false;
    }
    for (unsigned i = 0; i < file.program_count; i++) {
        uint64_t at = base + file.program_offset + (uint64_t)i * file.program_size;
        if (read_target(at, &program, sizeof(program))) {
            return false;
        }
        if (program.type == PROGRAM_LOAD && program.flags & EXECUTE) {
            *out_address = (base + program.address) & ~(PAGE - 1);
            *out_length =
                TS_PAGE_ROUND(base + program.address + program.memory_size) - *out_address;
            return true;
        }
    }
    return false;
}

static ts_status_t replace(uint64_t address, uint64_t length, const unsigned char *end, size_t size)
{
    ts_handle_t memory;
    void *bytes;
    uint64_t there;
    ts_status_t status = ts_memory_allocate(length, 0, &memory, &bytes);
    if (status) {
        return status;
    }
    memset(bytes, NOP, length);
    memcpy((char *)bytes + length - size, end, size);
    status = ts_process_unmap(target, address, length);
    if (!status) {
        status = ts_process_map(target, memory, address, length, 0,
                                TS_MAP_FIXED | TS_MAP_READ | TS_MAP_EXECUTE, &there);
    }
    return status;
}

static ts_status_t search_text(uint64_t *out_address, uint64_t *out_length)
{
    uint64_t at = TS_USER_BASE;
    ts_status_t status = ts_memory_create(WINDOW, 0, &window);
    while (!status && !find_text(at = first_mapped(at, TS_USER_END), out_address, out_length)) {
        at = after_mapped(at);
        status = at >= TS_USER_END ? TS_ERR_NOT_FOUND : TS_OK;
    }
    return status;
}

static void say_found(void)
{
    printf("found\n"); // what follows takes no time
    fflush(stdout);
}

static ts_status_t harm(const char *manner)
{
    uint64_t text, length;
    if (strcmp(manner, "kill") == 0) {
        say_found();
        return ts_process_kill(target);
    }
    ts_status_t status = search_text(&text, &length);
    if (status) {
        return status;
    }
    say_found();
    if (strcmp(manner, "write") == 0) {
        return replace(text, length, write_astray, sizeof(write_astray));
    }
    if (strcmp(manner, "loop") == 0) {
        return replace(text, length, loop_for_ever, sizeof(loop_for_ever));
    }
    return TS_ERR_ARGUMENT;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: harm kill|write|loop SERVICE\n");
        return 2;
    }
    ts_status_t status = find_process(argv[2]);
    if (!status) {
        status = harm(argv[1]);
    }
    if (status) {
        fprintf(stderr, "harm: %s: %s\n", argv[2], ts_status_text(status));
    }
    return status != TS_OK;
}
