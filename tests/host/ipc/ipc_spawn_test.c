// SPDX-License-Identifier: MIT
// Programs started over a fake kernel: what the child's memory, handles and first thread are; which
// wishes count; and that a start which fails at any call leaves nothing, here or there.
#include <string.h>
#include <tessera/lib/memory.h>
#include "ipc/lib/bootstrap_block.h"
#include "tests/host/check.h"
#include "fake_kernel.h"
#include "program_file.h"

#define ROOT         (FAKE_SERVED + 1) // of files
#define PROGRAM_FILE (FAKE_SERVED + 2)

static struct {
    ts_handle_t job, clock, image, in, out;
} own;
static struct ts_bootstrap *own_block; // of the process that spawns

static ts_handle_t make(unsigned kind, uint64_t size)
{
    struct ts_result result = fake_make(kind, size);
    CHECK(result.status == TS_OK);
    return (ts_handle_t)result.value;
}

static void make_own_block(bool with_clock)
{
    struct ts_spawn spawn = {.name = "own"};
    free(own_block);
    own_block = calloc(1, ts_block_size(&spawn));
    struct ts_block_writer writer = {.block = own_block,
                                     .capacity = (uint32_t)ts_block_size(&spawn)};
    CHECK_EQUAL(ts_block_begin(&writer, &spawn), TS_OK);
    ts_block_handle(&writer, TS_NAME_JOB, own.job);
    ts_block_handle(&writer, with_clock ? TS_NAME_CLOCK : "none", own.clock);
    ts_block_strings(&writer, &spawn);
    memset(own_block->random, 0x5a, sizeof(own_block->random));
    own_block->clock = (uintptr_t)fake_handles[own.clock].memory;
    CHECK_EQUAL(ts_bootstrap_init(own_block), TS_OK);
}

static void reset(const struct file *program)
{
    fake_reset();
    own.job = make(TS_KIND_JOB, 0);
    own.clock = make(TS_KIND_MEMORY, TS_PAGE_SIZE);
    ((struct ts_clock *)(void *)fake_handles[own.clock].memory)->version = TS_CLOCK_VERSION;
    own.image = make(TS_KIND_MEMORY, sizeof(*program));
    memcpy(fake_handles[own.image].memory, program, sizeof(*program));
    own.in = make(TS_KIND_EVENT, 0);
    own.out = make(TS_KIND_EVENT, 0);
    make_own_block(true);
}

static struct file program(void)
{
    struct file file = good_file();
    for (size_t i = 0; i < sizeof(file.rest); i++) {
        file.rest[i] = (uint8_t)(i * 7 + 1);
    }
    return file;
}

static const char *const arguments[] = {"prog", "-x", NULL};
static const char *const environment[] = {"HOME=/", NULL};

// One handle copied with fewer rights, one given away.
static struct ts_spawn_handle listed[2];

static struct ts_spawn spawn_of(void)
{
    listed[0] = (struct ts_spawn_handle){"in", own.in, TS_RIGHT_READ | TS_RIGHT_TRANSFER, false};
    listed[1] = (struct ts_spawn_handle){"out", own.out, 0, true};
    return (struct ts_spawn){.name = "child",
                             .image = own.image,
                             .arguments = arguments,
                             .environment = environment,
                             .handles = listed,
                             .handle_count = 2};
}

// ---- what a child is

static void check_segment(const struct elf_program *segment, uint64_t bias, bool shared,
                          unsigned protection)
{
    const unsigned char *image = fake_handles[own.image].memory;
    const struct fake_mapping *mapping = fake_child_at(bias + segment->address);
    uint64_t in_page = segment->address % TS_PAGE_SIZE;
    CHECK(mapping && mapping->flags == (protection | TS_MAP_FIXED));
    CHECK_EQUAL(mapping->address, bias + segment->address - in_page);
    CHECK_EQUAL(mapping->length, TS_PAGE_ROUND(in_page + segment->memory_size));
    if (shared) {
        CHECK(mapping->bytes == image + segment->offset - in_page);
        return;
    }
    CHECK(mapping->bytes < image || mapping->bytes >= image + sizeof(struct file));
    CHECK(memcmp(mapping->bytes + in_page, image + segment->offset, segment->file_size) == 0);
    for (uint64_t i = 0; i < in_page; i++) {
        CHECK_EQUAL(mapping->bytes[i], 0);
    }
    for (uint64_t i = in_page + segment->file_size; i < mapping->length; i++) {
        CHECK_EQUAL(mapping->bytes[i], 0);
    }
}

