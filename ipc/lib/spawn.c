// SPDX-License-Identifier: MIT
// The order matters for what a failure leaves behind: the process exists first, everything else is
// put into it, and the thread that makes it run is the last step. Until then closing the process's
// handle after a kill takes all of it away.
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/random.h>
#include <tessera/lib/spawn.h>
#include "bootstrap_block.h"

#define LOAD_PAGES_MASK ((UINT64_C(1) << 34) - 1)

// The program file, as memory that the child's segments are made of.
struct image {
    ts_handle_t memory;
    bool own; // the memory's handle is ours to close
    uint64_t size;
    const unsigned char *bytes; // mapped here to be read
    struct ts_elf elf;
};

struct child {
    ts_handle_t process;
    struct {
        uint64_t load, canary;
        unsigned char own[sizeof((struct ts_bootstrap *)0)->random];
    } random;
    uint64_t bias;
    uint64_t stack, stack_size; // above the guard page
    uint64_t block;             // address there
    ts_handle_t stack_memory;
    uint64_t clock;
    struct ts_block_writer writer; // the block, mapped here
};

// ---- image

static ts_status_t image_memory(struct image *image, ts_handle_t file)
{
    enum ts_kind kind;
    ts_status_t status = ts_kind(file, &kind);
    if (status != TS_OK) {
        return status;
    }
    if (kind == TS_KIND_MEMORY) {
        image->memory = file;
        return TS_OK;
    }
    ts_rights_t rights = TS_RIGHT_READ | TS_RIGHT_EXECUTE | TS_RIGHT_MAP;
    status = ts_map_object(file, 0, TS_PAGE_ROUND(image->size), rights, &image->memory);
    image->own = status == TS_OK;
    return status;
}

// The headers are parsed from a copy: others that share the memory cannot change them under us.
static ts_status_t image_parse(struct image *image)
{
    unsigned char headers[TS_ELF_HEADERS_MAX];
    size_t length = image->size < sizeof(headers) ? (size_t)image->size : sizeof(headers);
    memcpy(headers, image->bytes, length);
    return ts_elf_parse(headers, length, image->size, &image->elf);
}

static void image_close(struct image *image)
{
    if (image->bytes != NULL) {
        (void)ts_memory_unmap((void *)image->bytes, TS_PAGE_ROUND(image->size));
    }
    if (image->own) {
        ts_close(image->memory);
    }
}

static ts_status_t image_open(struct image *image, const struct ts_spawn *spawn)
{
    memset(image, 0, sizeof(*image));
    image->size = spawn->image_size;
    ts_status_t status = TS_OK;
    if (image->size == 0) {
        status = ts_get_u64(spawn->image, TS_PROPERTY_SIZE, &image->size);
    }
    if (status == TS_OK && (image->size == 0 || image->size > TS_ELF_IMAGE_MAX)) {
        status = TS_ERR_EXECUTABLE;
    }
    if (status == TS_OK) {
        status = image_memory(image, spawn->image);
    }
    void *bytes;
    if (status == TS_OK) {
        status =
            ts_memory_map(image->memory, NULL, TS_PAGE_ROUND(image->size), 0, TS_MAP_READ, &bytes);
    }
    if (status == TS_OK) {
        image->bytes = bytes;
        status = image_parse(image);
    }
    if (status != TS_OK) {
        image_close(image);
    }
    return status;
}

// ---- segments

static unsigned protection_of(const struct ts_elf_segment *segment)
{
    return TS_MAP_READ | (segment->writable ? TS_MAP_WRITE : 0) |
           (segment->executable ? TS_MAP_EXECUTE : 0);
}

// Pages of the file itself: what all processes of the program share.
static ts_status_t map_shared(const struct child *child, const struct image *image,
                              const struct ts_elf_segment *segment)
{
    uint64_t in_page = segment->address % TS_PAGE_SIZE, address;
    return ts_process_map(child->process, image->memory, child->bias + segment->address - in_page,
                          TS_PAGE_ROUND(in_page + segment->memory_size), segment->offset - in_page,
                          TS_MAP_FIXED | protection_of(segment), &address);
}

// Memory of the process's own, with the file's bytes at the start and zeros behind.
static ts_status_t map_copied(const struct child *child, const struct image *image,
                              const struct ts_elf_segment *segment)
{
    uint64_t in_page = segment->address % TS_PAGE_SIZE, address;
    uint64_t size = TS_PAGE_ROUND(in_page + segment->memory_size);
    ts_handle_t memory;
    ts_status_t status = ts_process_memory_create(child->process, size, 0, &memory);
    if (status != TS_OK) {
        return status;
    }
    size_t bytes = 0;
    if (segment->file_size > 0) {
        status = ts_write(memory, image->bytes + segment->offset, segment->file_size, in_page,
                          TS_DEADLINE_NONE, &bytes);
    }
    if (status == TS_OK && bytes != segment->file_size) {
        status = TS_ERR_LIMIT;
    }
    if (status == TS_OK) {
        status = ts_process_map(child->process, memory, child->bias + segment->address - in_page,
                                size, 0, TS_MAP_FIXED | protection_of(segment), &address);
    }
    ts_close(memory);
    return status;
}

