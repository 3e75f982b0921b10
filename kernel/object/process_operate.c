// SPDX-License-Identifier: MIT
// Operations on processes: give, kill, read and write memory, report, statistics.
#include <object/process_operate.h>

#include <allocation.h>
#include <arch/clock.h>
#include <arch/user.h>
#include <mm/address_space.h>
#include <mm/page.h>
#include <object/process.h>
#include <object/transfer.h>
#include <sched/sched.h>
#include <string.h>

// Moves a handle of the caller into the process.
static ts_status_t process_give(struct process *process, struct operation *operation)
{
    struct ts_call call;
    if (operation->length != sizeof(call)) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = copy_from_user(&call, operation->address, sizeof(call));
    if (status != TS_OK) {
        return status;
    }
    if (call.in_handles != 1 || call.reserved != 0) {
        return TS_ERR_ARGUMENT;
    }
    struct handle_table *from = &process_current()->handles;
    struct handle held;
    status = handle_transit(from, call.in_handle[0], &held);
    if (status != TS_OK) {
        return status;
    }
    ts_handle_t there = TS_HANDLE_NONE;
    status = process_use(process);
    if (status == TS_OK) {
        status = handle_install(&process->handles, held, &there);
        process_unuse(process);
    }
    if (status != TS_OK) {
        handle_transit_return(from, call.in_handle[0], held);
        return status;
    }
    handle_transit_commit(from, call.in_handle[0]);
    operation->value = there;
    return TS_OK;
}

// Moves bytes between the process and the caller, page by page. *inout_done: bytes moved.
static ts_status_t process_copy(struct address_space *space, uint64_t address, uint64_t length,
                                struct transfer *transfer, bool write)
{
    while (length > 0) {
        struct page *page;
        void *pointer;
        uint64_t chunk = TS_PAGE_SIZE - (address & (TS_PAGE_SIZE - 1));
        chunk = chunk < length ? chunk : length;
        ts_status_t status = space_page_get(space, address, write, &page, &pointer);
        if (status != TS_OK) {
            return TS_ERR_RANGE; // the other's memory: not the caller's fault
        }
        status = write ? transfer_from_user(transfer, pointer, chunk)
                       : transfer_to_user(transfer, pointer, chunk);
        page_put(page);
        if (status != TS_OK) {
            return status;
        }
        address += chunk;
        length -= chunk;
    }
    return TS_OK;
}

static ts_status_t process_memory(struct process *process, struct operation *operation,
                                  const struct ts_call *call)
{
    bool write = call->method == TS_PROCESS_WRITE;
    struct ts_process_memory range;
    if (call->in_length < sizeof(range)) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = copy_from_user(&range, call->in_address, sizeof(range));
    if (status != TS_OK) {
        return status;
    }
    uint64_t room = write ? call->in_length - sizeof(range) : call->out_length;
    uint64_t from = write ? call->in_address + sizeof(range) : call->out_address;
    if (range.length > room) {
        return TS_ERR_ARGUMENT;
    }
    if (!arch_user_range_ok(range.address, range.length)) {
        return TS_ERR_RANGE;
    }
    struct transfer transfer;
    status = transfer_init_range(&transfer, from, range.length);
    if (status == TS_OK) {
        status = process_use(process);
    }
    if (status != TS_OK) {
        return status;
    }
    status = process_copy(process->space, range.address, range.length, &transfer, write);
    process_unuse(process);
    operation->value = transfer.done;
    return status;
}

static ts_status_t process_call(struct process *process, struct operation *operation)
{
    struct ts_call call;
    if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
        return TS_ERR_RIGHTS;
    }
    if (operation->arg == TS_PROCESS_GIVE) {
        return process_give(process, operation);
    }
    ts_status_t status = operation_call(operation, &call);
    if (status != TS_OK) {
        return status;
    }
    switch (call.method) {
    case TS_PROCESS_KILL: process_kill(process); return TS_OK;
    case TS_PROCESS_READ:
    case TS_PROCESS_WRITE: return process_memory(process, operation, &call);
    default: return TS_ERR_UNSUPPORTED;
    }
}

