// SPDX-License-Identifier: MIT
// Threads: making and ending them, and what can be done with their handles. See thread.h.
#include <object/thread.h>

#include <arch/cpu.h>
#include <arch/user.h>
#include <mm/heap.h>
#include <object/body.h>
#include <object/process.h>
#include <object/random.h>
#include <object/ring.h>
#include <object/transfer.h>
#include <panic.h>
#include <sched/futex.h>
#include <sched/sched.h>
#include <stdatomic.h>
#include <tessera/abi/signal.h>

// A wait for events has lasted until its deadline, or an earlier one would have.
static void wake_timer_expired(struct timer *timer)
{
    struct thread *thread = list_entry(timer, struct thread, wake_timer);
    thread_wake(thread);
}

// A kernel stack becomes the account's, whose expense it was the kernel's own to keep.
static ts_status_t stack_create(struct account *account, vaddr_t *out_stack)
{
    ts_status_t status = account_charge(account, ARCH_STACK_PAGES);
    if (status != TS_OK) {
        return status;
    }
    status = arch_stack_create(out_stack);
    account_uncharge(status == TS_OK ? NULL : account, ARCH_STACK_PAGES);
    return status;
}

static void stack_destroy(struct account *account, vaddr_t stack)
{
    (void)account_charge(NULL, ARCH_STACK_PAGES); // the kernel keeps some
    arch_stack_destroy(stack);
    account_uncharge(account, ARCH_STACK_PAGES);
}

// Its place in the job and its stack, charged.
static ts_status_t resources_create(struct process *process, vaddr_t *out_stack)
{
    ts_status_t status = job_charge(process->member.job, QUOTA_THREADS, 1);
    if (status != TS_OK) {
        return status;
    }
    status = stack_create(process->account, out_stack);
    if (status != TS_OK) {
        job_uncharge(process->member.job, QUOTA_THREADS, 1);
    }
    return status;
}

// While the process is used: its account and its place in the job are there.
static void resources_free(struct process *process, vaddr_t stack)
{
    stack_destroy(process->account, stack);
    job_uncharge(process->member.job, QUOTA_THREADS, 1);
}

// Behind the body in the same piece of memory lies the vector area.
#define VECTORS_AT ((sizeof(struct thread) + ARCH_VECTOR_ALIGN - 1) & -(size_t)ARCH_VECTOR_ALIGN)
_Static_assert(sizeof(struct thread) > 96, "the heap aligns what is larger to ARCH_VECTOR_ALIGN");

static size_t thread_size(void)
{
    return VECTORS_AT + arch_vector_size();
}

static struct thread *thread_body_create(struct account *account, ts_status_t *out_status)
{
    size_t size = sizeof(struct thread);
    return body_create_with(account, size, thread_size() - size, &thread_class, out_status);
}

// In the reaper, once the thread has ended.
static bool teardown_step(struct work *work)
{
    struct thread *thread = list_entry(work, struct thread, teardown);
    struct process *process = thread->process;
    KASSERT(!thread->asking && thread->ring == NULL); // its record and its ring are let go
    arch_thread_fini(&thread->machine);
    resources_free(process, thread->machine.stack_top);
    process_unuse(process);
    object_put(&thread->object);
    return false;
}

static void thread_init(struct thread *thread, struct process *process, vaddr_t stack,
                        const struct thread_start *start)
{
    void *vectors = (char *)thread + VECTORS_AT;
    arch_thread_init(&thread->machine, stack, (struct arch_space *)process->space, vectors, NULL);
    thread->machine.canary = random_canary();
    arch_frame_start(arch_thread_frame(&thread->machine), start->entry, start->stack,
                     start->argument);
    list_init(&thread->run);
    list_init(&thread->member);
    thread->own_priority = thread->priority = start->priority;
    thread->process = process;
    thread->requester = (struct requester){
        .space = process->space,
        .handles = &process->handles,
        .thread = thread,
        .client = process->member.job->client,
        .priority = start->priority,
    };
    request_init(&thread->request, &thread->requester);
    timer_init(&thread->wake_timer, wake_timer_expired);
    thread->teardown.step = teardown_step;
    thread->end = thread_exit;
}

ts_status_t thread_create(struct process *process, const struct thread_start *start,
                          struct thread **out_thread)
{
    vaddr_t stack = 0;
    ts_status_t status = process_use(process);
    if (status != TS_OK) {
        return status;
    }
    struct thread *thread = thread_body_create(process->account, &status);
    if (thread == NULL) {
        goto no_thread;
    }
    status = resources_create(process, &stack);
    if (status != TS_OK) {
        goto no_resources;
    }
    thread_init(thread, process, stack, start);
    status = arch_thread_set_pointer(&thread->machine, start->thread_pointer);
    if (status == TS_OK) {
        status = process_thread_add(process, thread);
    }
    if (status != TS_OK) {
        goto not_added;
    }
    object_get(&thread->object);  // the caller's
    object_get(&process->object); // the body's, for its pointer to the process
    *out_thread = thread;
    return TS_OK;

not_added:
    resources_free(process, stack);
no_resources:
    body_destroy(&thread->object, thread_size());
no_thread:
    process_unuse(process);
    return status;
}

static void thread_destroy(struct object *object)
{
    struct thread *thread = thread_of(object);
    object_put(&thread->process->object);
    body_destroy(object, thread_size());
}

// ---- The end

// Lets go of the ring in which the thread waited.
static void leave_ring(struct thread *thread)
{
    if (thread->ring == NULL) {
        return;
    }
    ring_leave(thread->ring);
    object_put(&thread->ring->object);
    thread->ring = NULL;
}