static struct ts_bootstrap *check_stack(uint64_t stack_size)
{
    const struct fake_mapping *stack = fake_child_at(fake_child.stack_top);
    CHECK(stack && stack->flags == (TS_MAP_READ | TS_MAP_WRITE | TS_MAP_STACK));
    CHECK(fake_child.guard.address == stack->address && fake_child.guard.flags == 0);
    CHECK_EQUAL(fake_child.guard.length, TS_PAGE_SIZE);
    CHECK_EQUAL(fake_child.stack_top, stack->address + TS_PAGE_SIZE + stack_size);
    CHECK_EQUAL(fake_child.argument, fake_child.stack_top);
    struct ts_bootstrap *block = (void *)(uintptr_t)fake_child.argument;
    CHECK(block->stack_base == stack->address + TS_PAGE_SIZE && block->stack_size == stack_size);
    CHECK(block->size <= stack->address + stack->length - fake_child.argument);
    CHECK_EQUAL(fake_child.thread_pointer, (uintptr_t)&block->control);
    CHECK(block->control.self == (uintptr_t)&block->control && block->control.canary % 256 == 0);
    CHECK(block->control.canary != 0);
    return block;
}

static const struct fake_given *given(const char *name)
{
    ts_handle_t handle = ts_named_handle(name);
    CHECK(handle >= FAKE_GIVEN && handle < FAKE_GIVEN + fake_child.given_count);
    return &fake_child.given[handle - FAKE_GIVEN];
}

static void test_whole(void)
{
    struct file file = program();
    ts_handle_t process;
    uint64_t bias;
    reset(&file);
    struct ts_spawn spawn = spawn_of();
    spawn.out_bias = &bias;
    spawn.give_job = true;
    unsigned before = fake_open_handles();
    CHECK_EQUAL(ts_spawn(&spawn, &process), TS_OK);
    // Of all that was made here, the process' handle alone is left, and "out" is gone.
    CHECK(fake_open_handles() == before && fake_handles[process].kind == TS_KIND_PROCESS);
    CHECK(fake_handles[own.out].kind == 0 && fake_handles[own.in].kind != 0);
    CHECK_EQUAL(fake_mapped, 0);
    CHECK(fake_child.job == own.job && strcmp(fake_child.name, "child") == 0);

    CHECK(bias % TS_PAGE_SIZE == 0 && bias >= TS_USER_BASE && bias < TS_USER_END);
    check_segment(&file.programs[1], bias, true, TS_MAP_READ);
    check_segment(&file.programs[2], bias, true, TS_MAP_READ | TS_MAP_EXECUTE);
    check_segment(&file.programs[3], bias, false, TS_MAP_READ | TS_MAP_WRITE);
    CHECK(fake_child.started && fake_child.entry == bias + 0x1010);
    CHECK_EQUAL(fake_child.priority, TS_PRIORITY_NORMAL);

    struct ts_bootstrap *block = check_stack(0x20000); // as the program wishes
    CHECK(block->image_base == bias && block->program_headers == bias + 0x40);
    CHECK_EQUAL(block->program_header_count, PROGRAMS);
    CHECK_EQUAL(ts_bootstrap_init(block), TS_OK); // the child's view
    CHECK(block->clock == (uintptr_t)fake_handles[own.clock].memory);
    CHECK_EQUAL(fake_child_at(block->clock)->flags, TS_MAP_READ);
    CHECK(ts_argument_count() == 2 && strcmp(ts_argument(1), "-x") == 0);
    CHECK(strcmp(ts_environment_get("HOME"), "/") == 0);
    CHECK_EQUAL(fake_child.given_count, 5);
    CHECK_EQUAL(given(TS_NAME_PROCESS)->kind, TS_KIND_PROCESS);
    CHECK_EQUAL(given(TS_NAME_CLOCK)->kind, TS_KIND_MEMORY);
    CHECK(given(TS_NAME_JOB)->kind == TS_KIND_JOB);
    CHECK_EQUAL(given(TS_NAME_JOB)->rights, TS_RIGHTS_ALL & ~TS_RIGHT_MANAGE);
    CHECK_EQUAL(given("in")->rights, TS_RIGHT_READ | TS_RIGHT_TRANSFER);
    CHECK_EQUAL(given("out")->rights, TS_RIGHTS_ALL);
    CHECK(memcmp(block->random, own_block->random, sizeof(block->random)) != 0);
}

// What is not asked for: no job, no clock when the caller has none, no list, its name as argument.
static void test_least(void)
{
    struct file file = program();
    ts_handle_t process;
    file.programs[5].memory_size = 0; // no wish for the stack
    reset(&file);
    make_own_block(false);
    struct ts_spawn spawn = {.name = "least", .image = own.image};
    CHECK_EQUAL(ts_spawn(&spawn, &process), TS_OK);
    struct ts_bootstrap *block = check_stack(TS_SPAWN_STACK_SIZE);
    CHECK_EQUAL(ts_bootstrap_init(block), TS_OK);
    CHECK(fake_child.given_count == 1 && block->handle_count == 1 && block->clock == 0);
    CHECK(ts_argument_count() == 1 && strcmp(ts_argument(0), "least") == 0);
    CHECK(ts_environment(0) == NULL && ts_named_handle(TS_NAME_JOB) == TS_HANDLE_NONE);
}

