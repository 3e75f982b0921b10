// SPDX-License-Identifier: MIT
// The first program. See first_program.h.
//
// The kernel loads this one program itself: each segment is copied from the archive into memory of
// its own and mapped at a random address. Above its stack lies the bootstrap block with the numbers
// of its handles. `init=PATH` on the command line names another program of the archive (tests).
#include <init/first_program.h>

#include <arch/boot.h>
#include <arch/interrupt.h>
#include <arch/memory.h>
#include <arch/smp.h>
#include <log.h>
#include <mm/address_space.h>
#include <mm/heap.h>
#include <object/clock.h>
#include <object/job.h>
#include <object/log_object.h>
#include <object/memory.h>
#include <object/process.h>
#include <object/random.h>
#include <object/resource.h>
#include <panic.h>
#include <sched/sched.h>
#include <string.h>
#include <syscall/install.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/format/archive.h>
#include <tessera/format/elf.h>

#define INIT_PATH     "srv/init"
#define IMAGE_BASE    UINT64_C(0x0000500000000000) // and up to 2^42 bytes more
#define IMAGE_RANDOM  (UINT64_C(1) << 30)          // pages
#define STACK_SIZE    (UINT64_C(256) << 10)
#define BLOCK_SIZE    PAGE_SIZE
#define READ_ONLY_MAP (TS_RIGHT_READ | TS_RIGHT_MAP | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER)

struct first_program {
    struct process *process;
    const char *file; // of the program, in the archive
    struct ts_elf image;
    uint64_t bias;
    vaddr_t stack, block; // addresses in the process
    vaddr_t clock;
    struct memory *stack_memory;
    struct ts_bootstrap *bootstrap; // the block being built
    uint32_t handles, strings;      // entries, bytes used
};

#define HANDLES_AT  ((uint32_t)sizeof(struct ts_bootstrap))
#define HANDLES_MAX 16u
#define STRINGS_AT  (HANDLES_AT + HANDLES_MAX * (uint32_t)sizeof(struct ts_bootstrap_handle))

static void require(ts_status_t status, const char *what)
{
    if (status != TS_OK) {
        panic("cannot start the first program: %s (status %d)", what, status);
    }
}

// ---- The block

static uint32_t put_string(struct first_program *first, const char *text)
{
    uint32_t at = first->strings;
    uint32_t length = (uint32_t)strlen(text) + 1;
    KREQUIRE(at + length <= BLOCK_SIZE);
    memcpy((char *)first->bootstrap + at, text, length);
    first->strings += length;
    return at;
}

// A handle becomes a handle of the program, by name.
static void give(struct first_program *first, const char *name, struct handle held)
{
    struct ts_bootstrap_handle *entries = (void *)((char *)first->bootstrap + HANDLES_AT);
    KREQUIRE(first->handles < HANDLES_MAX);
    struct ts_bootstrap_handle *entry = &entries[first->handles++];
    entry->name = put_string(first, name);
    require(handle_install(&first->process->handles, held, &entry->handle), name);
}

// A new object, whose reference is taken over, with all rights.
static void give_new(struct first_program *first, const char *name, struct object *object,
                     ts_rights_t rights)
{
    give(first, name, object_handle_get(object, rights & object->class->rights));
    object_put(object);
}

static void give_resource(struct first_program *first, const char *name, enum ts_resource_kind kind)
{
    struct object *resource;
    require(resource_create(kind, &resource), name);
    give_new(first, name, resource, TS_RIGHTS_ALL);
}

static void block_begin(struct first_program *first)
{
    first->bootstrap = heap_alloc_zeroed(BLOCK_SIZE);
    KREQUIRE(first->bootstrap != NULL);
    first->strings = STRINGS_AT;
}

static void block_finish(struct first_program *first)
{
    struct ts_bootstrap *block = first->bootstrap;
    uint32_t name = put_string(first, "init");
    first->strings = (first->strings + 3) & ~3u;
    uint32_t arguments = first->strings;
    KREQUIRE(arguments + sizeof(uint32_t) <= BLOCK_SIZE);
    memcpy((char *)block + arguments, &name, sizeof(name));
    first->strings += sizeof(name);
    block->version = TS_BOOTSTRAP_VERSION;
    block->size = first->strings;
    block->argument_count = 1;
    block->arguments = arguments;
    block->environment = first->strings;
    block->handle_count = first->handles;
    block->handles = HANDLES_AT;
    block->image_base = first->bias;
    block->program_headers =
        first->image.program_headers == 0 ? 0 : first->bias + first->image.program_headers;
    block->program_header_count = first->image.program_header_count;
    block->clock = first->clock;
    block->stack_base = first->stack;
    block->stack_size = STACK_SIZE;
    random_bytes(block->random, sizeof(block->random));
    block->control = (struct ts_thread_control){
        .self = first->block + offsetof(struct ts_bootstrap, control),
        .canary = random_canary(),
    };
    require(memory_kernel_write(first->stack_memory, STACK_SIZE, block, BLOCK_SIZE), "its stack");
    memset(block, 0, BLOCK_SIZE);
    heap_free(block, BLOCK_SIZE);
}