static ts_status_t map_segments(const struct child *child, const struct image *image)
{
    for (uint32_t i = 0; i < image->elf.segment_count; i++) {
        const struct ts_elf_segment *segment = &image->elf.segments[i];
        bool shared = !segment->writable && segment->file_size == segment->memory_size;
        ts_status_t status =
            shared ? map_shared(child, image, segment) : map_copied(child, image, segment);
        if (status != TS_OK) {
            return status;
        }
    }
    return TS_OK;
}

// ---- stack and block

// A process without "random" makes its children's seeds of its own and the clock: good enough to
// spread addresses, not for keys; a program that needs keys is given "random".
static ts_status_t seed(void *buffer, size_t length)
{
    ts_status_t status = ts_random_bytes(buffer, length);
    if (status != TS_ERR_NOT_FOUND) {
        return status;
    }
    static uint64_t counter;
    uint64_t state = ts_machine_counter() + ++counter, own[4];
    memcpy(own, ts_bootstrap_block()->random, sizeof(own));
    for (size_t i = 0; i < length; i++) {
        state = (state ^ own[i % 4]) * UINT64_C(0x9e3779b97f4a7c15);
        state ^= state >> 29;
        ((unsigned char *)buffer)[i] = (unsigned char)(state >> 56);
    }
    return TS_OK;
}

// All that is random of a child, at once, and where its image is loaded.
static ts_status_t choose(struct child *child, const struct ts_elf *elf)
{
    ts_status_t status = seed(&child->random, sizeof(child->random));
    uint64_t page = child->random.load & LOAD_PAGES_MASK;
    child->bias = TS_USER_BASE + page * TS_PAGE_SIZE - elf->low;
    return status;
}

// One memory object: guard page, stack, block. The block's part is mapped here as well until it is
// written.
static ts_status_t make_stack(struct child *child, const struct ts_spawn *spawn,
                              const struct ts_elf *elf)
{
    uint64_t block_size = TS_PAGE_ROUND(ts_block_size(spawn));
    if (block_size > TS_SPAWN_ARGUMENTS_MAX) {
        return TS_ERR_TOO_LARGE;
    }
    uint64_t wish = spawn->stack_size ? spawn->stack_size : elf->stack_size;
    child->stack_size = TS_PAGE_ROUND(wish ? wish : TS_SPAWN_STACK_SIZE);
    uint64_t size = TS_PAGE_SIZE + child->stack_size + block_size, address;
    ts_status_t status = ts_process_memory_create(child->process, size, 0, &child->stack_memory);
    if (status == TS_OK) {
        status = ts_process_map(child->process, child->stack_memory, 0, size, 0,
                                TS_MAP_READ | TS_MAP_WRITE | TS_MAP_STACK, &address);
    }
    if (status == TS_OK) {
        status = ts_process_protect(child->process, address, TS_PAGE_SIZE, 0);
    }
    if (status != TS_OK) {
        return status;
    }
    child->stack = address + TS_PAGE_SIZE;
    child->block = child->stack + child->stack_size;
    void *block;
    status = ts_memory_map(child->stack_memory, NULL, block_size, size - block_size,
                           TS_MAP_READ | TS_MAP_WRITE, &block);
    if (status == TS_OK) {
        child->writer = (struct ts_block_writer){.block = block, .capacity = (uint32_t)block_size};
    }
    return status;
}

// Behind the image, if there is room: it shares that one's page tables.
static ts_status_t map_clock(struct child *child, const struct ts_elf *elf)
{
    ts_handle_t clock = ts_named_handle(TS_NAME_CLOCK);
    if (!clock) {
        return TS_OK;
    }
    return ts_process_map(child->process, clock, child->bias + elf->high + TS_PAGE_SIZE,
                          TS_PAGE_SIZE, 0, TS_MAP_READ, &child->clock);
}

// ---- handles

static ts_status_t give(struct child *child, const char *name, ts_handle_t handle)
{
    ts_handle_t there;
    ts_status_t status = ts_process_give(child->process, handle, &there);
    if (status != TS_OK) {
        ts_close(handle);
    } else {
        ts_block_handle(&child->writer, name, there);
    }
    return status;
}

static ts_status_t give_copy(struct child *child, const char *name, ts_handle_t handle,
                             ts_rights_t rights)
{
    ts_handle_t copy;
    ts_status_t status = ts_duplicate(handle, rights, &copy);
    return status != TS_OK ? status : give(child, name, copy);
}