static void test_wishes(void)
{
    struct file file = program();
    ts_handle_t process;
    reset(&file);
    struct ts_spawn spawn = spawn_of();
    spawn.stack_size = 70000;
    spawn.priority = TS_PRIORITY_DRIVER;
    spawn.job = make(TS_KIND_JOB, 0);
    spawn.give_job = true;
    fake_handles[spawn.job].rights &= ~TS_RIGHT_CALL; // to be told from the own one
    CHECK_EQUAL(ts_spawn(&spawn, &process), TS_OK);
    (void)check_stack(TS_PAGE_ROUND(70000));
    CHECK(fake_child.job == spawn.job && fake_child.priority == TS_PRIORITY_DRIVER);
    CHECK_EQUAL(ts_bootstrap_init((void *)(uintptr_t)fake_child.argument), TS_OK);
    CHECK_EQUAL(given(TS_NAME_JOB)->rights, TS_RIGHTS_ALL & ~(TS_RIGHT_MANAGE | TS_RIGHT_CALL));
    // Two children are not at one place, nor have one canary or seed.
    struct ts_bootstrap first = *(struct ts_bootstrap *)(uintptr_t)fake_child.argument;
    reset(&file);
    spawn = spawn_of();
    CHECK_EQUAL(ts_spawn(&spawn, &process), TS_OK);
    struct ts_bootstrap *second = (void *)(uintptr_t)fake_child.argument;
    CHECK(first.image_base != second->image_base);
    CHECK(first.control.canary != second->control.canary);
    CHECK(memcmp(first.random, second->random, sizeof(first.random)) != 0);
}

// Memory that is all zeros is not written to; read-only memory with zeros behind is not the file's.
static void test_zeros(void)
{
    struct file file = program();
    ts_handle_t process;
    uint64_t bias;
    file.programs[3].file_size = 0;
    file.programs[4].type = 0; // its RELRO goes with the bytes
    reset(&file);
    struct ts_spawn spawn = spawn_of();
    spawn.out_bias = &bias;
    CHECK_EQUAL(ts_spawn(&spawn, &process), TS_OK);
    CHECK_EQUAL(fake_writes, 0);
    check_segment(&file.programs[3], bias, false, TS_MAP_READ | TS_MAP_WRITE);

    file = program();
    file.programs[1].memory_size = 0x900;
    reset(&file);
    spawn = spawn_of();
    spawn.out_bias = &bias;
    CHECK_EQUAL(ts_spawn(&spawn, &process), TS_OK);
    CHECK_EQUAL(fake_writes, 2);
    check_segment(&file.programs[1], bias, false, TS_MAP_READ);
}

// ---- what is refused

static void check_nothing_left(unsigned before)
{
    CHECK_EQUAL(fake_open_handles(), before - 1); // "out" is given up in any case
    CHECK_EQUAL(fake_handles[own.out].kind, 0);
    CHECK(fake_mapped == 0 && !fake_child.started && fake_child.killed == fake_child.made);
}

#define REFUSED(change, expected)                          \
    do {                                                   \
        struct file file = program();                      \
        ts_handle_t process = TS_HANDLE_NONE;              \
        reset(&file);                                      \
        struct ts_spawn spawn = spawn_of();                \
        unsigned before = fake_open_handles();             \
        change;                                            \
        CHECK_EQUAL(ts_spawn(&spawn, &process), expected); \
        CHECK_EQUAL(process, TS_HANDLE_NONE);              \
        check_nothing_left(before);                        \
    } while (0)

static void test_refused(void)
{
    static char long_argument[TS_SPAWN_ARGUMENTS_MAX];
    static const char *const too_long[] = {long_argument, NULL};
    static struct ts_spawn_handle many[TS_SPAWN_HANDLES_MAX + 1];
    memset(long_argument, 'a', sizeof(long_argument) - 1);
    REFUSED(fake_handles[own.image].memory[1] = 'X', TS_ERR_EXECUTABLE);
    REFUSED(fake_handles[own.image].size = 0, TS_ERR_EXECUTABLE);
    REFUSED(spawn.image_size = 100, TS_ERR_EXECUTABLE);
    REFUSED(spawn.image_size = TS_ELF_IMAGE_MAX + 1, TS_ERR_EXECUTABLE);
    REFUSED(spawn.image_size = TS_ELF_IMAGE_MAX, TS_ERR_RANGE); // the memory is smaller
    REFUSED(spawn.arguments = too_long, TS_ERR_TOO_LARGE);
    REFUSED(listed[0].rights = TS_RIGHT_READ, TS_ERR_RIGHTS); // "in" cannot be sent
    for (unsigned i = 0; i <= TS_SPAWN_HANDLES_MAX; i++) {
        many[i] = (struct ts_spawn_handle){.name = "h"};
    }
    REFUSED(
        (many[0] = listed[1], spawn.handles = many, spawn.handle_count = TS_SPAWN_HANDLES_MAX + 1),
        TS_ERR_LIMIT);
}