// ---- What the program is told and given

static void fill_boot_information(struct ts_boot_information *information)
{
    const struct boot_framebuffer *screen = &boot_info.framebuffer;
    *information = (struct ts_boot_information){
        .version = TS_BOOT_INFORMATION_VERSION,
        .size = sizeof(*information),
        .framebuffer_base = screen->base,
        .framebuffer_width = screen->width,
        .framebuffer_height = screen->height,
        .framebuffer_pitch = screen->pitch,
        .framebuffer_bits = screen->bits_per_pixel,
        .red_position = screen->red_position,
        .red_size = screen->red_size,
        .green_position = screen->green_position,
        .green_size = screen->green_size,
        .blue_position = screen->blue_position,
        .blue_size = screen->blue_size,
        .framebuffer_text = screen->text,
        .cpus = cpu_count(),
    };
    arch_firmware_describe(&information->firmware);
    memcpy(information->command_line, boot_info.command_line, sizeof(information->command_line));
}

static void give_boot_information(struct first_program *first)
{
    struct kernel_mapping mapping;
    require(memory_create_kernel(NULL, sizeof(struct ts_boot_information), &mapping),
            "boot information");
    struct memory *memory = mapping.memory;
    fill_boot_information(kernel_range_at(&mapping.range, 0, sizeof(struct ts_boot_information)));
    object_get(&memory->object);
    memory_kernel_unmap(&mapping);
    give_new(first, TS_NAME_BOOT, &memory->object, READ_ONLY_MAP);
}

static void give_clock(struct first_program *first)
{
    struct memory *memory;
    require(clock_page_create(&memory), "clock page");
    require(space_map(first->process->space, memory, 0, PAGE_SIZE, TS_MAP_READ, TS_MAP_READ,
                      &first->clock),
            "clock page");
    give_new(first, TS_NAME_CLOCK, &memory->object, READ_ONLY_MAP);
}

static void give_archive(struct first_program *first)
{
    struct memory *memory;
    const struct boot_module *module = &boot_info.modules[0];
    require(memory_create_boot(module->base, module->size, &memory), "boot archive");
    give_new(first, TS_NAME_ARCHIVE, &memory->object,
             READ_ONLY_MAP | TS_RIGHT_EXECUTE | TS_RIGHT_CALL);
}

static void give_all(struct first_program *first, struct thread *thread)
{
    give(first, TS_NAME_PROCESS, object_handle_get(&first->process->object, process_class.rights));
    give(first, TS_NAME_THREAD, object_handle_get(&thread->object, thread_class.rights));
    give(first, TS_NAME_JOB, object_handle_get(&job_root->object, job_class.rights));
    give_new(first, TS_NAME_LOG, log_object_get(), TS_RIGHTS_ALL);
    give_new(first, TS_NAME_RANDOM, random_object_get(), TS_RIGHTS_ALL);
    give_clock(first);
    give_archive(first);
    give_boot_information(first);
    give_resource(first, TS_NAME_RESOURCE_PHYSICAL, TS_RESOURCE_PHYSICAL);
    give_resource(first, TS_NAME_RESOURCE_INTERRUPT, TS_RESOURCE_INTERRUPT);
    give_resource(first, TS_NAME_RESOURCE_IO, TS_RESOURCE_IO);
    give_resource(first, TS_NAME_RESOURCE_DOMAIN, TS_RESOURCE_DOMAIN);
    give_resource(first, TS_NAME_RESOURCE_SYSTEM, TS_RESOURCE_SYSTEM);
}

// ---- Loading

