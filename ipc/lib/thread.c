// SPDX-License-Identifier: MIT
#include <stdatomic.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/thread.h>

_Noreturn void ts_thread_exit(struct ts_thread *self)
{
    // The kernel stores 0 there once the thread no longer uses its stack, and wakes the joiner.
    ts_sys_thread_exit((uintptr_t)&self->running);
}

static _Noreturn void thread_main(struct ts_thread *self)
{
    self->entry(self->argument);
    ts_thread_exit(self);
}

// A few stacks of threads that were joined are kept for the next ones: to make a stack is half the
// cost of making a thread. What they hold is this process's own.
#define KEPT       4u
#define KEPT_BYTES (256u << 10) // larger ones are not kept

static struct {
    struct ts_mutex mutex;
    struct {
        void *stack;
        size_t size;
    } kept[KEPT];
} stacks;

static void *stack_take(size_t size)
{
    void *stack = NULL;
    ts_mutex_lock(&stacks.mutex);
    for (unsigned i = 0; i < KEPT && stack == NULL; i++) {
        if (stacks.kept[i].size == size) {
            stack = stacks.kept[i].stack;
            stacks.kept[i].size = 0;
        }
    }
    ts_mutex_unlock(&stacks.mutex);
    return stack;
}

static ts_status_t stack_give(void *stack, size_t size)
{
    bool kept = false;
    ts_mutex_lock(&stacks.mutex);
    for (unsigned i = 0; i < KEPT && !kept && size <= KEPT_BYTES; i++) {
        kept = stacks.kept[i].size == 0;
        if (kept) {
            stacks.kept[i].stack = stack;
            stacks.kept[i].size = size;
        }
    }
    ts_mutex_unlock(&stacks.mutex);
    return kept ? TS_OK : ts_memory_unmap(stack, size);
}

// The mapping is one page longer than asked; the lowest is the guard.
static ts_status_t stack_create(struct ts_thread *thread, size_t size)
{
    thread->stack_size = TS_PAGE_ROUND(size) + TS_PAGE_SIZE;
    thread->stack = stack_take(thread->stack_size);
    if (thread->stack != NULL) {
        return TS_OK;
    }
    ts_handle_t memory;
    ts_status_t status = ts_memory_create(thread->stack_size, 0, &memory);
    if (status != TS_OK) {
        return status;
    }
    status = ts_memory_map(memory, NULL, thread->stack_size, 0,
                           TS_MAP_READ | TS_MAP_WRITE | TS_MAP_STACK, &thread->stack);
    ts_close(memory); // the mapping keeps it
    if (status != TS_OK) {
        return status;
    }
    status = ts_memory_protect(thread->stack, TS_PAGE_SIZE, 0);
    if (status != TS_OK) {
        (void)ts_memory_unmap(thread->stack, thread->stack_size);
    }
    return status;
}

ts_status_t ts_thread_start(struct ts_thread *thread, void (*entry)(void *argument), void *argument,
                            size_t stack_size, uint64_t thread_pointer, unsigned priority)
{
    ts_status_t status = stack_create(thread, stack_size);
    if (status != TS_OK) {
        return status;
    }
    thread->entry = entry;
    thread->argument = argument;
    thread->running = 1;
    uint64_t top = (uintptr_t)thread->stack + thread->stack_size;
    if (thread_pointer == 0) {
        top -= sizeof(struct ts_thread_control);
        thread_pointer = ts_thread_control_init((struct ts_thread_control *)top);
    }
    // As if called: the stack is 8 below a multiple of 16 at a function's first instruction.
    struct ts_result result = ts_sys_thread_start(0, (uintptr_t)thread_main, top - 8,
                                                  (uintptr_t)thread, thread_pointer, priority);
    if (result.status) {
        (void)stack_give(thread->stack, thread->stack_size);
        return (ts_status_t)result.status;
    }
    thread->handle = (ts_handle_t)result.value;
    return TS_OK;
}

ts_status_t ts_thread_join(struct ts_thread *thread, ts_time_t deadline)
{
    // The acquire pairs with the kernel's store of 0: what the thread wrote is visible then.
    while (atomic_load_explicit(TS_ATOMIC(&thread->running), memory_order_acquire) != 0) {
        ts_status_t status = ts_futex_wait(&thread->running, 1, deadline);
        if (status == TS_ERR_TIMED_OUT) {
            return status;
        }
    }
    ts_close(thread->handle);
    return stack_give(thread->stack, thread->stack_size);
}

void ts_thread_yield(void)
{
    (void)ts_sys_yield();
}