static void test_many_handles(void)
{
    static struct ts_spawn_handle many[TS_SPAWN_HANDLES_MAX];
    struct file file = program();
    ts_handle_t process;
    reset(&file);
    for (unsigned i = 0; i < TS_SPAWN_HANDLES_MAX; i++) {
        many[i] = (struct ts_spawn_handle){"h", own.in, TS_RIGHTS_SAME, false};
    }
    struct ts_spawn spawn = spawn_of();
    spawn.handles = many;
    spawn.handle_count = TS_SPAWN_HANDLES_MAX;
    CHECK_EQUAL(ts_spawn(&spawn, &process), TS_OK);
    CHECK_EQUAL(fake_child.given_count, TS_SPAWN_HANDLES_MAX + 2);
}

// Each call in turn fails: the error is told, and nothing is left.
static void test_each_call_fails(void)
{
    struct file file = program();
    unsigned n = 1;
    for (;; n++) {
        ts_handle_t process = TS_HANDLE_NONE;
        reset(&file);
        struct ts_spawn spawn = spawn_of();
        unsigned before = fake_open_handles();
        fake_fails_at = n;
        ts_status_t status = ts_spawn(&spawn, &process);
        if (fake_fails_at > 0) {
            break; // it makes fewer calls
        }
        CHECK_EQUAL(status, TS_ERR_MEMORY);
        CHECK_EQUAL(process, TS_HANDLE_NONE);
        check_nothing_left(before);
    }
    CHECK(n > 20);
}

// ---- programs in files

static ts_status_t open_status;
static ts_handle_t given_memory;

static struct ts_result served(unsigned op, unsigned rights, ts_handle_t handle, uint64_t address,
                               uint64_t length, uint64_t offset, uint64_t arg)
{
    (void)offset;
    if (op == TS_OP_OPEN) {
        CHECK(handle == ROOT && length == 8 &&
              memcmp((void *)(uintptr_t)address, "bin/prog", 8) == 0);
        CHECK_EQUAL(rights, TS_RIGHT_READ | TS_RIGHT_EXECUTE | TS_RIGHT_MAP);
        return (struct ts_result){open_status, PROGRAM_FILE};
    }
    CHECK_EQUAL(handle, PROGRAM_FILE);
    if (op == TS_OP_GET) {
        uint64_t value = arg == TS_PROPERTY_KIND ? TS_KIND_SERVED : sizeof(struct file);
        memcpy((void *)(uintptr_t)address, &value, sizeof(value));
        return (struct ts_result){TS_OK, sizeof(value)};
    }
    CHECK(op == TS_OP_MAP && arg == TS_PAGE_ROUND(sizeof(struct file)));
    struct fake_handle memory = fake_handles[own.image];
    struct ts_result result = fake_add(memory);
    given_memory = (ts_handle_t)result.value;
    return result;
}

static void test_path(void)
{
    struct file file = program();
    ts_handle_t process = TS_HANDLE_NONE;
    reset(&file);
    fake_served = served;
    open_status = TS_OK;
    struct ts_spawn spawn = spawn_of();
    spawn.image = 4711; // ignored, and its size
    spawn.image_size = 1;
    unsigned before = fake_open_handles();
    CHECK_EQUAL(ts_spawn_path(&spawn, ROOT, "bin/prog", &process), TS_OK);
    CHECK(fake_child.started && fake_handles[given_memory].kind == 0);
    CHECK_EQUAL(fake_open_handles(), before);
    CHECK_EQUAL(fake_mapped, 0);

    reset(&file);
    fake_served = served;
    open_status = TS_ERR_NOT_FOUND;
    spawn = spawn_of();
    before = fake_open_handles();
    CHECK_EQUAL(ts_spawn_path(&spawn, ROOT, "bin/prog", &process), TS_ERR_NOT_FOUND);
    check_nothing_left(before);
}

int main(void)
{
    test_whole();
    test_least();
    test_wishes();
    test_zeros();
    test_refused();
    test_many_handles();
    test_each_call_fails();
    test_path();
    free(own_block);
    fake_reset();
    return 0;
}
