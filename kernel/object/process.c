// SPDX-License-Identifier: MIT
// Processes: their life from creation to the end, and what their handles can do. See process.h;
// exception.c has how a fault ends them.
#include <object/process.h>

#include <allocation.h>
#include <arch/clock.h>
#include <arch/user.h>
#include <mm/address_space.h>
#include <object/body.h>
#include <object/domain.h>
#include <object/process_memory.h>
#include <object/process_statistics.h>
#include <object/random.h>
#include <object/transfer.h>
#include <panic.h>
#include <sched/sched.h>
#include <stdatomic.h>
#include <string.h>
#include <tessera/abi/signal.h>

#define HANDLES_MAX      (1u << TS_HANDLE_SLOT_BITS)
#define THREADS_PER_HOLD 16u // for each the lock of a run queue may be taken

enum teardown_stage { STAGE_PINS, STAGE_HANDLES, STAGE_USERS, STAGE_SPACE };

struct process *process_of_object(struct object *object)
{
    return process_of(object);
}

static bool teardown_step(struct work *work);

// Copies what can be shown: the name comes from a program and goes to logs.
static void name_copy(char *to, const char *from, size_t length)
{
    size_t i = 0;
    for (; i < length && i < TS_NAME_MAX && from[i] != '\0'; i++) {
        to[i] = from[i] >= ' ' && from[i] < 0x7f ? from[i] : '?';
    }
    to[i] = '\0';
}

ts_status_t process_create(struct job *job, const char *name, size_t name_length,
                           struct process **out_process)
{
    ts_status_t status;
    struct account *account = job_account_create(job, &status);
    if (account == NULL) {
        return status;
    }
    struct process *process = body_create(account, sizeof(*process), &process_class, &status);
    if (process == NULL) {
        goto no_process;
    }
    process->account = account;
    uint64_t random[SPACE_AREAS];
    random_bytes(random, sizeof(random));
    status = space_create(account, random, &process->space);
    if (status != TS_OK) {
        goto no_space;
    }
    spin_init(&process->lock, "process");
    list_init(&process->threads);
    list_init(&process->pins);
    uint64_t handles = quota_limit(&job->quota, QUOTA_HANDLES);
    handle_table_init(&process->handles, handles < HANDLES_MAX ? (uint32_t)handles : HANDLES_MAX);
    process->users = 1;
    process->teardown.step = teardown_step;
    process->started_at = clock_now();
    name_copy(process->name, name, name_length);
    object_get(&process->object); // until it is ENDED
    status = job_member_add(&process->member, job, &process->object);
    if (status != TS_OK) {
        goto not_added;
    }
    *out_process = process;
    return TS_OK;

not_added:
    while (space_destroy_some(process->space)) {
        ;
    }
    space_free(process->space);
no_space:
    body_destroy(&process->object, sizeof(*process));
no_process:
    account_put(account);
    return status;
}

static void process_destroy(struct object *object)
{
    body_destroy(object, sizeof(struct process));
}

// Nobody can start a thread in it any more.
static void process_unhandled(struct object *object)
{
    struct process *process = process_of(object);
    if (!atomic_load_explicit(TS_ATOMIC(&process->started), memory_order_relaxed)) {
        process_kill(process);
    }
}

// ---- Users

ts_status_t process_use(struct process *process)
{
    irqflags_t flags = spin_lock(&process->lock);
    bool running = process->state == PROCESS_RUNNING;
    if (running) {
        atomic_fetch_add_explicit(&process->users, 1, memory_order_relaxed);
    }
    spin_unlock(&process->lock, flags);
    if (running) {
        object_get(&process->object);
    }
    return running ? TS_OK : TS_ERR_GONE;
}

void process_unuse(struct process *process)
{
    // The last one lets the teardown go on.
    if (atomic_fetch_sub_explicit(&process->users, 1, memory_order_acq_rel) == 1) {
        reaper_queue(&process->teardown);
    }
    object_put(&process->object);
}

ts_status_t process_thread_add(struct process *process, struct thread *thread)
{
    irqflags_t flags = spin_lock(&process->lock);
    bool running = process->state == PROCESS_RUNNING;
    if (running) {
        list_push_back(&process->threads, &thread->member);
        process->thread_count++;
        process->started = true;
    }
    spin_unlock(&process->lock, flags);
    return running ? TS_OK : TS_ERR_GONE;
}

void process_thread_gone(struct process *process, struct thread *thread)
{
    static const struct ts_process_report last_left = {.reason = TS_EXIT_STATUS};
    atomic_fetch_add_explicit(&process->past_cpu_ns, thread_cpu_ns(thread), memory_order_relaxed);
    irqflags_t flags = spin_lock(&process->lock);
    list_remove(&thread->member);
    bool last = --process->thread_count == 0;
    bool ending = process->state != PROCESS_RUNNING;
    spin_unlock(&process->lock, flags);
    if (!last) {
        return;
    }
    if (ending) {
        reaper_queue(&process->teardown);
    } else {
        process_end(process, &last_left);
    }
}

