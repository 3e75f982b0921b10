// SPDX-License-Identifier: MIT
#include "fake_kernel.h"
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/thread.h>
#include "tests/host/check.h"

struct fake_child fake_child;
unsigned fake_mapped, fake_writes, fake_maps;
uint64_t fake_guard, fake_guard_length;
ts_status_t (*fake_thread)(uint64_t, uint64_t, uint64_t, uint64_t);

void fake_process_reset(void)
{
    fake_child = (struct fake_child){0};
    fake_mapped = fake_writes = fake_maps = 0;
    fake_guard = fake_guard_length = 0;
    fake_thread = NULL;
}

struct ts_result fake_process_create(ts_handle_t job, const char *name, size_t length)
{
    CHECK(length <= TS_NAME_MAX && !fake_child.made);
    fake_child.made = true;
    fake_child.job = job;
    memcpy(fake_child.name, name, length);
    return fake_make(TS_KIND_PROCESS, 0);
}

const struct fake_mapping *fake_child_at(uint64_t address)
{
    for (unsigned i = 0; i < fake_child.mapping_count; i++) {
        const struct fake_mapping *mapping = &fake_child.mappings[i];
        if (address >= mapping->address && address - mapping->address < mapping->length) {
            return mapping;
        }
    }
    return NULL;
}

// ---- operations

static struct ts_result memory_write(struct fake_handle *handle, uint64_t address, uint64_t length,
                                     uint64_t offset)
{
    CHECK(offset <= handle->size && length <= handle->size - offset);
    memcpy(handle->memory + offset, (const void *)(uintptr_t)address, length);
    fake_writes++;
    return fake_ok(length);
}

static struct ts_result process_call(const struct ts_call *call)
{
    if (call->method == TS_PROCESS_KILL) {
        fake_child.killed = true;
        return fake_ok(0);
    }
    CHECK(call->method == TS_PROCESS_GIVE && call->in_handles == 1);
    struct fake_handle *handle = &fake_handles[call->in_handle[0]];
    if (!handle->kind) {
        return fake_error(TS_ERR_HANDLE);
    }
    if (!(handle->rights & TS_RIGHT_TRANSFER)) {
        return fake_error(TS_ERR_RIGHTS);
    }
    fake_child.given[fake_child.given_count] =
        (struct fake_given){handle->kind, handle->rights, handle->memory};
    handle->kind = 0;
    return fake_ok(FAKE_GIVEN + fake_child.given_count++);
}

static struct ts_result get(const struct fake_handle *handle, unsigned property, uint64_t address)
{
    uint64_t value = property == TS_PROPERTY_KIND ? handle->kind : handle->size;
    CHECK(property == TS_PROPERTY_KIND || property == TS_PROPERTY_SIZE);
    memcpy((void *)(uintptr_t)address, &value, sizeof(value));
    return fake_ok(sizeof(value));
}

struct ts_result fake_object_op(unsigned op, unsigned rights, ts_handle_t handle, uint64_t address,
                                uint64_t length, uint64_t offset, uint64_t arg)
{
    struct fake_handle *object = &fake_handles[handle];
    if (op == TS_OP_DUPLICATE) {
        struct fake_handle copy = *object;
        copy.rights &= rights;
        return fake_add(copy);
    }
    if (op == TS_OP_GET) {
        return get(object, (unsigned)arg, address);
    }
    if (op == TS_OP_WRITE && object->kind == TS_KIND_MEMORY) {
        return memory_write(object, address, length, offset);
    }
    if (op == TS_OP_CALL && object->kind == TS_KIND_PROCESS) {
        return process_call((const void *)(uintptr_t)address);
    }
    return fake_error(TS_ERR_UNSUPPORTED);
}

// ---- address spaces

