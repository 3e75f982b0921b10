// SPDX-License-Identifier: MIT
// Jobs: the tree, its limits, and what programs ask of it. See job.h; job_member.c has what is in
// it.
#include <object/job.h>

#include <allocation.h>
#include <arch/user.h>
#include <tessera/format/text.h>
#include <mm/page.h>
#include <object/body.h>
#include <object/system_statistics.h>
#include <object/transfer.h>
#include <panic.h>
#include <sched/sched.h>

#define ID_DIGITS   20u
#define CLIENT_LAST (UINT32_MAX - 1) // the next one is PORT_NONE
#define HANDLES_MAX (UINT64_C(1) << 22)
#define THREADS_MAX UINT64_C(65536)

struct job *job_root;

static atomic_uint last_client;

static struct job *job_make(struct account *account, struct job *parent,
                            const uint64_t limits[QUOTA_RESOURCES], ts_status_t *out_status)
{
    struct job *job = body_create(account, sizeof(*job), &job_class, out_status);
    if (job == NULL) {
        return NULL;
    }
    job->parent = parent;
    quota_init(&job->quota, parent != NULL ? &parent->quota : NULL, limits);
    if (parent != NULL) {
        object_get(&parent->object);
    }
    return job;
}

// A number that no job had before; when they are used up a job is its parent's client.
static void client_choose(struct job *job, bool own)
{
    const struct job *parent = job->parent;
    unsigned last = atomic_load_explicit(&last_client, memory_order_relaxed);
    job->client = parent->client;
    job->shared = true;
    if (!own || parent->shared) {
        return;
    }
    do {
        if (last == CLIENT_LAST) {
            return;
        }
    } while (!atomic_compare_exchange_weak_explicit(&last_client, &last, last + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    job->client = last + 1;
    job->shared = false;
}

void job_init(void)
{
    struct page_statistics pages;
    page_statistics_get(&pages);
    const uint64_t limits[QUOTA_RESOURCES] = {
        [QUOTA_PAGES] = pages.total, [QUOTA_HANDLES] = HANDLES_MAX, [QUOTA_THREADS] = THREADS_MAX};
    ts_status_t status;
    job_root = job_make(NULL, NULL, limits, &status);
    KREQUIRE(job_root != NULL);
}

ts_status_t job_create(struct account *account, struct job *parent,
                       const struct ts_job_limits *limits, bool client, struct job **out_job)
{
    const uint64_t asked[QUOTA_RESOURCES] = {limits->pages, limits->handles, limits->threads};
    uint64_t chosen[QUOTA_RESOURCES];
    if (job_is_killed(parent)) {
        return TS_ERR_GONE;
    }
    if (parent->quota.level == TS_JOB_LEVELS) {
        return TS_ERR_LIMIT;
    }
    for (unsigned i = 0; i < QUOTA_RESOURCES; i++) {
        chosen[i] = asked[i] != 0 ? asked[i] : atomic_load(&parent->quota.limit[i]);
    }
    ts_status_t status;
    struct job *job = job_make(account, parent, chosen, &status);
    if (job == NULL) {
        return status;
    }
    client_choose(job, client);
    *out_job = job;
    return TS_OK;
}

static void job_destroy(struct object *object)
{
    struct job *job = job_of(object);
    KASSERT(job->processes == 0);
    if (job->parent != NULL) {
        object_put(&job->parent->object);
    }
    body_destroy(object, sizeof(*job));
}

void job_kill(struct job *job)
{
    // Before the scan: what is added from now on is refused, what was is found.
    atomic_store_explicit(&job->killed, true, memory_order_release);
    struct job_scan scan;
    const struct job_member *member;
    job_scan_begin(&scan, job, 0, UINT64_MAX);
    while ((member = job_scan_next(&scan)) != NULL) {
        struct object *process = member->object;
        process_kill(process_of_object(process));
        object_put(process);
    }
    job_scan_end(&scan);
}

// ---- Operations

static void levels_read(_Atomic uint64_t *values, struct ts_job_limits *out_limits)
{
    out_limits->pages = atomic_load_explicit(&values[QUOTA_PAGES], memory_order_relaxed);
    out_limits->handles = atomic_load_explicit(&values[QUOTA_HANDLES], memory_order_relaxed);
    out_limits->threads = atomic_load_explicit(&values[QUOTA_THREADS], memory_order_relaxed);
}

static ts_status_t get_statistics(struct job *job, struct operation *operation)
{
    struct ts_job_statistics statistics = {.processes = job_member_count(job)};
    levels_read(job->quota.used, &statistics.used);
    levels_read(job->quota.limit, &statistics.limit);
    levels_read(job->quota.peak, &statistics.peak);
    return operation_get(operation, &statistics, sizeof(statistics));
}

static ts_status_t get_limits(struct job *job, struct operation *operation)
{
    struct ts_job_limits limits;
    levels_read(job->quota.limit, &limits);
    return operation_get(operation, &limits, sizeof(limits));
}

static ts_status_t get_system(struct job *job, struct operation *operation)
{
    struct ts_system_statistics statistics;
    if (job->parent != NULL) {
        return TS_ERR_UNSUPPORTED;
    }
    system_statistics_get(&statistics);
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
    const uint64_t asked[QUOTA_RESOURCES] = {limits.pages, limits.handles, limits.threads};
    for (unsigned i = 0; i < QUOTA_RESOURCES; i++) {
        if (asked[i] != 0) {
            quota_set_limit(&job->quota, (enum quota_resource)i, asked[i]);
        }
    }
    return TS_OK;
}

// One process's record into the caller's buffer. TS_ERR_OVERFLOW: no room.
static ts_status_t list_entry_put(struct transfer *transfer, uint64_t id)
{
    _Alignas(8) char record[sizeof(struct ts_entry) + ID_DIGITS + 4] = {0};
    struct ts_entry *entry = (struct ts_entry *)record;
    size_t length = ts_format(entry->name, ID_DIGITS + 1, "%lu", (unsigned long)id);
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
        struct object *process = job_member_find(job, id + 1, UINT64_MAX, &id);
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
        id_parse(text, operation->length, &id) ? job_member_find(job, id, id, &id) : NULL;
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

static ts_status_t job_operate(struct object *object, struct operation *operation)
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

const struct object_class job_class = {
    .kind = TS_KIND_JOB,
    .name = "job",
    .rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_OPEN | TS_RIGHT_CALL | TS_RIGHT_WAIT |
              TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE,
    .destroy = job_destroy,
    .operate = job_operate,
};