// The place of a walk over a process's threads in their list, while the lock is free: before what
// has not been looked at. It begins as a thread's part that is in the list.
struct thread_place {
    struct list member;
    struct address_space *space; // NULL, which tells it from a thread
};
_Static_assert(offsetof(struct thread_place, space) ==
                   offsetof(struct thread, requester.space) - offsetof(struct thread, member),
               "a place begins as a thread's membership");

void process_threads_each(struct process *process, void (*look)(struct thread *, void *),
                          void *argument)
{
    struct thread_place place = {.space = NULL};
    irqflags_t flags = spin_lock(&process->lock);
    struct list *node = process->threads.next, *end = &process->threads;
    list_init(&place.member);
    for (uint32_t left = process->thread_count; node != end && left > 0;) {
        for (unsigned i = 0; i < THREADS_PER_HOLD && node != end && left > 0; i++) {
            struct thread *thread = list_entry(node, struct thread, member);
            node = node->next;
            if (thread->requester.space == NULL) {
                continue; // another walk's place
            }
            look(thread, argument);
            left--;
        }
        list_push_back(node, &place.member); // before it
        spin_unlock(&process->lock, flags);
        flags = spin_lock(&process->lock);
        node = place.member.next;
        list_remove(&place.member);
    }
    spin_unlock(&process->lock, flags);
}

// ---- The end

static void stop(struct thread *thread, void *nothing)
{
    (void)nothing;
    if (thread_stop(thread)) {
        thread_end_blocked(thread);
    }
}

void process_end(struct process *process, const struct ts_process_report *report)
{
    uint32_t count = 0;
    irqflags_t flags = spin_lock(&process->lock);
    bool first = process->state == PROCESS_RUNNING;
    if (first) {
        process->state = PROCESS_ENDING;
        process->report = *report;
        count = process->thread_count;
    }
    spin_unlock(&process->lock, flags);
    if (first && count == 0) {
        reaper_queue(&process->teardown);
    } else if (first) {
        process_threads_each(process, stop, NULL); // it gets no more
    }
}

void process_kill(struct process *process)
{
    static const struct ts_process_report killed = {.reason = TS_EXIT_KILLED};
    process_end(process, &killed);
}

// Everything that could find the space or the table is gone.
static void process_finish(struct process *process)
{
    KASSERT(process->handles.closed && process->handles.used == 0);
    space_free(process->space);
    process->space = NULL;
    handle_table_fini(&process->handles);
    account_close(process->account);
    account_put(process->account);
    process->account = NULL;
    job_member_remove(&process->member);
    irqflags_t flags = spin_lock(&process->lock);
    process->state = PROCESS_ENDED;
    spin_unlock(&process->lock, flags);
    object_signal(&process->object, 0, TS_SIGNAL_EXITED, 0);
    object_put(&process->object);
}

// In the reaper. It is queued when the last thread has gone, again by the last user, and each time
// that a step says there is more. The order of the stages is docs/design.md's, "The end of a
// process".
static bool teardown_step(struct work *work)
{
    struct process *process = list_entry(work, struct process, teardown);
    switch ((enum teardown_stage)process->stage) {
    case STAGE_PINS:
        KASSERT(process->state == PROCESS_ENDING && process->thread_count == 0);
        // Before its handles are closed: by these the bus's server learns of the end, and what it
        // then says of the device has to find the pins in quarantine.
        if (domain_owner_died_some(&process->pins) || domain_driver_died_some(process->space)) {
            return true;
        }
        process->stage = STAGE_HANDLES;
        return true;
    case STAGE_HANDLES: {
        irqflags_t flags = spin_lock(&process->handles.lock);
        process->handles.closed = true;
        spin_unlock(&process->handles.lock, flags);
        if (handle_table_drain(&process->handles, REAPER_CHUNK)) {
            return true;
        }
        KASSERT(process->handles.used == 0);
        process->stage = STAGE_USERS;
        object_get(&process->object); // for process_unuse
        process_unuse(process);       // rings, ports and borrowers, or we, go on
        return false;
    }
    case STAGE_USERS:
        // Every ring's records, and what they had in transit, every port's requests and every
        // thread were given up by their users.
        KASSERT(atomic_load_explicit(&process->users, memory_order_acquire) == 0);
        process->stage = STAGE_SPACE;
        return true;
    case STAGE_SPACE:
        if (space_destroy_some(process->space)) {
            return true;
        }
        process_finish(process);
        return false;
    }
    return false;
}

// ---- Operations

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
    case TS_PROCESS_WRITE: return process_memory_move(process, operation, &call);
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

static ts_status_t process_operate(struct object *object, struct operation *operation)
{
    struct process *process = process_of(object);
    switch (operation->op) {
    case TS_OP_CALL: return process_call(process, operation);
    case TS_OP_GET:
        if (operation->arg == TS_PROPERTY_PROCESS_REPORT) {
            return get_report(process, operation);
        }
        if (operation->arg == TS_PROPERTY_PROCESS_STATISTICS) {
            return process_statistics_get(process, operation);
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

const struct object_class process_class = {
    .kind = TS_KIND_PROCESS,
    .name = "process",
    .rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_CALL | TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE |
              TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE,
    .unhandled = process_unhandled,
    .destroy = process_destroy,
    .operate = process_operate,
};