// Tells the joiner that its stack is free. The word may be anywhere; a bad address is its loss.
static void clear_word(struct thread *thread)
{
    uint32_t woken;
    if (thread->clear_address == 0 || put_user_u32(thread->clear_address, 0) != TS_OK) {
        return;
    }
    (void)futex_wake(thread->process->space, thread->clear_address, UINT32_MAX, &woken);
}

// Ends by force what the thread asked for.
static void cut_off(struct thread *thread)
{
    atomic_store_explicit(TS_ATOMIC(&thread->ending), true, memory_order_relaxed);
    if (thread->asking) {
        (void)request_cancel(&thread->request, TS_ERR_CANCELLED, true);
    }
}

// No record of the thread is in anyone's hands.
static bool is_completed(const struct thread *thread)
{
    return !thread->asking || atomic_load_explicit(&thread->completed, memory_order_acquire);
}

static void let_go(struct thread *thread)
{
    thread->asking = false;
    leave_ring(thread);
    timer_stop(&thread->wake_timer); // of this wait or an earlier one
}

// The last part, once it is answered.
static _Noreturn void thread_finish(void)
{
    arch_irq_enable();
    struct thread *thread = thread_current();
    if (!is_completed(thread)) {
        thread_block(thread_finish);
    }
    let_go(thread);
    clear_word(thread);
    object_signal(&thread->object, 0, TS_SIGNAL_EXITED, 0);
    // From here on the space may go away under us: not to be preempted and entered again.
    arch_irq_disable();
    process_thread_gone(thread->process, thread);
    reaper_queue(&thread->teardown);
    thread_leave();
}

_Noreturn void thread_exit(void)
{
    cut_off(thread_current());
    thread_finish();
}

// In the reaper: the same for a thread that was stopped while it was blocked, which has nothing on
// its stack and never runs again.
static bool end_step(struct work *work)
{
    struct thread *thread = list_entry(work, struct thread, teardown);
    cut_off(thread);
    if (!is_completed(thread)) {
        return true; // another CPU is about to: it is not preempted since the record was DONE (D12)
    }
    KASSERT(thread->clear_address == 0); // it did not ask to end
    let_go(thread);
    object_signal(&thread->object, 0, TS_SIGNAL_EXITED, 0);
    process_thread_gone(thread->process, thread);
    return teardown_step(work);
}

void thread_end_blocked(struct thread *thread)
{
    thread->teardown.step = end_step;
    reaper_queue_at(&thread->teardown, thread->own_priority);
}

// ---- Kernel threads

struct thread *kernel_thread_create(void (*entry)(void), uint8_t priority)
{
    struct thread *thread = heap_alloc_zeroed(sizeof(*thread));
    vaddr_t stack;
    if (thread == NULL || arch_stack_create(&stack) != TS_OK) {
        heap_free(thread, sizeof(*thread));
        return NULL;
    }
    object_init(&thread->object, &thread_class);
    arch_thread_init(&thread->machine, stack, NULL, NULL, entry);
    thread->machine.canary = random_canary();
    list_init(&thread->run);
    list_init(&thread->member);
    thread->own_priority = thread->priority = priority;
    thread->end = thread_exit;
    return thread;
}

struct thread *kernel_thread_start(void (*entry)(void), uint8_t priority)
{
    struct thread *thread = kernel_thread_create(entry, priority);
    if (thread != NULL) {
        thread_launch(thread);
    }
    return thread;
}

// ---- Operations

static ts_status_t set_priority(struct thread *thread, uint64_t priority)
{
    // No more than what the process was given, so that no program can starve its betters.
    if (priority > TS_PRIORITY_MAX) {
        return TS_ERR_ARGUMENT;
    }
    if (priority > thread->process->priority_max) {
        return TS_ERR_LIMIT;
    }
    thread_set_priority(thread, (uint8_t)priority);
    return TS_OK;
}

static ts_status_t thread_get(struct thread *thread, struct operation *operation)
{
    struct ts_registers registers;
    switch (operation->arg) {
    case TS_PROPERTY_THREAD_REGISTERS: {
        if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
            return TS_ERR_RIGHTS;
        }
        ts_status_t status = thread_registers(thread, &registers);
        return status != TS_OK ? status : operation_get(operation, &registers, sizeof(registers));
    }
    case TS_PROPERTY_THREAD_PRIORITY: return operation_get_u64(operation, thread->own_priority);
    case TS_PROPERTY_THREAD_POINTER:
        return operation_get_u64(operation, arch_thread_pointer(&thread->machine));
    default: return TS_ERR_UNSUPPORTED;
    }
}

static ts_status_t thread_set(struct thread *thread, const struct operation *operation)
{
    uint64_t value;
    if (operation->arg != TS_PROPERTY_THREAD_PRIORITY &&
        operation->arg != TS_PROPERTY_THREAD_POINTER) {
        return TS_ERR_UNSUPPORTED;
    }
    if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
        return TS_ERR_RIGHTS;
    }
    ts_status_t status = operation_set(operation, &value, sizeof(value));
    if (status != TS_OK) {
        return status;
    }
    if (operation->arg == TS_PROPERTY_THREAD_PRIORITY) {
        return set_priority(thread, value);
    }
    // The register of another thread may be in use this very moment.
    return thread == thread_current() ? arch_thread_set_pointer(&thread->machine, value)
                                      : TS_ERR_BUSY;
}

static ts_status_t thread_operate(struct object *object, struct operation *operation)
{
    switch (operation->op) {
    case TS_OP_GET: return thread_get(thread_of(object), operation);
    case TS_OP_SET: return thread_set(thread_of(object), operation);
    default: return TS_ERR_UNSUPPORTED;
    }
}

const struct object_class thread_class = {
    .kind = TS_KIND_THREAD,
    .name = "thread",
    .rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE |
              TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE,
    .destroy = thread_destroy,
    .operate = thread_operate,
};
