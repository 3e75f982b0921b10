// SPDX-License-Identifier: MIT
// The system call create: a1 = kind | flags << 8 | handle << 32, further arguments by kind as
// <tessera/abi/syscall.h> says; value = the handle, with all rights that its kind has.
#include <syscall/syscall.h>

#include <arch/user.h>
#include <core/handle_table.h>
#include <object/event.h>
#include <object/job.h>
#include <object/memory.h>
#include <object/port.h>
#include <object/process.h>
#include <object/ring.h>
#include <syscall/install.h>

struct creation {
    struct process *process; // that asks
    uint64_t flags;          // 24 bits
    ts_handle_t handle;
    uint64_t a, b, c;
};

// What the creation's handle names and holds, with a reference.
static ts_status_t get_handle(const struct creation *creation, ts_rights_t rights,
                              const struct object_class *class, struct handle *out_held)
{
    ts_status_t status =
        handle_get(&creation->process->handles, creation->handle, rights, out_held);
    if (status != TS_OK) {
        return status;
    }
    if (out_held->object->class != class) {
        object_put(out_held->object);
        return TS_ERR_KIND;
    }
    return TS_OK;
}

// The object alone.
static ts_status_t get_object(const struct creation *creation, ts_rights_t rights,
                              const struct object_class *class, struct object **out_object)
{
    struct handle held;
    ts_status_t status = get_handle(creation, rights, class, &held);
    if (status == TS_OK) {
        *out_object = held.object;
    }
    return status;
}

static ts_status_t create_process(const struct creation *creation, struct object **out_object)
{
    char name[TS_NAME_MAX];
    struct object *job;
    struct process *process;
    if (creation->b > sizeof(name)) {
        return TS_ERR_NAME_TOO_LONG;
    }
    ts_status_t status = copy_from_user(name, creation->a, creation->b);
    if (status == TS_OK) {
        status = get_object(creation, TS_RIGHT_WRITE, &job_class, &job);
    }
    if (status != TS_OK) {
        return status;
    }
    status = process_create(job_of(job), name, creation->b, &process);
    object_put(job);
    if (status == TS_OK) {
        *out_object = &process->object;
    }
    return status;
}

static ts_status_t create_job(const struct creation *creation, struct object **out_object)
{
    const struct ts_job_limits limits = {creation->a, creation->b, creation->c};
    struct handle parent;
    struct job *job;
    ts_status_t status = get_handle(creation, TS_RIGHT_WRITE, &job_class, &parent);
    if (status != TS_OK) {
        return status;
    }
    status = job_create(creation->process->account, job_of(parent.object), &limits,
                        (parent.rights & TS_RIGHT_MANAGE) != 0, &job);
    object_put(parent.object);
    if (status == TS_OK) {
        *out_object = &job->object;
    }
    return status;
}

// At the expense of the process that asks, or of one that it manages: a loader makes
// the program's memory.
static ts_status_t create_memory(const struct creation *creation, struct object **out_object)
{
    struct process *payer = creation->process;
    struct object *named = NULL;
    struct memory *memory;
    ts_status_t status = TS_OK;
    if (creation->handle != TS_HANDLE_NONE) {
        status = get_object(creation, TS_RIGHT_MANAGE, &process_class, &named);
        if (status != TS_OK) {
            return status;
        }
        payer = process_of(named);
    }
    status = process_use(payer);
    if (status == TS_OK) {
        status = memory_create(payer->account, creation->a, (unsigned)creation->flags, &memory);
        process_unuse(payer);
    }
    if (named != NULL) {
        object_put(named);
    }
    if (status == TS_OK) {
        *out_object = &memory->object;
    }
    return status;
}

static ts_status_t create_ring(const struct creation *creation, struct object **out_object)
{
    struct ring *ring;
    ts_status_t status =
        ring_create(creation->process, creation->a, creation->b, creation->c, &ring);
    if (status == TS_OK) {
        *out_object = &ring->object;
    }
    return status;
}

static ts_status_t create_port(const struct creation *creation, struct object **out_object)
{
    struct object *inbox = NULL;
    struct port *port;
    ts_status_t status = TS_OK;
    if (creation->handle != TS_HANDLE_NONE) {
        status = get_object(creation, TS_RIGHT_READ | TS_RIGHT_WRITE, &memory_class, &inbox);
    }
    if (status != TS_OK) {
        return status;
    }
    status = port_create(creation->process, creation->a, creation->b,
                         inbox == NULL ? NULL : memory_of(inbox), creation->c, &port);
    if (inbox != NULL) {
        object_put(inbox);
    }
    if (status == TS_OK) {
        *out_object = &port->object;
    }
    return status;
}

static ts_status_t create(const struct creation *creation, uint8_t kind, struct object **out_object)
{
    bool takes_handle = kind == TS_KIND_PROCESS || kind == TS_KIND_JOB || kind == TS_KIND_PORT ||
                        kind == TS_KIND_MEMORY;
    if ((creation->flags != 0 && kind != TS_KIND_MEMORY) ||
        (creation->handle != TS_HANDLE_NONE && !takes_handle)) {
        return TS_ERR_ARGUMENT;
    }
    switch (kind) {
    case TS_KIND_PROCESS: return create_process(creation, out_object);
    case TS_KIND_JOB: return create_job(creation, out_object);
    case TS_KIND_MEMORY: return create_memory(creation, out_object);
    case TS_KIND_RING: return create_ring(creation, out_object);
    case TS_KIND_PORT: return create_port(creation, out_object);
    case TS_KIND_EVENT: return event_create(creation->process->account, creation->a, out_object);
    default: return TS_ERR_KIND;
    }
}

void syscall_create(struct arch_frame *frame)
{
    uint64_t word = arch_frame_argument(frame, 0);
    struct creation creation = {
        .process = process_current(),
        .flags = ts_create_word_flags(word),
        .handle = ts_create_word_handle(word),
        .a = arch_frame_argument(frame, 1),
        .b = arch_frame_argument(frame, 2),
        .c = arch_frame_argument(frame, 3),
    };
    struct object *object;
    ts_handle_t handle;
    ts_status_t status = create(&creation, ts_create_word_kind(word), &object);
    if (status != TS_OK) {
        arch_frame_set_result(frame, status, 0);
        return;
    }
    status = handle_install_new(&creation.process->handles, object, &handle);
    arch_frame_set_result(frame, status, status == TS_OK ? handle : 0);
}
