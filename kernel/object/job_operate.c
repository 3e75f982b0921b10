// SPDX-License-Identifier: MIT
// What programs ask of jobs: statistics and limits, the processes below, killing them all.
#include <allocation.h>
#include <arch/user.h>
#include <format.h>
#include <object/job_operate.h>
#include <object/statistics.h>
#include <object/transfer.h>

#define ID_DIGITS 20u

static void levels_read(_Atomic uint64_t *values, struct ts_job_limits *out_limits)
{
    out_limits->pages = atomic_load_explicit(&values[JOB_PAGES], memory_order_relaxed);
    out_limits->handles = atomic_load_explicit(&values[JOB_HANDLES], memory_order_relaxed);
    out_limits->threads = atomic_load_explicit(&values[JOB_THREADS], memory_order_relaxed);
}

static ts_status_t get_statistics(struct job *job, struct operation *operation)
{
    struct ts_job_statistics statistics = {.processes = job_process_count(job)};
    levels_read(job->used, &statistics.used);
    levels_read(job->limit, &statistics.limit);
    levels_read(job->peak, &statistics.peak);
    return operation_get(operation, &statistics, sizeof(statistics));
}

static ts_status_t get_limits(struct job *job, struct operation *operation)
{
    struct ts_job_limits limits;
    levels_read(job->limit, &limits);
    return operation_get(operation, &limits, sizeof(limits));
}

static ts_status_t get_system(struct job *job, struct operation *operation)
{
    struct ts_system_statistics statistics;
    if (job->parent != NULL) {
        return TS_ERR_UNSUPPORTED;
    }
    statistics_fill(&statistics);
    return operation_get(operation, &statistics, sizeof(statistics));
}

static ts_status_t get_kernel_objects(struct job *job, struct operation *operation)
{
    uint64_t count;
    ts_status_t status = job->parent != NULL ? TS_ERR_UNSUPPORTED : allocation_live(&count);
    return status == TS_OK ? operation_get_u64(operation, count) : status;
}

static ts_status_t job_get(struct job *job, struct operation *operation)
{
    switch (operation->arg) {
    case TS_PROPERTY_JOB_STATISTICS: return get_statistics(job, operation);
    case TS_PROPERTY_JOB_LIMITS: return get_limits(job, operation);
    case TS_PROPERTY_SYSTEM_STATISTICS: return get_system(job, operation);
    case TS_PROPERTY_KERNEL_OBJECTS: return get_kernel_objects(job, operation);
    default: return TS_ERR_UNSUPPORTED;
    }
}

// A limit below what is used is fine: nothing more is given out then.
static ts_status_t job_set(struct job *job, const struct operation *operation)
{
    struct ts_job_limits limits;
    if (operation->arg != TS_PROPERTY_JOB_LIMITS) {
        return TS_ERR_UNSUPPORTED;
    }
    if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
        return TS_ERR_RIGHTS;
    }
    ts_status_t status = operation_set(operation, &limits, sizeof(limits));
    if (status != TS_OK) {
        return status;
    }
    const uint64_t asked[JOB_RESOURCES] = {limits.pages, limits.handles, limits.threads};
    for (unsigned i = 0; i < JOB_RESOURCES; i++) {
        if (asked[i] != 0) {
            atomic_store_explicit(&job->limit[i], asked[i], memory_order_relaxed);
        }
    }
    return TS_OK;
}

// One process's record into the caller's buffer. TS_ERR_OVERFLOW: no room.
static ts_status_t list_entry_put(struct transfer *transfer, uint64_t id)
{
    _Alignas(8) char record[sizeof(struct ts_entry) + ID_DIGITS + 4] = {0};
    struct ts_entry *entry = (struct ts_entry *)record;
    size_t length = format_text(entry->name, ID_DIGITS + 1, "%lu", (unsigned long)id);
    size_t bytes = (sizeof(*entry) + length + 7) & ~(size_t)7;
    if (bytes > transfer_left(transfer)) {
        return TS_ERR_OVERFLOW;
    }
    entry->next = id;
    entry->identity = id;
    entry->type = TS_ENTRY_OTHER;
    entry->record_length = (uint16_t)bytes;
    entry->name_length = (uint16_t)length;
    return transfer_to_user(transfer, record, bytes);
}

static ts_status_t job_list(struct job *job, struct operation *operation)
{
    struct transfer transfer;
    ts_status_t status = transfer_init(&transfer, operation);
    uint64_t id = operation->offset;
    operation->extra = id;
    while (status == TS_OK && id != UINT64_MAX) {
        struct object *process = job_process_find(job, id + 1, UINT64_MAX, &id);
        if (process == NULL) {
            break;
        }
        object_put(process);
        status = list_entry_put(&transfer, id);
        if (status == TS_OK) {
            operation->extra = id;
        }
    }
    operation->value = transfer.done;
    if (status == TS_ERR_OVERFLOW) {
        status = transfer.done == 0 ? TS_ERR_ARGUMENT : TS_OK;
    }
    return status;
}

// A decimal number without sign or leading zero.
static bool id_parse(const char *text, size_t length, uint64_t *out_id)
{
    uint64_t id = 0;
    if (length == 0 || text[0] == '0') {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)text[i] - '0';
        if (digit > 9 || id > (UINT64_MAX - digit) / 10) {
            return false;
        }
        id = id * 10 + digit;
    }
    *out_id = id;
    return true;
}

// open(id): a handle to a process below.
static ts_status_t job_open(struct job *job, struct operation *operation)
{
    char text[ID_DIGITS];
    uint64_t id;
    if ((operation->arg & (TS_OPEN_CREATE | TS_OPEN_TRUNCATE)) != 0) {
        return TS_ERR_UNSUPPORTED;
    }
    if (operation->length > sizeof(text)) {
        return TS_ERR_NOT_FOUND;
    }
    ts_status_t status = copy_from_user(text, operation->address, operation->length);
    if (status != TS_OK) {
        return status;
    }
    struct object *process =
        id_parse(text, operation->length, &id) ? job_process_find(job, id, id, &id) : NULL;
    if (process == NULL) {
        return TS_ERR_NOT_FOUND;
    }
    operation->result = object_handle_get(process, operation->rights & operation->handle_rights &
                                                       process->class->rights);
    object_put(process);
    return TS_OK;
}

static ts_status_t job_call(struct job *job, const struct operation *operation)
{
    struct ts_call call;
    ts_status_t status = operation_call(operation, &call);
    if (status != TS_OK) {
        return status;
    }
    if (call.method != TS_JOB_KILL) {
        return TS_ERR_UNSUPPORTED;
    }
    if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
        return TS_ERR_RIGHTS;
    }
    job_kill(job);
    return TS_OK;
}

ts_status_t job_operate(struct object *object, struct operation *operation)
{
    struct job *job = job_of(object);
    switch (operation->op) {
    case TS_OP_GET: return job_get(job, operation);
    case TS_OP_SET: return job_set(job, operation);
    case TS_OP_LIST: return job_list(job, operation);
    case TS_OP_OPEN: return job_open(job, operation);
    case TS_OP_CALL: return job_call(job, operation);
    default: return TS_ERR_UNSUPPORTED;
    }
}