// Where the child is free to choose the memory lies where it is for the test.
static struct ts_result map_in_child(const struct fake_handle *memory, uint64_t address,
                                     uint64_t length, uint64_t offset, uint64_t flags)
{
    CHECK(fake_child.mapping_count < sizeof(fake_child.mappings) / sizeof(fake_child.mappings[0]));
    unsigned char *bytes = memory->memory + offset;
    if (!(flags & TS_MAP_FIXED)) {
        address = (uintptr_t)bytes;
    }
    CHECK(address % TS_PAGE_SIZE == 0 && fake_child_at(address) == NULL);
    fake_child.mappings[fake_child.mapping_count++] =
        (struct fake_mapping){address, length, offset, bytes, (unsigned)flags};
    return fake_ok(address);
}

struct ts_result ts_sys_map(uint64_t process_memory, uint64_t address, uint64_t length,
                            uint64_t offset, uint64_t flags)
{
    const struct fake_handle *handle = &fake_handles[ts_pair_high(process_memory)];
    if (fake_refuses()) {
        return fake_error(TS_ERR_MEMORY);
    }
    CHECK(handle->kind == TS_KIND_MEMORY || handle->kind == TS_KIND_RING);
    CHECK(length > 0 && length % TS_PAGE_SIZE == 0 && offset % TS_PAGE_SIZE == 0);
    if (offset + length > TS_PAGE_ROUND(handle->size)) {
        return fake_error(TS_ERR_RANGE);
    }
    if ((uint32_t)process_memory) {
        return map_in_child(handle, address, length, offset, flags);
    }
    fake_mapped++;
    fake_maps++;
    return fake_ok((uintptr_t)handle->memory + offset);
}

struct ts_result ts_sys_unmap(uint64_t process, uint64_t address, uint64_t length)
{
    (void)address;
    CHECK(process == 0 && length % TS_PAGE_SIZE == 0);
    fake_mapped--;
    return fake_ok(0);
}

struct ts_result ts_sys_protect(uint64_t process, uint64_t address, uint64_t length, uint64_t flags)
{
    if (fake_refuses()) {
        return fake_error(TS_ERR_MEMORY);
    }
    if (process) {
        fake_child.guard =
            (struct fake_mapping){.address = address, .length = length, .flags = (unsigned)flags};
    } else {
        fake_guard = address;
        fake_guard_length = length;
    }
    return fake_ok(0);
}

// ---- threads

uint64_t ts_thread_control_init(struct ts_thread_control *control)
{
    control->canary = UINT64_C(0x1234567800);
    return control->self = (uintptr_t)control;
}

struct ts_result ts_sys_thread_start(uint64_t process, uint64_t entry, uint64_t stack_top,
                                     uint64_t argument, uint64_t thread_pointer,
                                     uint64_t priority_flags)
{
    if (fake_refuses()) {
        return fake_error(TS_ERR_MEMORY);
    }
    if (!process) {
        ts_status_t status = fake_thread != NULL
                                 ? fake_thread(entry, stack_top, argument, thread_pointer)
                                 : TS_ERR_UNSUPPORTED;
        return status != TS_OK ? fake_error(status) : fake_make(TS_KIND_THREAD, 0);
    }
    fake_child.started = true;
    fake_child.entry = entry;
    fake_child.stack_top = stack_top;
    fake_child.argument = argument;
    fake_child.thread_pointer = thread_pointer;
    fake_child.priority = priority_flags;
    return fake_make(TS_KIND_THREAD, 0);
}

_Noreturn void ts_sys_thread_exit(uint64_t clear_address)
{
    (void)clear_address;
    abort();
}

_Noreturn void ts_sys_process_exit(uint64_t status)
{
    (void)status;
    abort();
}

struct ts_result ts_sys_futex_wait(uint64_t address, uint64_t expected, uint64_t deadline)
{
    (void)address, (void)expected;
    fake_deadline = deadline;
    return fake_error(TS_ERR_TIMED_OUT);
}

struct ts_result ts_sys_futex_wake(uint64_t address, uint64_t count)
{
    (void)address, (void)count;
    return fake_ok(0);
}

struct ts_result ts_sys_yield(void)
{
    return fake_ok(0);
}