static ts_status_t get_report(struct process *process, struct operation *operation)
{
    struct ts_process_report report = {.reason = TS_EXIT_NONE};
    irqflags_t flags = spin_lock(&process->lock);
    if (process->state == PROCESS_ENDED) {
        report = process->report;
    }
    spin_unlock(&process->lock, flags);
    return operation_get(operation, &report, sizeof(report));
}

static void add_cpu_ns(struct thread *thread, void *inout_ns)
{
    *(uint64_t *)inout_ns += thread_cpu_ns(thread);
}

// What is known without the account, which an ended process no longer has.
static void statistics_fill_process(struct process *process,
                                    struct ts_process_statistics *statistics)
{
    uint64_t cpu_ns = atomic_load_explicit(&process->past_cpu_ns, memory_order_relaxed);
    process_threads_each(process, add_cpu_ns, &cpu_ns);
    irqflags_t flags = spin_lock(&process->lock);
    *statistics = (struct ts_process_statistics){
        .id = process->member.id,
        .handles = process->handles.used,
        .threads = process->thread_count,
        .cpu_ns = cpu_ns,
        .started_ns = (uint64_t)process->started_at,
        .requests_issued = atomic_load_explicit(&process->requests_issued, memory_order_relaxed),
        .requests_served = atomic_load_explicit(&process->requests_served, memory_order_relaxed),
        .state = process->state == PROCESS_ENDED ? process->report.reason : TS_EXIT_NONE,
    };
    size_t length = strlen(process->name);
    memcpy(statistics->name, process->name, length < TS_NAME_MAX ? length : TS_NAME_MAX);
    spin_unlock(&process->lock, flags);
}

static ts_status_t get_statistics(struct process *process, struct operation *operation)
{
    struct ts_process_statistics statistics;
    statistics_fill_process(process, &statistics);
    if (process_use(process) == TS_OK) {
        statistics.pages = account_used(process->account);
        process_unuse(process);
    }
    return operation_get(operation, &statistics, sizeof(statistics));
}

// The calling thread's own thread pointer, for a process that sets itself up: its first thread has
// no handle to itself.
static ts_status_t set_thread_pointer(struct process *process, const struct operation *operation)
{
    uint64_t value;
    if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
        return TS_ERR_RIGHTS;
    }
    if (process != process_current()) {
        return TS_ERR_BUSY;
    }
    ts_status_t status = operation_set(operation, &value, sizeof(value));
    return status != TS_OK ? status : arch_thread_set_pointer(&thread_current()->machine, value);
}

// allocation.h: which of the process's allocations fails.
static ts_status_t set_failure(struct process *process, const struct operation *operation)
{
    uint64_t n;
    if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
        return TS_ERR_RIGHTS;
    }
    ts_status_t status = operation_set(operation, &n, sizeof(n));
    return status == TS_OK ? allocation_fail(process->member.id, n) : status;
}

static ts_status_t get_failure(struct process *process, struct operation *operation)
{
    uint64_t left;
    ts_status_t status = allocation_left(process->member.id, &left);
    return status == TS_OK ? operation_get_u64(operation, left) : status;
}

static ts_status_t process_set(struct process *process, const struct operation *operation)
{
    switch (operation->arg) {
    case TS_PROPERTY_THREAD_POINTER: return set_thread_pointer(process, operation);
    case TS_PROPERTY_ALLOCATION_FAILURE: return set_failure(process, operation);
    default: return TS_ERR_UNSUPPORTED;
    }
}

ts_status_t process_operate(struct object *object, struct operation *operation)
{
    struct process *process = process_of(object);
    switch (operation->op) {
    case TS_OP_CALL: return process_call(process, operation);
    case TS_OP_GET:
        if (operation->arg == TS_PROPERTY_PROCESS_REPORT) {
            return get_report(process, operation);
        }
        if (operation->arg == TS_PROPERTY_PROCESS_STATISTICS) {
            return get_statistics(process, operation);
        }
        if (operation->arg == TS_PROPERTY_NAME) {
            return operation_get(operation, process->name, strlen(process->name));
        }
        if (operation->arg == TS_PROPERTY_ALLOCATION_FAILURE) {
            return get_failure(process, operation);
        }
        return TS_ERR_UNSUPPORTED;
    case TS_OP_SET: return process_set(process, operation);
    default: return TS_ERR_UNSUPPORTED;
    }
}
