// SPDX-License-Identifier: MIT
// The system calls map, unmap and protect, in the caller's process or one that it manages.
//   a1 = process or 0 (map: | memory << 32), a2 = address, a3 = length, a4 and a5 by call.
#include <syscall/syscall.h>

#include <core/handle_table.h>
#include <mm/address_space.h>
#include <object/memory.h>
#include <object/process.h>
#include <object/ring.h>

// The process meant, used until process_unuse().
static ts_status_t target_get(uint64_t handle, struct process **out_process)
{
    struct process *process = process_current();
    struct handle held = {0};
    if (handle > UINT32_MAX) {
        return TS_ERR_ARGUMENT;
    }
    if (handle != TS_HANDLE_NONE) {
        ts_status_t status =
            handle_get(&process->handles, (ts_handle_t)handle, TS_RIGHT_MANAGE, &held);
        if (status != TS_OK) {
            return status;
        }
        if (held.object->class != &process_class) {
            object_put(held.object);
            return TS_ERR_KIND;
        }
        process = process_of(held.object);
    }
    ts_status_t status = process_use(process);
    if (held.object != NULL) {
        object_put(held.object);
    }
    *out_process = process;
    return status;
}

// What is mapped for another process is that one's, whatever becomes of the caller. Registers of a
// device go there by a handle alone that may be passed on: else a driver's heir would have those
// that the next driver uses.
static bool may_pass_on(struct memory *memory, ts_rights_t rights)
{
    uint64_t offset = 0;
    return memory_resolve(memory, &offset)->type != MEMORY_PHYSICAL ||
           (rights & TS_RIGHT_TRANSFER) != 0;
}

// What a handle lets one map: a memory object, or a ring (the memory that it shares), read-write
// and at a place of its own.
static ts_status_t memory_get(ts_handle_t handle, bool for_other, struct memory **out_memory,
                              unsigned *out_allowed, uint64_t *inout_flags)
{
    struct handle held;
    ts_status_t status = handle_get(&process_current()->handles, handle, TS_RIGHT_MAP, &held);
    if (status != TS_OK) {
        return status;
    }
    if (held.object->class == &memory_class) {
        *out_memory = memory_of(held.object);
        *out_allowed = space_allowed(held.rights);
        if (!for_other || may_pass_on(*out_memory, held.rights)) {
            return TS_OK;
        }
        object_put(held.object);
        return TS_ERR_RIGHTS;
    }
    status = TS_ERR_KIND;
    if (held.object->class == &ring_class) {
        *out_memory = ring_of(held.object)->mapping.memory;
        *out_allowed = TS_MAP_READ | TS_MAP_WRITE;
        *inout_flags |= SPACE_MAP_RING;
        object_get(&(*out_memory)->object);
        status = TS_OK;
    }
    object_put(held.object);
    return status;
}

void syscall_map(struct arch_frame *frame)
{
    uint64_t word = arch_frame_argument(frame, 0);
    vaddr_t address = arch_frame_argument(frame, 1);
    uint64_t flags = arch_frame_argument(frame, 4);
    struct memory *memory;
    struct process *process;
    unsigned allowed;
    ts_status_t status = flags >= SPACE_MAP_RING ? TS_ERR_ARGUMENT : TS_OK;
    if (status == TS_OK) {
        status = memory_get(ts_pair_high(word), ts_pair_low(word) != TS_HANDLE_NONE, &memory,
                            &allowed, &flags);
    }
    if (status != TS_OK) {
        arch_frame_set_result(frame, status, 0);
        return;
    }
    status = target_get(ts_pair_low(word), &process);
    if (status == TS_OK) {
        status = space_map(process->space, memory, arch_frame_argument(frame, 3),
                           arch_frame_argument(frame, 2), (unsigned)flags, allowed, &address);
        process_unuse(process);
    }
    object_put(&memory->object);
    arch_frame_set_result(frame, status, status == TS_OK ? address : 0);
}

void syscall_unmap(struct arch_frame *frame)
{
    struct process *process;
    ts_status_t status = target_get(arch_frame_argument(frame, 0), &process);
    if (status == TS_OK) {
        status = space_unmap(process->space, arch_frame_argument(frame, 1),
                             arch_frame_argument(frame, 2));
        process_unuse(process);
    }
    arch_frame_set_result(frame, status, 0);
}

void syscall_protect(struct arch_frame *frame)
{
    struct process *process;
    uint64_t protection = arch_frame_argument(frame, 3);
    ts_status_t status = protection > UINT32_MAX ? TS_ERR_ARGUMENT : TS_OK;
    if (status == TS_OK) {
        status = target_get(arch_frame_argument(frame, 0), &process);
    }
    if (status == TS_OK) {
        status = space_protect(process->space, arch_frame_argument(frame, 1),
                               arch_frame_argument(frame, 2), (unsigned)protection);
        process_unuse(process);
    }
    arch_frame_set_result(frame, status, 0);
}