static void load_segment(struct first_program *first, const struct ts_elf_segment *segment)
{
    struct memory *memory;
    uint64_t head = segment->address % PAGE_SIZE; // bytes of zero before the file's
    uint64_t size = (head + segment->memory_size + PAGE_MASK) & ~PAGE_MASK;
    unsigned protection = TS_MAP_READ | (segment->writable ? TS_MAP_WRITE : 0) |
                          (segment->executable ? TS_MAP_EXECUTE : 0);
    vaddr_t address = first->bias + segment->address - head;
    require(memory_create(first->process->account, size, 0, &memory), "no memory");
    require(memory_kernel_write(memory, head, first->file + segment->offset, segment->file_size),
            "no memory");
    // What the program relocates it protects itself, so data may become read-only.
    require(space_map(first->process->space, memory, 0, size, protection | TS_MAP_FIXED, protection,
                      &address),
            "its addresses");
    object_put(&memory->object);
}

static void load_stack(struct first_program *first)
{
    uint64_t size = STACK_SIZE + BLOCK_SIZE;
    require(memory_create(first->process->account, size, 0, &first->stack_memory), "no memory");
    require(space_map(first->process->space, first->stack_memory, 0, size,
                      TS_MAP_READ | TS_MAP_WRITE | TS_MAP_STACK, TS_MAP_READ | TS_MAP_WRITE,
                      &first->stack),
            "its stack"); // with nothing mapped below: an overflow faults
    first->block = first->stack + STACK_SIZE;
}

static const char *init_path(char *buffer, size_t size)
{
    return boot_option("init", buffer, size) && buffer[0] != '\0' ? buffer : INIT_PATH;
}

// A file of the boot archive, checked.
static ts_status_t find_file(const char *path, const char **out_file, uint64_t *out_size)
{
    struct ts_archive archive;
    uint32_t index;
    const struct boot_module *module = &boot_info.modules[0];
    const char *bytes = phys_to_virt(module->base);
    ts_status_t status = ts_archive_open(&archive, bytes, module->size);
    if (status == TS_OK) {
        status = ts_archive_find(&archive, path, strlen(path), &index);
    }
    if (status != TS_OK) {
        return status;
    }
    const struct ts_archive_entry *entry = &archive.entries[index];
    if (entry->type != TS_ARCHIVE_FILE) {
        return TS_ERR_IS_DIRECTORY;
    }
    *out_file = bytes + entry->offset;
    *out_size = entry->size;
    return ts_crc32c(0, *out_file, *out_size) == entry->data_crc ? TS_OK : TS_ERR_CORRUPT;
}

static void find_program(const char *path, const char **out_file, struct ts_elf *out_image)
{
    uint64_t size = 0;
    if (boot_info.module_count == 0) {
        cannot_run("the boot loader gave no boot archive, for which %lu MiB may be too little",
                   (unsigned long)(boot_info.ram_bytes >> 20));
    }
    ts_status_t status = find_file(path, out_file, &size);
    switch (status) {
    case TS_OK: break;
    case TS_ERR_VERSION: panic("the boot archive is of another version");
    case TS_ERR_CORRUPT: panic("the boot archive is corrupt, or none");
    default: panic("the boot archive has no file %s (status %d)", path, status);
    }
    size_t headers = size < TS_ELF_HEADERS_MAX ? size : TS_ELF_HEADERS_MAX;
    if (ts_elf_parse(*out_file, headers, size, out_image) != TS_OK) {
        panic("%s in the boot archive is not a program for this machine", path);
    }
}

void first_program_start(void)
{
    static struct first_program first; // too large for a stack; used once
    char buffer[64];
    const char *path = init_path(buffer, sizeof(buffer));
    find_program(path, &first.file, &first.image);
    require(process_create(job_root, "init", 4, &first.process), "no memory");
    first.process->priority_max = TS_PRIORITY_MAX;
    first.bias = IMAGE_BASE + random_u64() % IMAGE_RANDOM * PAGE_SIZE;
    for (uint32_t i = 0; i < first.image.segment_count; i++) {
        load_segment(&first, &first.image.segments[i]);
    }
    load_stack(&first);
    const struct thread_start start = {
        .entry = first.bias + first.image.entry,
        .stack = first.block,
        .argument = first.block,
        .thread_pointer = first.block + offsetof(struct ts_bootstrap, control),
        .priority = TS_PRIORITY_DRIVER, // it watches drivers: none may keep it from running
    };
    struct thread *thread;
    require(thread_create(first.process, &start, &thread), "no memory");
    block_begin(&first);
    give_all(&first, thread);
    block_finish(&first);
    object_put(&first.stack_memory->object);
    log_info("init: %s at %#lx, %lu ticks of the counter after the kernel's first instruction",
             path, (unsigned long)first.bias,
             (unsigned long)(arch_counter() - boot_info.first_counter));
    thread_launch(thread);
    object_put(&thread->object);
    object_put(&first.process->object);
}
