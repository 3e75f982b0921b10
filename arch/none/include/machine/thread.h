// SPDX-License-Identifier: MIT
// The machine's part of a thread: what <arch/thread.h> asks of it, and the thread pointer.
#pragma once

#include <stdatomic.h>

#include <arch/types.h>
#include <machine/frame.h>
#include <machine/space.h>

struct arch_thread {
    vaddr_t stack_top;
    uint64_t saved_stack;
    void (*continuation)(void);
    struct arch_space *space;
    _Atomic uint32_t running;
    uint64_t canary;
    vaddr_t pointer;
};

static inline struct arch_frame *arch_thread_frame(struct arch_thread *thread)
{
    return (struct arch_frame *)thread->stack_top - 1;
}

static inline bool arch_thread_on_cpu(const struct arch_thread *thread)
{
    return atomic_load_explicit(&thread->running, memory_order_acquire) != 0;
}