static ts_status_t give_handles(struct child *child, const struct ts_spawn *spawn)
{
    ts_handle_t clock = ts_named_handle(TS_NAME_CLOCK);
    ts_status_t status = give_copy(child, TS_NAME_PROCESS, child->process, TS_RIGHTS_SAME);
    if (status == TS_OK && clock) {
        status = give_copy(child, TS_NAME_CLOCK, clock, TS_RIGHTS_SAME);
    }
    if (status == TS_OK && spawn->give_job) {
        status =
            give_copy(child, TS_NAME_JOB, spawn->job ? spawn->job : ts_named_handle(TS_NAME_JOB),
                      TS_RIGHTS_SAME & ~TS_RIGHT_MANAGE);
    }
    for (uint32_t i = 0; status == TS_OK && i < spawn->handle_count; i++) {
        const struct ts_spawn_handle *entry = &spawn->handles[i];
        status = entry->move ? give(child, entry->name, entry->handle)
                             : give_copy(child, entry->name, entry->handle, entry->rights);
    }
    return status;
}

// A handle that was given is no longer here: closing it again does nothing.
static void close_moved(const struct ts_spawn *spawn)
{
    for (uint32_t i = 0; i < spawn->handle_count; i++) {
        if (spawn->handles[i].move) {
            ts_close(spawn->handles[i].handle);
        }
    }
}

// ---- all of it

// Where the child's first thread finds its canary, from its first instruction on.
static uint64_t control_of(const struct child *child)
{
    return child->block + offsetof(struct ts_bootstrap, control);
}

static void fill_block(struct child *child, const struct ts_spawn *spawn, const struct ts_elf *elf)
{
    struct ts_bootstrap *block = child->writer.block;
    ts_block_strings(&child->writer, spawn);
    block->image_base = child->bias;
    block->program_headers = elf->program_headers ? child->bias + elf->program_headers : 0;
    block->program_header_count = elf->program_header_count;
    block->clock = child->clock;
    block->stack_base = child->stack;
    block->stack_size = child->stack_size;
    memcpy(block->random, child->random.own, sizeof(block->random));
    block->control.canary = child->random.canary & TS_CANARY_MASK;
    block->control.self = control_of(child);
}

static ts_status_t start(struct child *child, const struct ts_spawn *spawn,
                         const struct ts_elf *elf)
{
    uint64_t priority = spawn->priority ? spawn->priority : TS_PRIORITY_NORMAL;
    struct ts_result result =
        ts_sys_thread_start(child->process, child->bias + elf->entry, child->block, child->block,
                            control_of(child), priority);
    if (result.status == TS_OK) {
        ts_close((ts_handle_t)result.value); // it lives without
    }
    return (ts_status_t)result.status;
}

static ts_status_t fill(struct child *child, const struct ts_spawn *spawn,
                        const struct image *image)
{
    ts_status_t status = choose(child, &image->elf);
    if (status == TS_OK) {
        status = map_segments(child, image);
    }
    if (status == TS_OK) {
        status = make_stack(child, spawn, &image->elf);
    }
    if (status == TS_OK) {
        status = map_clock(child, &image->elf);
    }
    if (status == TS_OK) {
        status = ts_block_begin(&child->writer, spawn);
    }
    if (status == TS_OK) {
        status = give_handles(child, spawn);
    }
    if (status != TS_OK) {
        return status;
    }
    fill_block(child, spawn, &image->elf);
    return start(child, spawn, &image->elf);
}

static ts_status_t spawn_image(const struct ts_spawn *spawn, const struct image *image,
                               ts_handle_t *out_process)
{
    struct child child = {0};
    ts_handle_t job = spawn->job ? spawn->job : ts_named_handle(TS_NAME_JOB);
    ts_status_t status = ts_process_create(job, spawn->name, &child.process);
    if (status != TS_OK) {
        return status;
    }
    status = fill(&child, spawn, image);
    if (child.writer.block != NULL) {
        (void)ts_memory_unmap(child.writer.block, child.writer.capacity);
    }
    ts_close(child.stack_memory);
    if (status != TS_OK) {
        (void)ts_process_kill(child.process);
        ts_close(child.process);
    } else {
        *out_process = child.process;
        if (spawn->out_bias != NULL) {
            *spawn->out_bias = child.bias;
        }
    }
    return status;
}

ts_status_t ts_spawn(const struct ts_spawn *spawn, ts_handle_t *out_process)
{
    struct image image;
    ts_status_t status =
        spawn->handle_count > TS_SPAWN_HANDLES_MAX ? TS_ERR_LIMIT : image_open(&image, spawn);
    if (status == TS_OK) {
        status = spawn_image(spawn, &image, out_process);
        image_close(&image);
    }
    close_moved(spawn);
    return status;
}

ts_status_t ts_spawn_path(const struct ts_spawn *spawn, ts_handle_t root, const char *path,
                          ts_handle_t *out_process)
{
    struct ts_spawn copy = *spawn;
    ts_rights_t rights = TS_RIGHT_READ | TS_RIGHT_EXECUTE | TS_RIGHT_MAP;
    ts_status_t status = ts_open(root, path, 0, rights, &copy.image);
    if (status != TS_OK) {
        close_moved(spawn);
        return status;
    }
    copy.image_size = 0;
    status = ts_spawn(&copy, out_process);
    ts_close(copy.image);
    return status;
}
